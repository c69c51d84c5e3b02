/**
 * Nothing that a twin keeps grows without bound, whatever its device sends, and what it counts stays a number that can be counted.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { COUNT_MAX, missing, RANGES_MAX } from '../../../actors/sequence.ts';
import type { Twin } from '../../../actors/twin.ts';
import type { Report } from '../../../machines/report.ts';
import { FRAME_PROBLEMS_MAX, readReports, REPORT_BYTES_MAX } from '../../../src/wire/report.ts';
import { encode } from '../../../src/wire/codec.ts';
import { Stage } from './stage.ts';

/** What a twin takes beside its newest report, as JSON: far more than one ever needs, and far less than one that grows. */
const TWIN_BYTES_MAX = 16 * 1024;

/** Numbers that devices have no business to send. */
const number = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: 1, max: 40 }) },
  { weight: 2, arbitrary: fc.integer({ min: 1, max: 100_000 }) },
  { weight: 2, arbitrary: fc.maxSafeNat().map((value) => Math.max(1, value)) },
  { weight: 1, arbitrary: fc.constant(Number.MAX_SAFE_INTEGER) },
);

/** A report of a hostile device. `answers`: it names the probe that the twin sent last. */
const hostile = fc.record({
  boot: number,
  seq: number,
  up: number,
  afterMs: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 600_000 })),
  state: fc.constantFrom('available', 'reserved', 'charging', 'faulted'),
  answers: fc.boolean(),
  ring: fc.array(number, { maxLength: 7 }),
  since: fc.boolean(),
});

function hear(stage: Stage, said: typeof hostile extends fc.Arbitrary<infer Said> ? Said : never): void {
  const { boot, seq, up, state, ring, afterMs } = said;
  const { probe } = stage.twin;
  const commands = ring.map((n) => ({ n, outcome: 'done', reason: 'x'.repeat(200) }));
  if (said.answers && probe !== null) commands.push({ n: probe.n, outcome: 'done', reason: '' });
  const since = Object.fromEntries(
    Array.from({ length: 200 }, (_, index) => [`sensor-${String(index)}`, up]),
  );
  const report: Report = {
    boot,
    seq,
    up,
    state,
    sensors: { cableConnected: seq % 2 === 0 },
    commands,
    firmware: 'f'.repeat(64),
    hold: { id: `hold-${String(boot)}`, leftMs: up },
    ...(said.since ? { since } : {}),
  };
  stage.now += afterMs;
  stage.hear(report, stage.now);
  stage.wake();
}

function expectBounded(twin: Twin): void {
  const { newest, sequence, ...rest } = twin;
  const kept = { ...rest, sequence, newest: { ...newest, report: null } };
  expect(JSON.stringify(kept).length).toBeLessThanOrEqual(TWIN_BYTES_MAX);
  const { late, duplicates, closedMissing, ranges } = sequence;
  expect(ranges.length / 3).toBeLessThanOrEqual(RANGES_MAX);
  for (const count of [late, duplicates, closedMissing, missing(sequence)]) {
    expect(Number.isSafeInteger(count)).toBe(true);
    expect(count).toBeGreaterThanOrEqual(0);
    expect(count).toBeLessThanOrEqual(COUNT_MAX);
  }
}

describe('a twin', () => {
  test('is bounded, whatever its device sends', () => {
    fc.assert(
      fc.property(fc.array(hostile, { maxLength: 80, size: 'max' }), (reports) => {
        const stage = new Stage();
        for (const said of reports) {
          hear(stage, said);
          expectBounded(stage.twin);
        }
      }),
      { numRuns: 100, interruptAfterTimeLimit: 20_000 },
    );
  });

  test('is as large after two thousand boots as after fifty', () => {
    const stage = new Stage();
    const sizes = Array.from({ length: 2_000 }, (_, index) => {
      hear(stage, {
        boot: index + 1,
        seq: 2,
        up: 1_000,
        afterMs: 100,
        state: 'available',
        answers: false,
        ring: [index],
        since: false,
      });
      return JSON.stringify(stage.twin).length;
    });
    expect(Math.max(...sizes.slice(100))).toBeLessThan(sizes[99]! + 1_000);
    expectBounded(stage.twin);
  });

  test('is as large after two thousand times of a device that begins to count anew', () => {
    const stage = new Stage();
    for (let index = 0; index < 2_000; index += 1) {
      const said = { up: 1_000 + index, state: 'available' as const, ring: [], since: false };
      hear(stage, { ...said, boot: 1 + (index % 7), seq: 1 + (index % 11), afterMs: 400_000, answers: true });
    }
    expect(stage.twin.incarnation).toBeGreaterThan(50);
    expectBounded(stage.twin);
  });

  test('counts nothing as missing where numbers leap as far as numbers go', () => {
    const stage = new Stage();
    for (let boot = 1; boot <= 100; boot += 1) {
      hear(stage, {
        boot,
        seq: Number.MAX_SAFE_INTEGER,
        up: 1,
        afterMs: 61_000,
        state: 'available',
        answers: false,
        ring: [],
        since: false,
      });
      const { report } = stage.twin.newest!;
      stage.hear({ ...report, boot: boot + 1, commands: [{ n: stage.sent.n, outcome: 'done' }] });
      expectBounded(stage.twin);
    }
    expect(stage.twin.newest).toMatchObject({ boot: 101, seq: Number.MAX_SAFE_INTEGER });
    expect(missing(stage.twin.sequence)).toBe(0);
    expect(stage.document.sequence.missing).toBe(0);
  });
});

/** As JSON would carry it: much of what JavaScript has is nothing there. */
function asJson(item: unknown): unknown {
  const text = JSON.stringify(item) as string | undefined;
  return text === undefined ? null : (JSON.parse(text) as unknown);
}

describe('a message', () => {
  test('becomes no more dead letters than its frame is worth, and no report larger than the limit', () => {
    const frame = fc.array(
      fc.oneof(fc.anything(), fc.constant({ boot: 1, seq: 1, up: 1, state: 'x', sensors: {} })),
      {
        maxLength: 300,
        size: 'max',
      },
    );
    fc.assert(
      fc.property(frame, (items) => {
        const read = readReports(
          'cp-1',
          encode(
            items.map((item) => asJson(item)),
            'json',
          ),
        );
        if (!read.ok) return;
        expect(read.problems.length).toBeLessThanOrEqual(FRAME_PROBLEMS_MAX + 1);
        for (const report of read.reports)
          expect(JSON.stringify(report).length).toBeLessThanOrEqual(REPORT_BYTES_MAX);
      }),
      { numRuns: 50, interruptAfterTimeLimit: 20_000 },
    );
  });
});
