import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { encode } from '../../../src/wire/codec.ts';
import { VALUES_MAX } from '../../../src/wire/decode-limits.ts';
import { ANY_DEVICE } from '../../../src/contract/device-filter.ts';
import {
  FIND_LIMIT_DEFAULT,
  FIND_LIMIT_MAX,
  readCommand,
  readDesired,
  readFind,
  readGet,
  readLedger,
  replyEncodingOf,
  REQUEST_BYTES_MAX,
  WAIT_MS_DEFAULT,
  WAIT_MS_MAX,
} from '../../../src/wire/request.ts';

const id = '6f1c1e0a-8f5f-4d0c-9b1e-0c5a4f7d2e11';
const json = (value: unknown): Uint8Array => encode(value, 'json');
const nothing = new Uint8Array();

describe('a command request', () => {
  test('needs only its id', () => {
    expect(readCommand(json({ id }))).toEqual({
      ok: true,
      body: { id, args: {}, waitMs: WAIT_MS_DEFAULT, ifVersion: null, by: null },
    });
  });

  test('may say everything, in MessagePack too', () => {
    const body = { id, args: { holdMs: 60_000 }, waitMs: 0, ifVersion: 12, by: 'user 7' };
    expect(readCommand(encode(body, 'msgpack'))).toEqual({ ok: true, body });
  });

  test('names the same command in upper and lower case', () => {
    expect(readCommand(json({ id: id.toUpperCase() }))).toMatchObject({ ok: true, body: { id } });
  });

  test('may carry fields that the contract does not name', () => {
    expect(readCommand(json({ id, trace: 'abc' }))).toMatchObject({ ok: true });
  });

  test.each(['ifversion', 'if_version', 'IfState', 'ifNobodyElse'])(
    'with a condition that is not known, %s, is refused: it would be executed without it',
    (condition) => {
      const problem = `"${condition}" is no condition that is known here; there is ifVersion`;
      expect(readCommand(json({ id, [condition]: 3 }))).toEqual({ ok: false, id, detail: problem });
      expect(readDesired(json({ patch: {}, [condition]: 3 }))).toMatchObject({ ok: false, detail: problem });
    },
  );

  test.each([
    ['nothing at all', nothing, null, '/id: expected required property, got nothing (a UUID'],
    ['an id that is no UUID', json({ id: 'reserve-1' }), null, '/id: expected string to match'],
    [
      'a wait beyond the limit',
      json({ id, waitMs: WAIT_MS_MAX + 1 }),
      id,
      '/waitMs: expected integer to be less or equal to 60000, got 60001',
    ],
    [
      'a negative wait',
      json({ id, waitMs: -1 }),
      id,
      '/waitMs: expected integer to be greater or equal to 0, got -1',
    ],
    ['arguments that are a list', json({ id, args: [] }), id, '/args: expected object, got a list'],
    ['a version that is a text', json({ id, ifVersion: '3' }), id, '/ifVersion: expected integer, got "3"'],
    ['nobody as `by`', json({ id, by: '' }), id, '/by: expected string length greater or equal to 1'],
    ['a list', json([{ id }]), null, 'a request is a map, this one is a list'],
    [
      'noise',
      new TextEncoder().encode('reserve please'),
      null,
      'begins neither a JSON nor a MessagePack map',
    ],
  ])('with %s is refused with a sentence', (_, payload, knownId, detail) => {
    const read = readCommand(payload);
    expect(read).toMatchObject({ ok: false, id: knownId });
    expect(read.ok ? '' : read.detail).toContain(detail);
  });
});

