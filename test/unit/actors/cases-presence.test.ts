/**
 * Cases 25 to 31, 41 and 42: how presence and identity really fail in fleets, as far as one twin decides about it.
 */
import { describe, expect, test } from 'vitest';
import { chargePoint } from '../../../machines/charge-point.ts';
import type { Twin } from '../../../actors/twin.ts';
import { ModelDevice } from './model-device.ts';
import { Pair } from './pair.ts';
import { T0 } from './stage.ts';

const { silenceMs } = chargePoint.limits;
const MINUTE = 60_000;

describe('case 25', () => {
  test('the server dies without closing a socket: nothing stays online for ever', () => {
    const pair = new Pair().meet();
    pair.twin = JSON.parse(JSON.stringify(pair.twin)) as Twin;
    pair.now += 86_400_000;
    pair.hearingSince = pair.now;
    pair.pass(silenceMs);
    expect(pair.document).toMatchObject({ state: 'offline', connected: false });
  });
});

describe('case 26', () => {
  test('reports of an old connection that come after those of the new one change nothing', () => {
    const pair = new Pair().meet();
    const overOldConnection = pair.measure();
    pair.now += 5_000;
    pair.device.use(pair.now, true);
    pair.report();
    const before = pair.document;
    pair.hear(overOldConnection);
    expect(pair.document).toMatchObject({ state: 'charging', connected: true, asOf: before.asOf });
  });
});

describe('case 27', () => {
  test('first contact of an unknown device: presence right at once, and asked how old that is', () => {
    const pair = new Pair();
    pair.device.seq = 499;
    const { disposition, transitions } = pair.report();
    expect(disposition).toBe('latest');
    expect(transitions).toMatchObject([
      {
        from: 'offline',
        to: 'available.idle',
        cause: { type: 'report', detail: 'report 1/500 says available' },
      },
    ]);
    expect(pair.document).toMatchObject({
      state: 'available',
      connected: true,
      quality: 'unknown',
      version: 1,
    });
    expect(pair.sent).toMatchObject({ name: 'report', n: 1 });
    pair.answer();
    expect(pair.document.quality).toBe('fresh');
  });
});

describe('case 28', () => {
  test('the device sends data but commands never reach it: shown as such', () => {
    const pair = new Pair();
    for (let minute = 0; minute < 3; minute += 1) {
      pair.report();
      expect(pair.document.responsive).toBe(true);
      pair.pass(MINUTE);
    }
    pair.report();
    expect(pair.document).toMatchObject({ state: 'available', connected: true, responsive: false });
    pair.ask('reserve');
    pair.pass(MINUTE);
    expect(pair.refusals, 'nothing is accepted that needs to be heard first').toEqual(['stale']);
  });

  test('one report that names a command, and it is heard again', () => {
    const pair = new Pair();
    for (let minute = 0; minute < 4; minute += 1) {
      pair.report();
      pair.pass(MINUTE);
    }
    expect(pair.document.responsive).toBe(false);
    pair.unhandled();
    pair.report();
    pair.answer();
    expect(pair.document).toMatchObject({ state: 'available', quality: 'fresh', responsive: true });
  });

  test('a single message that was lost makes nobody deaf', () => {
    const pair = new Pair();
    pair.report();
    pair.unhandled();
    pair.pass(MINUTE);
    pair.report();
    pair.answer();
    expect(pair.twin.ignoredCommands).toBe(0);
    expect(pair.document.state).toBe('available');
  });
});

describe('case 29', () => {
  test('the feed is down, not the fleet: nobody goes offline', () => {
    const pair = new Pair().meet();
    pair.hearingSince = null;
    pair.pass(10 * 86_400_000);
    expect(pair.document.state).toBe('available');
    pair.hearingSince = pair.now;
    pair.pass(silenceMs - 1);
    expect(pair.document.state, 'silence is counted from when it could be heard').toBe('available');
    pair.pass(1);
    expect(pair.document.state).toBe('offline');
  });
});

