/**
 * Order: whatever the way of reports does to them, the twin comes to know the same.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { comparePositions, type Report } from '../../../machines/report.ts';
import { Pair } from './pair.ts';
import { Stage, T0 } from './stage.ts';

/** A device's life of several boots: all its reports, in its order. */
const lives = fc
  .array(
    fc.array(
      fc.record({ afterMs: fc.nat(300_000), state: fc.constantFrom('available', 'charging', 'faulted') }),
      {
        minLength: 1,
        maxLength: 8,
      },
    ),
    { minLength: 1, maxLength: 4 },
  )
  .map((boots) =>
    boots.flatMap((moments, index) => {
      let up = 0;
      return moments.map(({ afterMs, state }, moment): Report => {
        up += afterMs;
        return { boot: index + 3, seq: moment + 1, up, state, sensors: {} };
      });
    }),
  );

const ways = lives.chain((reports) =>
  fc.record({
    reports: fc.constant(reports),
    arrivals: fc.array(fc.nat(reports.length - 1), { maxLength: 15 }).chain((again) =>
      fc.shuffledSubarray([...reports.keys(), ...again.map((index) => index)], {
        minLength: reports.length + again.length,
        maxLength: reports.length + again.length,
      }),
    ),
  }),
);

function heard(reports: readonly Report[], arrivals: readonly number[]): Stage {
  const stage = new Stage();
  for (const index of arrivals) {
    stage.now += 7;
    const before = stage.twin.newest;
    stage.hear(reports[index]!);
    if (before !== null)
      expect(
        comparePositions(stage.twin.newest!, before),
        'known state never moves back',
      ).toBeGreaterThanOrEqual(0);
  }
  return stage;
}

test('any order and any repetition of the same reports lead to the same newest report, the same state, the same history, each report once', () => {
  fc.assert(
    fc.property(ways, ({ reports, arrivals }) => {
      const stage = heard(reports, arrivals);
      const inOrder = heard(reports, [...reports.keys()]);
      expect(stage.twin.newest?.report).toEqual(reports.at(-1));
      expect(stage.twin.path).toBe(inOrder.twin.path);
      expect(stage.twin.incarnation).toBe(1);
      const filed = stage.decisions.flatMap((decision) =>
        decision.filed === null ? [] : [decision.filed.report],
      );
      expect(filed.sort(comparePositions)).toEqual(reports);
      expect(stage.document.sequence.missing).toBe(0);
      expect(stage.document.sequence.duplicates).toBe(arrivals.length - reports.length);
    }),
  );
});

test('reports that are lost are counted as missing, whatever arrived first', () => {
  fc.assert(
    fc.property(ways, fc.nat(), ({ reports, arrivals }, lost) => {
      const gone = reports[lost % reports.length]!;
      const last = reports.findLast(({ boot }) => boot === gone.boot);
      const stage = heard(
        reports,
        arrivals.filter((index) => reports[index] !== gone),
      );
      expect(stage.document.sequence.missing).toBe(gone === last ? 0 : 1);
    }),
  );
});

describe('a late report', () => {
  test('of a boot never heard live is filed before the boot that was, and its differences are exact', () => {
    const stage = new Stage();
    stage.hear({ boot: 9, seq: 1, up: 5_000, state: 'available', sensors: {} });
    stage.now += 60_000;
    const report = { boot: 8, state: 'charging', sensors: {} };
    const first = stage.hear({ ...report, seq: 1, up: 1_000 });
    const second = stage.hear({ ...report, seq: 2, up: 31_000 });
    expect(first.disposition).toBe('late');
    expect(first.filed!.measuredAt, 'boot 9 began at least 5 s before it was heard').toBeLessThanOrEqual(
      T0 - 4_998,
    );
    const clock = second.clocks[0]!;
    expect(clock).toMatchObject({ boot: 8, latest: { up: 31_000 } });
    expect(second.filed!.measuredAt).toBe(clock.latest.at);
  });

  test('may still prove what became of a command', () => {
    const pair = new Pair().meet();
    pair.ask('reserve', { id: 'r' });
    pair.arrive();
    const names = pair.measure();
    pair.pass(60_000);
    expect(pair.reasons).toEqual(['unconfirmed-command']);
    const { commands: _none, ...without } = pair.measure();
    pair.hear({ ...without, state: 'available', hold: null, up: without.up - 45_000 });
    expect(
      pair.ledger.get('r')?.outcome,
      'a report without a ring, from before the deadline, proves nothing',
    ).toBe('unknown');
    expect(pair.hear(names).disposition).toBe('late');
    expect(pair.ledger.get('r')?.outcome).toBe('done');
    expect(pair.reasons).toEqual([]);
    expect(pair.document.state, 'the newest report still counts').toBe('available');
  });

  test('corrects an outcome that was closed without a proof', () => {
    const pair = new Pair().meet();
    pair.ask('reserve', { id: 'r' });
    pair.arrive();
    const inBuffer = pair.measure();
    pair.pass(30_000);
    pair.device.reboot(pair.now, 'nothing');
    pair.report();
    expect(pair.ledger.get('r')).toMatchObject({
      outcome: 'unknown',
      reason: 'unprovable',
      closedAt: pair.now,
    });
    expect(pair.reasons, 'the state is certain all the same').not.toContain('unconfirmed-command');
    pair.now += 5_000;
    const decision = pair.hear(inBuffer);
    expect(decision.outcomes).toMatchObject([{ id: 'r', outcome: 'done', closedAt: pair.now }]);
  });

  test('is a sign of life: it ends offline now, not when the newest report was measured', () => {
    const pair = new Pair().meet();
    const buffered = pair.measure();
    pair.report();
    pair.pass(400_000);
    expect(pair.document.state).toBe('offline');
    const { transitions } = pair.hear(buffered);
    expect(transitions).toMatchObject([
      { from: 'offline', to: 'available.idle', measuredAt: pair.now, errorMs: 0 },
    ]);
    expect(pair.document.quality, 'its content is still old').toBe('stale');
  });
});
