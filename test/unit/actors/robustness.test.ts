/**
 * A twin under anything that can be parsed: absurd numbers, unknown fields, requests of any name, clocks that jump.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { kinds } from '../../../machines/kinds.ts';
import type { Kind } from '../../../machines/kind.ts';
import type { Report } from '../../../machines/report.ts';
import type { Input } from '../../../actors/decision.ts';
import { twinDocument } from '../../../actors/document.ts';
import { assertInvariants } from '../../../actors/invariants.ts';
import type { Twin } from '../../../actors/twin.ts';
import { Stage, T0 } from './stage.ts';

const uint = fc.oneof(
  { weight: 4, arbitrary: fc.nat(40) },
  { weight: 2, arbitrary: fc.nat(3_000_000) },
  { weight: 1, arbitrary: fc.maxSafeNat() },
  { weight: 1, arbitrary: fc.constant(Number.MAX_SAFE_INTEGER) },
);

const ringEntry = fc.record(
  {
    n: fc.oneof({ weight: 6, arbitrary: fc.nat(12) }, { weight: 1, arbitrary: uint }),
    outcome: fc.constantFrom('done', 'rejected', 'too-late', 'undecided', 'unknown', 'whatever'),
    fence: fc.record({ boot: fc.integer({ min: 0, max: 3 }) }),
    reason: fc.constantFrom('busy', 'superseded', 'other-boot', 'too-late', 'stale-epoch', ''),
  },
  { requiredKeys: ['n', 'outcome'] },
);

function reportOf(kind: Kind): fc.Arbitrary<Report> {
  const sensors = Object.keys(kind.sensors.properties);
  return fc.record(
    {
      boot: fc.oneof(fc.integer({ min: 1, max: 3 }), uint),
      seq: fc.oneof(
        fc.integer({ min: 1, max: 12 }),
        uint.map((seq) => Math.max(1, seq)),
      ),
      up: uint,
      at: fc.double({ noNaN: true, noDefaultInfinity: true }),
      state: fc.constantFrom(...kind.reportedStates),
      sensors: fc.dictionary(fc.oneof(fc.constantFrom(...sensors), fc.string()), fc.anything(), {
        maxKeys: 4,
      }),
      since: fc.dictionary(fc.constantFrom(...kind.binarySensors), uint),
      commands: fc.array(ringEntry, { maxLength: 8 }),
      hold: fc.option(fc.record({ id: fc.constantFrom('request-1', 'request-2', 'ghost'), leftMs: uint }), {
        nil: null,
      }),
      firmware: fc.string({ maxLength: 64 }),
      config: fc.record({ version: uint }),
      unheardOf: fc.jsonValue(),
    },
    { requiredKeys: ['boot', 'seq', 'up', 'state', 'sensors'] },
  );
}

type Act =
  | { readonly type: 'report'; readonly report: Report; readonly afterMs: number }
  | {
      readonly type: 'ask';
      readonly name: string;
      readonly args: Record<string, unknown>;
      readonly again: boolean;
    }
  | { readonly type: 'desired'; readonly patch: Record<string, unknown> }
  | { readonly type: 'pass'; readonly ms: number }
  | { readonly type: 'hearing'; readonly isHearing: boolean }
  | { readonly type: 'restart' };

function actOf(kind: Kind): fc.Arbitrary<Act> {
  const names = [...Object.keys(kind.commands), 'constructor', '__proto__', 'toString', 'dance'];
  return fc.oneof(
    {
      weight: 6,
      arbitrary: reportOf(kind).chain((report) =>
        fc.integer({ min: -500, max: 5_000 }).map((afterMs): Act => ({ type: 'report', report, afterMs })),
      ),
    },
    {
      weight: 4,
      arbitrary: fc.record({
        type: fc.constant('ask' as const),
        name: fc.constantFrom(...names),
        args: fc.oneof(
          fc.constant({}),
          fc.constant({ holdMs: 5_000 }),
          fc.dictionary(fc.string(), fc.jsonValue()),
        ),
        again: fc.boolean(),
      }),
    },
    {
      weight: 1,
      arbitrary: fc.dictionary(fc.string(), fc.jsonValue()).map((patch): Act => ({ type: 'desired', patch })),
    },
    {
      weight: 3,
      arbitrary: fc
        .oneof(fc.integer({ min: -10_000, max: 10_000 }), fc.nat(400_000), fc.nat(100_000_000))
        .map((ms): Act => ({ type: 'pass', ms })),
    },
    { weight: 1, arbitrary: fc.boolean().map((isHearing): Act => ({ type: 'hearing', isHearing })) },
    { weight: 1, arbitrary: fc.constant<Act>({ type: 'restart' }) },
  );
}

function perform(stage: Stage, act: Act): void {
  switch (act.type) {
    case 'report':
      stage.hear(act.report, stage.now + act.afterMs);
      break;
    case 'ask':
      stage.ask(act.name, { args: act.args, ...(act.again && { id: 'request-1' }), waitMs: 1_000 });
      break;
    case 'desired': {
      const replyTo = { subject: '_INBOX.desired', encoding: 'json' } as const;
      const input: Input = { type: 'desired', request: { patch: act.patch, ifVersion: null, replyTo } };
      stage.tell(input);
      break;
    }
    case 'pass':
      stage.now += act.ms;
      stage.wake();
      break;
    case 'hearing':
      stage.hearingSince = act.isHearing ? stage.now : null;
      break;
    case 'restart':
      stage.twin = JSON.parse(JSON.stringify(stage.twin)) as Twin;
      assertInvariants(stage.twin);
  }
}

/** What the world sees of the twin, at one time: it must not change without a new version. */
function documentAt(stage: Stage, twin: Twin): string {
  return JSON.stringify(twinDocument({ twin, kind: stage.kind, now: T0, serverErrorMs: 0 }));
}

/** Nothing is due before `nextWakeAt`; what is due then is done then. */
function checkWakeUps(stage: Stage): void {
  const due = stage.wakeAt();
  expect(due).not.toBeNaN();
  const before = stage.twin;
  if (due > stage.now) {
    const early = stage.wake();
    expect(early.twin, 'nothing is due').toBe(before);
    expect(early.effects).toEqual([]);
  }
  if (due === Infinity) return;
  const { now } = stage;
  stage.now = Math.max(now, due);
  stage.wake();
  expect(stage.wakeAt(), 'a wake-up makes progress').toBeGreaterThan(stage.now);
  stage.twin = before;
  stage.now = now;
}

/** More runs on demand; a failure is shrunk for a minute at most. */
const RUNS = { numRuns: Number(process.env.CORRAL_TEST_RUNS ?? 150), interruptAfterTimeLimit: 60_000 };

describe.each(kinds.map((kind) => ({ kind, name: kind.name })))('a $name', ({ kind }) => {
  test('never throws, keeps its invariants, gives every change a version, and is woken neither for nothing nor for ever', () => {
    fc.assert(
      fc.property(fc.array(actOf(kind), { maxLength: 25, size: 'max' }), (acts) => {
        const stage = new Stage({ kind, serverErrorMs: 50 });
        for (const act of acts) {
          const before = stage.twin;
          perform(stage, act);
          const { twin } = stage;
          expect(twin.version).toBeGreaterThanOrEqual(before.version);
          if (documentAt(stage, twin) !== documentAt(stage, before))
            expect(twin.version, 'I1').toBeGreaterThan(before.version);
          checkWakeUps(stage);
        }
      }),
      RUNS,
    );
  }, 120_000);
});