describe('other requests', () => {
  test('get needs nothing, and is not looked into', () => {
    for (const payload of [nothing, json({}), json([]), Uint8Array.of(0xdf, 0xff, 0xff, 0xff, 0xff)])
      expect(readGet(payload)).toEqual({ ok: true, body: null });
  });

  test('longer than what is asked needs are refused with the length that it may have, before they are read', () => {
    const reads = {
      get: readGet,
      ledger: readLedger,
      find: readFind,
      command: readCommand,
      desired: readDesired,
    };
    for (const [name, read] of Object.entries(reads)) {
      const most = REQUEST_BYTES_MAX[name as keyof typeof reads];
      const detail = `a ${name} request may have ${String(most)} bytes, this one has ${String(most + 1)}`;
      // Noise: what was read would be refused for another reason.
      const noise = new Uint8Array(most + 1).fill(0x21);
      expect(read(noise)).toEqual({ ok: false, id: null, detail });
      const shorter = read(noise.subarray(1));
      expect(shorter.ok ? '' : shorter.detail).not.toContain('bytes,');
    }
  });

  test('may change the desired configuration by 64 KB of it at once', () => {
    const patch = Object.fromEntries(Array.from({ length: 4_000 }, (_, n) => [`k${String(n)}`, 12_345]));
    expect(Buffer.byteLength(JSON.stringify(patch))).toBeGreaterThan(48 * 1024);
    expect(readDesired(json({ patch }))).toMatchObject({ ok: true });
    expect(readDesired(encode({ patch }, 'msgpack'))).toMatchObject({ ok: true });
  });

  test('with more values than a request may have are refused with how many those are', () => {
    const list = Array.from({ length: VALUES_MAX }, () => 0);
    for (const encoding of ['json', 'msgpack'] as const) {
      const read = readCommand(encode({ id, args: { list } }, encoding));
      const detail = expect.stringContaining(`a message may hold ${String(VALUES_MAX)} values`) as unknown;
      expect(read).toEqual({ ok: false, id: null, detail });
    }
  });

  test('are told an id again only where it is one: anything else is as long as they like', () => {
    for (const odd of ['x'.repeat(60_000), `${id}0`, '', 7])
      expect(readCommand(json({ id: odd, waitMs: -1 }))).toMatchObject({ ok: false, id: null });
    expect(readCommand(json({ id, waitMs: -1 }))).toMatchObject({ ok: false, id });
  });

  test('ledger needs an id', () => {
    expect(readLedger(json({ id }))).toEqual({ ok: true, body: { id } });
    expect(readLedger(nothing)).toMatchObject({ ok: false, id: null });
  });

  test('desired needs a patch', () => {
    expect(readDesired(json({ patch: { limit: null } }))).toEqual({
      ok: true,
      body: { patch: { limit: null }, ifVersion: null },
    });
    expect(readDesired(json({ limit: 16 }))).toMatchObject({ ok: false });
  });

  test('find without a query finds everything, a page at a time', () => {
    expect(readFind(nothing)).toMatchObject({
      ok: true,
      body: { filter: ANY_DEVICE, limit: FIND_LIMIT_DEFAULT, cursor: null },
    });
  });

  test('find takes every field of its query', () => {
    const filters = {
      kind: 'car',
      state: 'rented',
      quality: 'fresh',
      site: 'depot',
      firmware: '1',
      label: 'x',
    };
    const page = { limit: 5, cursor: 'car-1' };
    const body = { filter: { ...ANY_DEVICE, ...filters }, ...page };
    expect(readFind(json({ ...filters, ...page }))).toEqual({ ok: true, body });
    expect(readFind(json({ quality: 'good' }))).toMatchObject({ ok: false });
    expect(readFind(json({ limit: FIND_LIMIT_MAX + 1 }))).toMatchObject({ ok: false });
  });

  test.each(['colour', 'States', 'suspicion', 'ifVersion', '__proto_'])(
    'find refuses a filter that it does not know, %s, and says which it knows',
    (filter) => {
      const detail = `"${filter}" is unknown here; fleet.find takes kind, state, quality, site, firmware, label, limit, cursor`;
      expect(readFind(json({ kind: 'car', [filter]: 'red' }))).toEqual({ ok: false, id: null, detail });
      expect(readFind(encode({ [filter]: 'red' }, 'msgpack'))).toMatchObject({ ok: false, detail });
    },
  );

  test('other requests pass over what they do not know', () => {
    for (const read of [readGet, readLedger]) expect(read(json({ id, colour: 'red' })).ok).toBe(true);
    expect(readDesired(json({ patch: {}, colour: 'red' })).ok).toBe(true);
  });

  test('are answered in their own encoding, and in JSON when they have none', () => {
    expect(replyEncodingOf(encode({ id }, 'msgpack'))).toBe('msgpack');
    expect(replyEncodingOf(json({}))).toBe('json');
    expect(replyEncodingOf(nothing)).toBe('json');
    expect(replyEncodingOf(new TextEncoder().encode('noise'))).toBe('json');
  });

  test('never throw, whatever they hold', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.uint8Array({ maxLength: 100 }),
          fc.json().map((text) => new TextEncoder().encode(text)),
        ),
        (payload) => {
          for (const read of [readGet, readCommand, readLedger, readDesired, readFind]) {
            const result = read(payload);
            if (!result.ok) expect(result.detail).not.toBe('');
          }
        },
      ),
      { numRuns: 1_000 },
    );
  });
});