describe('case 30', () => {
  test('a reconnect without a reboot is normal: the same boot goes on', () => {
    const pair = new Pair().meet();
    pair.pass(silenceMs);
    expect(pair.document.state).toBe('offline');
    pair.report();
    expect(pair.document).toMatchObject({ state: 'available', quality: 'fresh', suspicions: [] });
  });

  test('a reboot without a disconnect is normal: the clock begins anew, and nothing else', () => {
    const pair = new Pair().meet();
    pair.now += 1_000;
    pair.device.reboot(pair.now, 'everything');
    const decision = pair.report();
    expect(decision.clocks, 'the clock of the boot before is kept').toMatchObject([{ boot: 1 }]);
    expect(pair.document).toMatchObject({ state: 'available', quality: 'unknown', suspicions: [] });
    pair.pass(MINUTE);
    pair.report();
    pair.answer();
    expect(pair.document).toMatchObject({ quality: 'fresh', sequence: { boot: 2, incarnation: 1 } });
  });
});

describe('case 31', () => {
  /** Two devices with the identity of one; both hear every command, and answer it. */
  function clones(): { readonly pair: Pair; readonly other: ModelDevice } {
    const pair = new Pair();
    for (let boot = 1; boot < 40; boot += 1) pair.device.reboot(pair.now, 'everything');
    pair.meet();
    return { pair, other: new ModelDevice({ startsAt: T0 - MINUTE }) };
  }

  /** A minute in which both report, and answer whatever is asked, now the one first and now the other. */
  function minute(pair: Pair, other: ModelDevice): void {
    const speakers = [() => pair.report(), () => pair.hear(other.report(pair.now))];
    if (pair.now % 2 === 0) speakers.reverse();
    for (const speak of speakers) {
      pair.pass(29_983);
      speak();
      const asked = pair.unhandled();
      if (asked.length === 0) continue;
      pair.pass(17);
      for (const command of asked) {
        pair.device.receive(command, pair.now);
        other.receive(command, pair.now);
      }
      for (const answer of speakers) answer();
    }
  }

  test('two devices with one identity: detected, not ping-pong', () => {
    const { pair, other } = clones();
    const incarnations = new Set<number>();
    const lines: number[] = [];
    for (let round = 0; round < 30; round += 1) {
      minute(pair, other);
      incarnations.add(pair.twin.incarnation);
      lines.push(pair.journal.length);
    }
    expect(pair.reasons).toContain('identity-conflict');
    expect(pair.document.state).toBe('suspect');
    expect(incarnations.size, 'it does not change its mind each time').toBeLessThanOrEqual(2);
    expect(lines.at(-1), 'nor the state').toBe(lines[9]);
  });

  test('when one of them falls silent, the other is believed again', () => {
    const { pair, other } = clones();
    for (let round = 0; round < 5; round += 1) minute(pair, other);
    expect(pair.reasons).toContain('identity-conflict');
    for (let round = 0; round < 10; round += 1) {
      pair.pass(MINUTE);
      pair.answer();
    }
    expect(pair.document).toMatchObject({ state: 'available', quality: 'fresh', suspicions: [] });
    expect(pair.twin.newest).toMatchObject({ boot: 40, seq: pair.device.seq });
  });

  test('two devices that count the same numbers: one position with two contents', () => {
    const pair = new Pair().meet();
    const other = new ModelDevice({ startsAt: T0 - 500 * MINUTE });
    for (let round = 0; round < 10; round += 1) {
      pair.pass(MINUTE);
      pair.answer();
      pair.hear({ ...other.report(pair.now), seq: pair.device.seq });
      expect(pair.document.state).toBe('suspect');
    }
    expect(pair.reasons).toEqual(['identity-conflict']);
    expect(pair.twin.incarnation).toBe(1);
    for (let round = 0; round < 7; round += 1) {
      pair.pass(MINUTE);
      pair.answer();
    }
    expect(pair.document, 'the other one has gone').toMatchObject({ state: 'available', suspicions: [] });
  });
});

