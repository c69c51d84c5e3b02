/**
 * A number that leaps is not taken on one message's word: the twin asks first.
 */
import { describe, expect, test } from 'vitest';
import { explain } from '../../../actors/explain.ts';
import { LEAP_MAX } from '../../../actors/leap.ts';
import { chargePoint } from '../../../machines/charge-point.ts';
import type { Report } from '../../../machines/report.ts';
import { ModelDevice } from './model-device.ts';
import { Pair } from './pair.ts';
import { Stage, T0 } from './stage.ts';

const MINUTE = 60_000;
const MOST = Number.MAX_SAFE_INTEGER;
const { silenceMs } = chargePoint.limits;

/** A device without a ring of commands, in its fifth boot. */
class Mute extends Stage {
  readonly #device = new ModelDevice({ startsAt: T0 - MINUTE });

  constructor() {
    super();
    this.#device.boot = 5;
    this.report();
  }

  measure(given: Partial<Report> = {}): Report {
    const { commands: _, ...report } = this.#device.report(this.now, given);
    return report;
  }

  report(given: Partial<Report> = {}): string | null {
    return this.hear(this.measure(given)).disposition;
  }

  /** Its storage is another one, which begins to count at this boot. */
  leap(boot: number): void {
    this.#device.wipe(this.now);
    this.#device.boot = boot;
  }
}

/** What an explanation says of the claim. */
function explained({ twin, kind, now, serverErrorMs }: Stage): string | undefined {
  const known = {
    twin,
    kind,
    now,
    serverErrorMs,
    transitions: [],
    commands: [],
    rejected: [],
    unready: null,
  };
  return explain(known).summary.find((sentence) => sentence.includes('leaps'));
}

/** A message that somebody else of the site sent under the device's name. */
function forged(given: Partial<Report>): Report {
  return { boot: 5, seq: 2, up: MINUTE, state: 'charging', sensors: {}, ...given };
}

const leaps = [
  ['boot', { boot: MOST, seq: 1 }],
  ['boot and seq', { boot: MOST, seq: MOST }],
  ['seq', { seq: MOST }],
  ['seq in a boot that was not heard of', { boot: 6, seq: MOST }],
  ['seq with an earlier uptime', { seq: MOST, up: 1 }],
  ['boot by more than it may after an hour', { boot: 5 + LEAP_MAX + 3_601, seq: 1 }],
  ['seq by one more than it may', { seq: 1 + LEAP_MAX + 1 }],
] as const;

describe.each(leaps)('one forged message whose %s leaps', (_, position) => {
  test('moves nothing, and makes a device without commands neither old nor suspect', () => {
    const stage = new Mute();
    const before = stage.document;
    expect(stage.hear(forged(position))).toMatchObject({ disposition: 'held', transitions: [] });
    expect(stage.document).toEqual({ ...before, version: before.version + 1 });
    for (let round = 0; round < 20; round += 1) {
      stage.pass(MINUTE);
      expect(stage.report({ state: 'reserved' })).toBe('latest');
      expect(stage.reasons).toEqual([]);
    }
    expect(stage.document.sequence).toMatchObject({ incarnation: 1, boot: 5, missing: 0, late: 0 });
    expect(explained(stage), 'long not heard again').toBeUndefined();
  });

  test('changes nothing for a device that answers', () => {
    const pair = new Pair();
    pair.device.boot = 5;
    pair.meet();
    pair.pass(2 * MINUTE);
    pair.hear(forged({ ...position, ...(position.seq === MOST ? {} : { seq: position.seq + 1 }) }));
    expect(pair.answer().disposition).toBe('latest');
    expect(pair.reserve('r').document).toMatchObject({
      state: 'reserved',
      suspicions: [],
      hold: { id: 'r' },
    });
  });

  test('is no sign of life of a device that is silent', () => {
    const stage = new Mute();
    stage.pass(2 * silenceMs);
    expect(stage.document.state).toBe('offline');
    stage.hear(forged(position));
    expect(stage.document).toMatchObject({ state: 'offline', lastContact: T0 });
  });

  test('sent again and again is not believed while the device goes on as before', () => {
    const stage = new Mute();
    for (let round = 1; round < 20; round += 1) {
      stage.pass(MINUTE);
      expect(stage.report()).toBe('latest');
      stage.now += 1;
      const seq = Math.min(MOST, position.seq + 20);
      expect(stage.hear(forged({ ...position, seq, up: round * MINUTE })).disposition).not.toBe('latest');
    }
    expect(stage.document).toMatchObject({ state: 'available', suspicions: [], sequence: { missing: 0 } });
  });
});

test('a boot that leaps and counts on is not believed while the device goes on as before, and is a doubt after a silence', () => {
  const stage = new Mute();
  for (let round = 1; round < 20; round += 1) {
    stage.pass(MINUTE);
    expect(stage.report()).toBe('latest');
    stage.now += 1;
    expect(stage.hear(forged({ boot: 900_000_000, seq: round, up: round * MINUTE })).disposition).toBe(
      'held',
    );
    expect(stage.reasons).toEqual(round * MINUTE <= silenceMs ? [] : ['identity-conflict']);
  }
  expect(stage.document).toMatchObject({ state: 'suspect', sequence: { boot: 5 } });
});

test('a number that does not leap is news at once', () => {
  const stage = new Mute();
  expect(stage.report({ seq: 1 + LEAP_MAX })).toBe('latest');
  expect(stage.report({ boot: 5 + LEAP_MAX, seq: LEAP_MAX })).toBe('latest');
});

