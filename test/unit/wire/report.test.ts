import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { UPTIME_MAX } from '../../../machines/report.ts';
import { BOMBS, inFrame } from '../../hostile/decoding-bombs.ts';
import { decode, encode } from '../../../src/wire/codec.ts';
import {
  FRAME_PROBLEMS_MAX,
  FRAME_REPORTS_MAX,
  isId,
  readReports,
  REPORT_BYTES_MAX,
} from '../../../src/wire/report.ts';

const report = { boot: 3, seq: 17, up: 1_000, state: 'available', sensors: { hatch: false } };
const read = (value: unknown, device = 'cp-001'): ReturnType<typeof readReports> =>
  readReports(device, encode(value, 'json'));

describe('a message of a device', () => {
  test.each(['json', 'msgpack'] as const)('may be one report, in %s', (encoding) => {
    const result = readReports('cp-001', encode(report, encoding));
    expect(result).toEqual({ ok: true, reports: [report], problems: [] });
  });

  test('may be a frame of reports, which keep their order', () => {
    const reports = Array.from({ length: 2_000 }, (_, index) => ({ ...report, seq: index + 1 }));
    expect(readReports('cp-001', encode(reports, 'msgpack'))).toEqual({ ok: true, reports, problems: [] });
  });

  test('keeps fields that the contract does not name', () => {
    const wider = { ...report, signal: { rssi: -71 }, sensors: { hatch: false, humidity: 0.4 } };
    expect(read(wider)).toEqual({ ok: true, reports: [wider], problems: [] });
  });

  test('may leave out what is optional, and may say that it holds nothing', () => {
    expect(read({ ...report, hold: null })).toMatchObject({ ok: true, problems: [] });
    expect(
      read({ ...report, hold: { id: 'x', leftMs: 5 }, since: { hatch: 5 }, commands: [] }),
    ).toMatchObject({ ok: true });
  });

  test('may say null for whatever it may leave out, as many writers do', () => {
    const ring = [{ n: 1, outcome: 'done', reason: null }];
    const nulls = { at: null, since: null, firmware: null, config: null, components: null, kind: null };
    expect(read({ ...report, ...nulls, device: null, commands: ring, hold: null })).toEqual({
      ok: true,
      problems: [],
      reports: [{ ...report, hold: null, commands: [{ n: 1, outcome: 'done' }] }],
    });
  });

  test.each([
    ['since', { 'ha\ntch': 'soon' }],
    ['since', { hatch: -1 }],
    ['commands', 'done'],
    ['hold', { id: 'x', leftMs: 'long' }],
    ['hold', { id: 'x', leftMs: 59_999.5 }],
    ['hold', {}],
    ['firmware', 42],
    ['at', 'noon'],
    ['config', { version: 'first' }],
    ['components', [{ slot: '' }]],
    ['kind', 'a kind'],
  ])('is heard without a value that does not fit, which is marked: %s %j', (name, value) => {
    expect(read({ ...report, [name]: value })).toEqual({
      ok: true,
      problems: [],
      reports: [{ ...report, unreadable: [name] }],
    });
  });

  test('does not mark anything as unreadable itself', () => {
    expect(read({ ...report, unreadable: ['hatch'] })).toEqual({ ok: true, reports: [report], problems: [] });
  });

  test('may have a wall clock in any year', () => {
    for (const at of [-62_135_596_800_000, 0, 2_085_978_496_000, 1e300]) {
      expect(read({ ...report, at })).toMatchObject({ ok: true, problems: [] });
    }
  });

  test.each([
    [
      'no seq',
      { ...report, seq: undefined },
      '/seq: expected required property, got nothing (counts reports within a boot)',
    ],
    [
      'a seq of 0',
      { ...report, seq: 0 },
      '/seq: expected integer to be greater or equal to 1, got 0 (counts reports within a boot)',
    ],
    [
      'a fractional uptime',
      { ...report, up: 1.5 },
      '/up: expected integer, got 1.5 (monotonic uptime when this state was measured, ms)',
    ],
    [
      'an uptime that no device can have',
      { ...report, up: UPTIME_MAX + 1 },
      '/up: expected integer to be less or equal to 1099511627776, got 1099511627777 (monotonic uptime',
    ],
    [
      'a boot beyond 2^53',
      { ...report, boot: 2 ** 53 },
      '/boot: expected integer to be less or equal to 9007199254740991, got 9007199254740992 (',
    ],
    ['a text for a boot', { ...report, boot: '3' }, '/boot: expected integer, got "3" ('],
    [
      'an empty state',
      { ...report, state: '' },
      '/state: expected string length greater or equal to 1, got "" (',
    ],
    ['a list of sensors', { ...report, sensors: [] }, '/sensors: expected object, got a list ('],
  ])('with %s is a bad report, and the sentence says where and what would be right', (_, value, detail) => {
    const result = read(value);
    expect(result).toMatchObject({ ok: false, reason: 'bad-report' });
    expect(result.ok ? '' : result.detail).toContain(detail);
  });

  test('does not quote a long wrong value in full', () => {
    const result = read({ ...report, state: 'x'.repeat(100_000) });
    expect(result.ok ? '' : result.detail.length).toBeLessThan(200);
  });

  test('that names another device than its subject is a mismatch', () => {
    expect(read({ ...report, device: 'cp-001' })).toMatchObject({ ok: true });
    expect(read({ ...report, device: 'cp-002' })).toEqual({
      ok: false,
      reason: 'device-mismatch',
      detail: 'the report says device "cp-002", its subject cp-001: leave the field out or make them agree',
    });
  });

  test('on a subject that is no device id is refused whatever it says', () => {
    for (const device of ['', 'a b', 'ü', 'x'.repeat(65), 'a/b', '../etc', '\uFFFD']) {
      expect(readReports(device, encode(report, 'json')), device).toMatchObject({
        ok: false,
        reason: 'bad-device-id',
      });
      expect(isId(device)).toBe(false);
    }
  });

  test('with a reason of its own when it cannot be decoded', () => {
    expect(readReports('cp-001', new Uint8Array())).toMatchObject({ ok: false, reason: 'empty' });
    expect(readReports('cp-001', new TextEncoder().encode('hello'))).toMatchObject({
      ok: false,
      reason: 'not-a-map',
    });
    expect(readReports('cp-001', new TextEncoder().encode('{"boot":'))).toMatchObject({
      ok: false,
      reason: 'malformed',
    });
  });
});

