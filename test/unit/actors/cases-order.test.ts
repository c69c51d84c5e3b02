/**
 * Cases 16 to 24 and 33: how time, order and sensors really fail in fleets, as far as one twin decides about it.
 */
import { describe, expect, test } from 'vitest';
import { chargePoint } from '../../../machines/charge-point.ts';
import type { Report } from '../../../machines/report.ts';
import type { FiledReport } from '../../../actors/decision.ts';
import { RANGES_MAX } from '../../../actors/sequence.ts';
import { Pair } from './pair.ts';
import { Stage, T0 } from './stage.ts';

const { silenceMs } = chargePoint.limits;

/** What is in history, in the order of the device. */
function history(stage: Stage): readonly FiledReport[] {
  return stage.decisions
    .flatMap(({ filed }) => (filed === null ? [] : [filed]))
    .sort((a, b) => a.report.boot - b.report.boot || a.report.seq - b.report.seq);
}

describe('case 16', () => {
  const clocks = {
    'an hour ahead': T0 + 3_600_000,
    1970: 12_345,
    'year 1': -62_135_596_800_000,
    2036: 2_085_978_496_000,
  };

  test.each(Object.entries(clocks))(
    'a wall clock (%s) pins nothing, crashes nothing, blocks nobody',
    (_, at) => {
      const pair = new Pair();
      pair.report({ at });
      pair.arrive();
      pair.report({ at: at + 10 });
      pair.ask('reserve', { id: 'r' });
      pair.arrive();
      pair.report({ at: at + 20 });
      expect(pair.ledger.get('r')?.outcome).toBe('done');
      expect(pair.document).toMatchObject({ state: 'reserved', quality: 'fresh', asOf: T0 });
      expect(pair.document.clock.offsetMs).toBe(at + 20 - T0);
    },
  );

  test('a wall clock that jumps back changes nothing', () => {
    const pair = new Pair().meet();
    pair.report({ at: T0 });
    pair.now += 60_000;
    pair.report({ at: T0 - 86_400_000 });
    expect(pair.document).toMatchObject({ state: 'available', quality: 'fresh' });
    expect(Math.abs(pair.document.asOf! - pair.now)).toBeLessThanOrEqual(pair.document.errorMs! + 1);
  });
});

describe('case 17', () => {
  test('a queued old report after a newer one fills history only', () => {
    const pair = new Pair().meet();
    pair.device.use(pair.now, true);
    const queued = pair.measure();
    pair.now += 60_000;
    pair.device.leave(pair.now);
    pair.report();
    const before = pair.document;
    pair.now += 60_000;
    const { disposition, filed, transitions } = pair.hear(queued);
    expect(disposition).toBe('late');
    expect(filed?.disposition).toBe('late');
    expect(Math.abs(filed!.measuredAt - T0)).toBeLessThanOrEqual(filed!.errorMs!);
    expect(transitions).toEqual([]);
    expect(pair.document).toMatchObject({ state: 'available', asOf: before.asOf });
    expect(pair.document.sequence).toMatchObject({ seq: 4, missing: 0, late: 1 });
  });
});

describe('case 18', () => {
  test('a status replayed with its old stamp at each reconnect, for a day, is dropped each time', () => {
    const pair = new Pair().meet();
    pair.device.use(pair.now, true);
    const status = pair.measure({ at: T0 });
    pair.hear(status);
    pair.device.leave(pair.now);
    for (let hour = 1; hour <= 24; hour += 1) {
      pair.pass(3_600_000);
      pair.answer();
      pair.hear(status);
      expect(pair.document.state).toBe('available');
    }
    expect(pair.document.sequence.duplicates).toBe(24);
    expect(history(pair)).toHaveLength(27);
    expect(pair.reasons).toEqual([]);
  });
});

describe('case 19', () => {
  test('the same report sent twice, or again under a new message id, is heard once', () => {
    const pair = new Pair().meet();
    const report = pair.measure();
    expect(pair.hear(report).disposition).toBe('latest');
    pair.now += 3_000;
    const again = pair.hear(JSON.parse(JSON.stringify(report)) as Report);
    expect(again).toMatchObject({ disposition: 'duplicate', filed: null, transitions: [], effects: [] });
    expect(pair.document.sequence.duplicates).toBe(1);
    expect(pair.reasons).toEqual([]);
  });
});

describe('case 20', () => {
  test('a hole in the sequence that never fills is closed and counted', () => {
    const stage = new Stage();
    const report = (seq: number): Report => ({
      boot: 1,
      seq,
      up: seq * 1_000,
      state: 'available',
      sensors: {},
    });
    const reports = RANGES_MAX + 8;
    for (let number = 0; number < reports; number += 1) stage.hear(report(2 * number + 1));
    expect(stage.document.sequence.missing).toBe(reports - 1);
    expect(stage.twin.sequence.closedMissing, 'more holes than are kept open').toBe(8);
    expect(stage.hear(report(2)).disposition, 'closed for good').toBe('duplicate');
    expect(stage.hear(report(2 * reports - 2)).disposition, 'still open').toBe('late');
    expect(stage.document.sequence.missing).toBe(reports - 2);
  });
});