test('at the first contact any number is taken, and none before it is missing', () => {
  const stage = new Stage();
  expect(stage.hear(forged({ boot: MOST, seq: MOST })).disposition).toBe('latest');
  expect(stage.document.sequence).toMatchObject({ boot: MOST, missing: 0 });
});

describe('a device whose count really leaps', () => {
  test('is asked at once, and believed when it answers', () => {
    const pair = new Pair().meet();
    pair.pass(2 * MINUTE);
    pair.unhandled();
    pair.device.wipe(pair.now);
    pair.device.boot = 900_000_000;
    pair.device.use(pair.now, true);
    expect(pair.report().disposition).toBe('held');
    expect(pair.document.state).toBe('available');
    expect(pair.sent.name).toBe('report');
    expect(pair.answer().disposition).toBe('latest');
    expect(pair.document).toMatchObject({
      state: 'charging',
      suspicions: [],
      sequence: { boot: 900_000_000 },
    });
    expect(pair.twin.claim).toBeNull();
  });

  test('is believed by its second report where it has no commands', () => {
    const stage = new Mute();
    stage.pass(10 * MINUTE);
    stage.leap(900_000_000);
    expect(stage.report({ state: 'charging' })).toBe('held');
    stage.pass(MINUTE);
    expect(stage.report({ state: 'charging' })).toBe('latest');
    expect(stage.document).toMatchObject({ state: 'charging', suspicions: [] });
    expect(stage.twin.claim).toBeNull();
  });

  test('is believed at last where it keeps a ring, and what is sent to it does not arrive', () => {
    const pair = new Pair().meet();
    pair.pass(MINUTE);
    pair.device.wipe(pair.now);
    pair.device.boot = 900_000_000;
    const begunAt = pair.now;
    while (pair.report().disposition === 'held') {
      pair.pass(MINUTE);
      expect(pair.now - begunAt, 'it is not held for ever').toBeLessThanOrEqual(silenceMs + MINUTE);
    }
    expect(pair.now - begunAt).toBeGreaterThanOrEqual(silenceMs - MINUTE);
    expect(pair.document.sequence.boot).toBe(900_000_000);
  });

  test.each([
    ['a copy', 0, {}],
    ['an earlier uptime', 1, { up: 1 }],
    ['an uptime that grew by more than the time that passed', 1, { up: 3_600_000 }],
    ['a number that leaps again', LEAP_MAX + 1, {}],
  ])('is not believed by %s', (_, ahead, given) => {
    const stage = new Mute();
    stage.pass(10 * MINUTE);
    stage.leap(900_000_000);
    stage.pass(MINUTE);
    const first = stage.measure();
    stage.hear(first);
    stage.pass(MINUTE);
    const said = { ...stage.measure(), seq: first.seq + ahead, ...given };
    expect(stage.hear(said).disposition).not.toBe('latest');
  });
});

test('a boot that leaps is filed, once, also when it is believed; a seq that leaps is not', () => {
  const pair = new Pair().meet();
  pair.pass(2 * MINUTE);
  pair.unhandled();
  expect(pair.hear(forged({ boot: 1, seq: MOST })).filed).toBeNull();
  pair.pass(2 * MINUTE);
  pair.device.wipe(pair.now);
  pair.device.boot = 900_000_000;
  const first = pair.measure();
  expect(pair.hear(first)).toMatchObject({
    disposition: 'held',
    filed: { disposition: 'late', report: first },
  });
  expect(pair.hear(first)).toMatchObject({ disposition: 'duplicate', filed: null });
  expect(pair.answer().disposition).toBe('latest');
  expect(pair.hear(first)).toMatchObject({ disposition: 'duplicate', filed: null });
  expect(pair.document.sequence.missing).toBe(0);
});

test('an explanation says what is held back, and by what it would be believed', () => {
  const stage = new Mute();
  expect(explained(stage)).toBeUndefined();
  stage.hear(forged({ boot: MOST, seq: 7 }));
  expect(explained(stage)).toMatch(
    /^A report 9007199254740991\/7 came at .*, which leaps ahead of 5\/1, and is not believed: the next report that goes on from it/,
  );
  stage.pass(MINUTE);
  stage.report();
  expect(explained(stage)).toContain('the device has gone on as before since');
  const pair = new Pair().meet();
  pair.hear(forged({ boot: MOST, seq: 7 }));
  expect(explained(pair)).toContain('answered `report`');
});

test('a second device far ahead that answers the same probe is an identity-conflict, as one near by is', () => {
  const pair = new Pair().meet();
  const other = new ModelDevice({ startsAt: T0 - 500 * MINUTE });
  other.boot = 900_000_000;
  for (let round = 0; round < 5; round += 1) {
    pair.pass(MINUTE);
    for (const command of pair.unhandled()) {
      pair.device.receive(command, pair.now);
      other.receive(command, pair.now);
    }
    pair.report();
    pair.hear(other.report(pair.now));
  }
  expect(pair.reasons).toEqual(['identity-conflict']);
  expect(pair.document).toMatchObject({ state: 'suspect', sequence: { boot: 1 } });
});

test('a line before the present incarnation is not ended by a number that leaps, either', () => {
  const pair = new Pair();
  pair.device.boot = 40;
  pair.meet();
  const last = pair.measure();
  pair.pass(3 * 3_600_000);
  pair.device.wipe(pair.now);
  pair.report();
  pair.answer();
  expect(pair.twin.incarnation).toBe(2);
  expect(pair.hear({ ...last, seq: MOST }).disposition).toBe('held');
  expect(pair.hear(last)).toMatchObject({ disposition: 'late', filed: { incarnation: 1 } });
});