describe('a frame', () => {
  test('with bad reports yields its good ones in order, and a problem for each bad one with its place', () => {
    const frame = [
      report,
      { ...report, seq: -1 },
      'noise',
      { ...report, seq: 18 },
      { ...report, device: 'other' },
    ];
    const result = read(frame);
    expect(result).toMatchObject({
      ok: true,
      reports: [report, { ...report, seq: 18 }],
      problems: [
        { index: 1, reason: 'bad-report' },
        { index: 2, reason: 'bad-report' },
        { index: 4, reason: 'device-mismatch' },
      ],
    });
  });

  test('with many bad reports yields a problem for each of the first, and one that counts the others', () => {
    const result = read(Array.from({ length: FRAME_PROBLEMS_MAX + 30 }, () => 7));
    if (!result.ok) throw new Error(result.detail);
    expect(result.problems).toHaveLength(FRAME_PROBLEMS_MAX + 1);
    expect(result.problems.at(-1)).toMatchObject({ index: FRAME_PROBLEMS_MAX, reason: 'bad-frame' });
    expect(result.problems.at(-1)?.detail).toContain('30 more');
  });

  test('larger than a report may be yields all reports that are not', () => {
    const note = 'x'.repeat(REPORT_BYTES_MAX / 2);
    const large = { ...report, seq: 20, note: 'ü'.repeat(REPORT_BYTES_MAX / 2) };
    const result = read([{ ...report, note }, large, { ...report, seq: 21, note }]);
    expect(result).toMatchObject({
      ok: true,
      reports: [{ seq: report.seq }, { seq: 21 }],
      problems: [{ index: 1, reason: 'too-large' }],
    });
  });

  test('that is no frame and larger than a report may be is refused before it is read', () => {
    for (const [first, last] of [
      ['{', ''],
      [' {', '}'],
    ])
      expect(
        readReports('cp-001', Buffer.from(`${String(first)}${'x'.repeat(REPORT_BYTES_MAX)}${String(last)}`)),
      ).toMatchObject({ ok: false, reason: 'too-large' });
    const announced = Uint8Array.of(0x81, ...new Uint8Array(REPORT_BYTES_MAX).fill(0xc1));
    expect(readReports('cp-001', announced)).toMatchObject({ ok: false, reason: 'too-large' });
  });

  test('that announces more reports than the limit is refused by its first bytes, whatever follows', () => {
    const announced = Uint8Array.of(0xdc, (FRAME_REPORTS_MAX + 1) >> 8, (FRAME_REPORTS_MAX + 1) & 255, 0xc1);
    expect(readReports('cp-001', announced)).toMatchObject({ ok: false, reason: 'bad-frame' });
    const most = Uint8Array.of(0xdc, FRAME_REPORTS_MAX >> 8, FRAME_REPORTS_MAX & 255, 0xc1);
    expect(readReports('cp-001', most)).toMatchObject({ ok: false, reason: 'malformed' });
  });

  test('may have 5,000 reports of 38 values each, in both encodings', () => {
    const sensors = Object.fromEntries(Array.from({ length: 32 }, (_, n) => [`s${String(n)}`, n]));
    const reports = Array.from({ length: 5_000 }, (_, n) => ({
      boot: 1,
      seq: n + 1,
      up: n,
      state: 'x',
      sensors,
    }));
    for (const encoding of ['json', 'msgpack'] as const)
      expect(readReports('cp-001', encode(reports, encoding))).toEqual({ ok: true, reports, problems: [] });
  });

  test('a report may list 256 components, in both encodings', () => {
    const components = Array.from({ length: 256 }, (_, n) => ({
      slot: `slot-${String(n)}`,
      model: 'm',
      serial: 's',
      firmware: 'f',
    }));
    for (const encoding of ['json', 'msgpack'] as const)
      expect(readReports('cp-001', encode({ ...report, components }, encoding))).toMatchObject({ ok: true });
  });

  test.each(BOMBS)('of one report with too much in it is refused whole before it is made: %s', (_, bomb) => {
    expect(readReports('cp-001', inFrame(bomb))).toMatchObject({ ok: false, reason: 'too-many-values' });
    expect(readReports('cp-001', bomb)).toMatchObject({ ok: false, reason: 'too-large' });
  });

  test('without reports is refused', () => {
    expect(read([])).toMatchObject({ ok: false, reason: 'bad-frame' });
  });

  test('with more reports than the limit is refused whole', () => {
    const tooMany = Array.from({ length: FRAME_REPORTS_MAX + 1 }, () => 0);
    expect(read(tooMany)).toMatchObject({ ok: false, reason: 'bad-frame' });
    expect(read(tooMany.slice(1))).toMatchObject({ ok: true, reports: [] });
  });
});