describe('case 41', () => {
  /** A device in its 40th boot goes to repair. */
  function repaired(): Pair {
    const pair = new Pair();
    for (let boot = 1; boot < 40; boot += 1) pair.device.reboot(pair.now, 'everything');
    pair.meet();
    pair.pass(3 * 3_600_000);
    pair.unhandled();
    pair.device.wipe(pair.now);
    return pair;
  }

  test('a device comes back from repair with its storage wiped: boots count from 1 again; it is heard, not ignored as old for ever', () => {
    const pair = repaired();
    pair.device.use(pair.now, true);
    expect(pair.report().disposition, 'nothing is proved yet').toBe('late');
    const decision = pair.answer();
    expect(decision.disposition).toBe('latest');
    expect(pair.document).toMatchObject({
      state: 'charging',
      quality: 'fresh',
      suspicions: [],
      sequence: { incarnation: 2, boot: 1, seq: 2 },
    });
    expect(decision.transitions.map(({ cause }) => cause.detail)[0]).toBe(
      'report 1/2 answers a probe (n 2) sent after the newest report: the device counts its boots anew',
    );
    expect(decision.clocks, 'the clock of its last boot is kept').toMatchObject([
      { boot: 40, incarnation: 1 },
    ]);
    pair.now += MINUTE;
    expect(pair.report().disposition).toBe('latest');
  });

  test('what was in flight is closed: nothing can prove it any more', () => {
    const pair = new Pair();
    for (let boot = 1; boot < 40; boot += 1) pair.device.reboot(pair.now, 'everything');
    pair.meet();
    pair.ask('reserve', { id: 'r' });
    pair.unhandled();
    pair.pass(3_600_000);
    pair.device.wipe(pair.now);
    pair.report();
    pair.answer();
    expect(pair.ledger.get('r')).toMatchObject({
      outcome: 'unknown',
      reason: 'unprovable',
      closedAt: pair.now,
    });
    expect(pair.document).toMatchObject({ state: 'available', pending: [] });
  });

  test('late reports of the device before it fill its history, and are not taken for news', () => {
    const pair = repaired();
    const straggler = { boot: 40, seq: 3, up: 61_000, state: 'charging', sensors: {} };
    pair.report();
    pair.answer();
    const before = pair.document;
    const { disposition, filed, transitions } = pair.hear(straggler);
    expect(disposition).toBe('late');
    expect(filed).toMatchObject({ incarnation: 1 });
    expect(transitions).toEqual([]);
    expect(pair.document).toMatchObject({ state: 'available', asOf: before.asOf });
  });

  test('so do they when it has long counted beyond them', () => {
    const pair = repaired();
    const again = { ...pair.decisions.at(-1)!.twin.newest!.report };
    pair.report();
    pair.answer();
    pair.pass(MINUTE);
    pair.device.boot = 1_000;
    pair.device.reboot(pair.now, 'nothing');
    expect(pair.report().disposition).toBe('latest');
    pair.answer();
    expect(pair.hear(again), 'heard before').toMatchObject({ disposition: 'duplicate', filed: null });
    const late = pair.hear({ ...again, seq: again.seq + 1, up: again.up + 5_000, commands: [] });
    expect(late).toMatchObject({ disposition: 'late', filed: { incarnation: 1 } });
    expect(pair.document).toMatchObject({ state: 'available', sequence: { incarnation: 2, boot: 1_001 } });
  });

  test('so do they when its storage was wiped twice meanwhile', () => {
    const pair = new Pair();
    pair.device.boot = 900_000_000;
    pair.meet();
    const again = { ...pair.twin.newest!.report };
    for (const boot of [500_000_000, 100_000_000]) {
      pair.pass(3_600_000);
      pair.device.wipe(pair.now);
      pair.device.boot = boot;
      pair.report();
      pair.answer();
    }
    expect(pair.document).toMatchObject({ sequence: { incarnation: 3 } });
    expect(pair.hear(again), 'heard before').toMatchObject({ disposition: 'duplicate', filed: null });
    const late = pair.hear({ ...again, seq: again.seq + 1, up: again.up + 5_000, commands: [] });
    expect(late).toMatchObject({ disposition: 'late', filed: { incarnation: 1 } });
    expect(pair.document).toMatchObject({ state: 'available', sequence: { boot: 100_000_000 } });
  });

  test('so do they when the line before had begun to count far away from their boot', () => {
    const pair = new Pair();
    pair.device.boot = 500_000_000;
    pair.meet();
    const again = { ...pair.twin.newest!.report };
    for (const boot of [900_000_000, 100_000_000]) {
      pair.pass(3_600_000);
      pair.device.wipe(pair.now);
      pair.device.boot = boot;
      pair.report();
      pair.answer();
    }
    expect(pair.document).toMatchObject({ sequence: { incarnation: 2, boot: 100_000_000 } });
    pair.now += MINUTE;
    expect(pair.hear(again), 'heard before').toMatchObject({ disposition: 'duplicate', filed: null });
  });

  test('a storage that begins to count far from all boots before is no line of then', () => {
    const pair = new Pair();
    pair.device.boot = 900_000_000;
    pair.meet();
    pair.pass(3 * 3_600_000);
    pair.device.wipe(pair.now);
    pair.report();
    pair.answer();
    pair.pass(MINUTE);
    pair.device.wipe(pair.now);
    pair.device.boot = 500_000_000;
    expect(pair.report().disposition, 'a leap is not believed at once').toBe('held');
    expect(pair.answer()).toMatchObject({ disposition: 'latest', filed: { incarnation: 2 } });
  });

  test('it goes up from there, also past the boots it had before', () => {
    const pair = repaired();
    pair.report();
    pair.answer();
    for (let boot = 2; boot <= 45; boot += 1) {
      pair.pass(MINUTE);
      pair.device.reboot(pair.now, 'everything');
      expect(pair.report().disposition).toBe('latest');
      pair.answer();
    }
    expect(pair.document).toMatchObject({ state: 'available', sequence: { incarnation: 2, boot: 45 } });
    expect(pair.reasons).toEqual([]);
  });

  test('a device that forgot to count a boot, so that its uptime runs back, is heard as one that counts anew', () => {
    const pair = new Pair().meet();
    pair.pass(30 * MINUTE);
    pair.report();
    pair.device.reboot(pair.now, 'nothing');
    pair.device.boot = 1;
    pair.device.seq = 3;
    pair.now += MINUTE;
    expect(pair.report().disposition).toBe('latest');
    expect(pair.document).toMatchObject({
      state: 'available',
      sequence: { incarnation: 2, boot: 1, seq: 4 },
    });
  });

  test('only boots from before are heard, and nobody answers: a conflict, not the old state for ever', () => {
    const pair = repaired();
    for (let minute = 0; minute < 3; minute += 1) {
      pair.report();
      pair.pass(MINUTE);
      pair.unhandled();
    }
    expect(pair.reasons).toEqual(['identity-conflict']);
    expect(pair.document.state).toBe('suspect');
  });
});

describe('case 42', () => {
  test('a node that lost its ownership while it was paused wakes up and sends the command it had decided: the device refuses it', () => {
    const pair = new Pair().meet();
    pair.ask('reserve', { id: 'r' });
    const [decidedThen] = pair.unhandled();
    pair.epoch = 2;
    pair.pass(5_000);
    pair.device.highestEpoch = 2;
    pair.device.receive(decidedThen!, pair.now);
    pair.report();
    expect(pair.device.executed.map(({ id }) => id)).not.toContain('r');
    expect(pair.ledger.get('r')).toMatchObject({ outcome: 'rejected', reason: 'stale-epoch' });
  });
});