describe('case 21', () => {
  test('a gateway re-sends a stale value with a fresh time: no change of state is invented', () => {
    const pair = new Pair().meet();
    pair.device.use(pair.now, true);
    const stale = pair.measure({ at: T0 });
    pair.hear(stale);
    pair.device.leave(pair.now + 60_000);
    pair.now += 60_000;
    pair.report();
    const lines = pair.journal.length;
    pair.now += 60_000;
    pair.hear({ ...stale, at: pair.now });
    expect(pair.journal.length).toBe(lines);
    expect(pair.document.state).toBe('available');
  });
});

describe('case 22', () => {
  test('five hours of buffered reports arrive at once, the current one first: history is right and known state never goes back', () => {
    const pair = new Pair().meet();
    const buffered: Report[] = [];
    const truth: { readonly state: string; readonly at: number }[] = [];
    for (let minute = 1; minute <= 300; minute += 1) {
      pair.pass(60_000);
      if (minute % 20 === 0) pair.device.use(pair.now, true);
      if (minute % 20 === 10) pair.device.leave(pair.now);
      buffered.push(pair.measure());
      truth.push({ state: pair.device.state, at: pair.now });
    }
    expect(pair.document.state).toBe('offline');
    const current = buffered.pop()!;
    pair.hear(current);
    expect(pair.document.state).toBe('charging');
    const lines = pair.journal.length;
    for (const report of buffered) expect(pair.hear(report).disposition).toBe('late');
    expect(pair.journal.length, 'known state does not move').toBe(lines);
    expect(pair.document.sequence).toMatchObject({ missing: 0, late: 299 });
    expect(
      history(pair)
        .slice(2)
        .map(({ report }) => report.state),
    ).toEqual(truth.map(({ state }) => state));
    history(pair)
      .slice(2)
      .forEach((filed, index) => {
        const { at } = truth[index]!;
        expect(Math.abs(filed.measuredAt - at)).toBeLessThanOrEqual(filed.errorMs!);
      });
  });

  test('five hours of buffered reports over many boots: within each boot the times are exact', () => {
    const pair = new Pair().meet();
    const buffered: Report[] = [];
    for (let boot = 2; boot <= 12; boot += 1) {
      pair.now += 1_000;
      pair.device.reboot(pair.now, 'everything');
      for (let minute = 0; minute < 5; minute += 1) {
        pair.now += 60_000;
        buffered.push(pair.measure());
      }
    }
    pair.hear(buffered.pop()!);
    for (const report of buffered) pair.hear(report);
    const clocks = new Map(
      pair.decisions.flatMap(({ clocks: known }) => known).map((clock) => [clock.boot, clock]),
    );
    for (let boot = 2; boot <= 11; boot += 1) {
      const { latest } = clocks.get(boot)!;
      expect(latest.at, 'the boot had ended by the start of a later one that was heard').toBeLessThanOrEqual(
        T0 + 10 * 301_000 + 2_000,
      );
    }
    expect(pair.document.sequence).toMatchObject({ boot: 12, missing: 0, late: 54 });
  });

  test('a buffer that arrives oldest first moves the known state as it was, marked as old', () => {
    const pair = new Pair().meet();
    const buffered: Report[] = [];
    for (let minute = 1; minute <= 10; minute += 1) {
      pair.now += 60_000;
      if (minute === 5) pair.device.use(pair.now, true);
      buffered.push(pair.measure());
    }
    pair.hear(buffered[0]!);
    expect(pair.document).toMatchObject({ state: 'available', quality: 'stale', ageMs: 540_000 });
    pair.ask('reserve', { id: 'r' });
    expect(pair.ledger.has('r'), 'nothing is accepted on old knowledge').toBe(false);
    for (const report of buffered.slice(1)) pair.hear(report);
    expect(pair.document).toMatchObject({ state: 'charging', quality: 'fresh' });
  });
});

describe('case 23', () => {
  test('states are skipped (short states are never reported): the machine accepts jumps', () => {
    const pair = new Pair().meet();
    for (const state of [
      'charging',
      'reserved',
      'faulted',
      'available',
      'faulted',
      'charging',
      'available',
    ]) {
      const { transitions } = pair.report({ state });
      expect(transitions).toHaveLength(1);
    }
    expect(pair.reasons).toEqual([]);
  });
});

describe('case 24', () => {
  test.each(['activity first', 'deadline first'])(
    'activity and silence deadline in the same millisecond (%s)',
    (order) => {
      const pair = new Pair().meet();
      pair.now += silenceMs;
      const report = pair.measure();
      if (order === 'deadline first') pair.wake();
      pair.hear(report);
      pair.wake();
      expect(pair.document).toMatchObject({ state: 'available', connected: true, quality: 'fresh' });
      expect(pair.wakeAt()).toBe(pair.now + silenceMs);
    },
  );
});

describe('case 33', () => {
  test('the cable connects while the hatch never opened: contradiction, so suspect until a report is plausible again', () => {
    const pair = new Pair().meet();
    const sensors = { hatchOpen: false, cableConnected: true };
    pair.report({ sensors, since: { hatchOpen: 80_000, cableConnected: 7_000 } });
    expect(pair.document.state).toBe('suspect');
    expect(pair.reasons).toEqual(['cable-without-hatch']);
    pair.ask('reserve');
    expect(pair.refusals).toEqual(['suspect']);
    pair.report({
      sensors: { hatchOpen: true, cableConnected: true },
      since: { hatchOpen: 100, cableConnected: 90_000 },
    });
    expect(pair.document).toMatchObject({ state: 'available', path: 'available.occupied', suspicions: [] });
  });
});