test('whatever a stranger sends is read or refused with a reason and a sentence, and never throws', () => {
  const anything = fc.oneof(
    fc.uint8Array({ maxLength: 200 }),
    fc.json().map((text) => new TextEncoder().encode(text)),
    fc
      .record({
        boot: fc.anything(),
        seq: fc.anything(),
        up: fc.anything(),
        state: fc.anything(),
        sensors: fc.anything(),
      })
      .map((value) => encodeAnything(value)),
  );
  fc.assert(
    fc.property(anything, fc.string(), (payload, device) => {
      for (const name of ['cp-001', device]) {
        const result = readReports(name, payload);
        if (result.ok) {
          for (const good of result.reports) expect(Number.isSafeInteger(good.seq)).toBe(true);
        } else {
          expect(result.reason).toMatch(/^[a-z-]+$/);
          expect(result.detail.isWellFormed() && !result.detail.includes('\u0000')).toBe(true);
        }
      }
    }),
    { numRuns: 1_000 },
  );
});

function encodeAnything(value: unknown): Uint8Array {
  try {
    return encode(value, 'msgpack');
  } catch {
    return new Uint8Array();
  }
}

test('a report that was read is stored as it came', () => {
  fc.assert(
    fc.property(
      fc.dictionary(fc.stringMatching(/^[a-z]{1,8}$/), fc.oneof(fc.integer(), fc.boolean(), fc.string())),
      (sensors) => {
        const payload = encode({ ...report, sensors }, 'msgpack');
        const result = readReports('cp-001', payload);
        const decoded = decode(payload);
        if (decoded.ok) expect(result).toEqual({ ok: true, reports: [decoded.value], problems: [] });
        else expect(result).toMatchObject({ ok: false, reason: 'not-plain-data' });
      },
    ),
  );
});

test('what does not fit beside a word of the ring costs itself alone, and is marked: the ring is heard', () => {
  const ring = [
    { n: 9, outcome: 'done', executedAs: -1 },
    { n: 8, outcome: 'done', executedAs: 3 },
    { n: 7, outcome: 'unknown', reason: 'interrupted', fence: { boot: 'three' } },
    { n: 6, outcome: 'unknown', fence: null },
    { n: 5, outcome: 'done', fence: { boot: 2 } },
    { n: 4, outcome: 'done', reason: 17 },
    { n: 3, outcome: 'unknown', reason: 'x'.repeat(257), since: 'today' },
  ];
  const heard = {
    ...report,
    commands: [
      { n: 9, outcome: 'done' },
      { n: 8, outcome: 'done', executedAs: 3 },
      { n: 7, outcome: 'unknown', reason: 'interrupted' },
      { n: 6, outcome: 'unknown' },
      { n: 5, outcome: 'done', fence: { boot: 2 } },
      { n: 4, outcome: 'done' },
      { n: 3, outcome: 'unknown', since: 'today' },
    ],
    unreadable: ['commands.executedAs', 'commands.fence', 'commands.reason'],
  };
  expect(read({ ...report, commands: ring })).toEqual({ ok: true, reports: [heard], problems: [] });
});

test('an entry of the ring that names no command, or says nothing of it, is left out, and the ring is marked', () => {
  const refused = [17, 'x'.repeat(257)].map((reason) => ({ n: 8, outcome: 'rejected', reason }));
  for (const entry of refused)
    expect(read({ ...report, commands: [entry, { n: 7, outcome: 'done' }] })).toMatchObject({
      reports: [{ commands: [{ n: 7, outcome: 'done' }], unreadable: ['commands.reason', 'commands'] }],
    });
  const bad = [7, null, [], {}, { outcome: 'done' }, { n: '8', outcome: 'done' }, { n: 8, outcome: null }];
  for (const entry of bad)
    expect(read({ ...report, commands: [entry, { n: 7, outcome: 'done' }] })).toEqual({
      ok: true,
      problems: [],
      reports: [{ ...report, commands: [{ n: 7, outcome: 'done' }], unreadable: ['commands'] }],
    });
});

test('of a ring with more entries than it may have those of the highest numbers are heard', () => {
  const entries = Array.from({ length: 1_000 }, (_, n) => ({ n, outcome: 'done' }));
  const result = read({ ...report, commands: entries });
  expect(result).toMatchObject({ ok: true, reports: [{ unreadable: ['commands'] }] });
  const [heard] = result.ok ? result.reports : [];
  expect(heard?.commands?.map(({ n }) => n)).toEqual([999, 998, 997, 996, 995, 994, 993, 992]);
});

test('entries that say different things of one number are left out, and the ring is marked; what is said twice is heard once', () => {
  const other = { n: 7, outcome: 'done' };
  const twice = [{ n: 8, outcome: 'rejected', reason: 'busy' }, { n: 8, outcome: 'done' }, other];
  expect(read({ ...report, commands: twice })).toEqual({
    ok: true,
    problems: [],
    reports: [{ ...report, commands: [other], unreadable: ['commands'] }],
  });
  for (const bad of [{ n: 8, outcome: 3 }, { n: 8 }, { n: 8, outcome: 'rejected', reason: 17 }])
    for (const pair of [
      [bad, { n: 8, outcome: 'done' }],
      [{ n: 8, outcome: 'done' }, bad],
    ])
      expect(read({ ...report, commands: [...pair, other] })).toMatchObject({
        reports: [{ commands: [other], unreadable: expect.arrayContaining(['commands']) as string[] }],
      });
  expect(read({ ...report, commands: [other, other] })).toEqual({
    ok: true,
    problems: [],
    reports: [{ ...report, commands: [other] }],
  });
  const full = Array.from({ length: 7 }, (_, n) => ({ n: 7 - n, outcome: 'done' }));
  expect(read({ ...report, commands: [other, ...full] })).toMatchObject({
    reports: [{ commands: full, unreadable: ['commands'] }],
  });
});
