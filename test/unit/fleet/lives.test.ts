import { describe, expect, test } from 'vitest';
import type { Command } from '../../../machines/command.ts';
import type { Kind } from '../../../machines/kind.ts';
import { kinds } from '../../../machines/kinds.ts';
import { sensorsProblem } from '../../../src/wire/sensors.ts';
import { carLife } from '../../../tools/fleet/car-life.ts';
import { Dice } from '../../../tools/fleet/chance.ts';
import { chargePointLife } from '../../../tools/fleet/charge-point-life.ts';
import { kioskLife } from '../../../tools/fleet/kiosk-life.ts';
import { type Being, judged, type Life } from '../../../tools/fleet/life.ts';
import { DAY, HOUR } from '../../../tools/fleet/rhythm.ts';
import { lived, type LivedTurn } from './lived.ts';

const lives = [chargePointLife, carLife, kioskLife] as unknown as readonly Life<string, Being<string>>[];

const kindOf = (life: { readonly kind: string }): Kind => kinds.find(({ name }) => name === life.kind)!;

const DEVICES = ['a-001', 'a-002', 'a-003', 'a-004'];
const DAYS = 40;
const period = { from: 7 * HOUR, to: DAYS * DAY };

const turnsOf = (life: Life<string, Being<string>>, seed = 1): LivedTurn<Being<string>>[][] =>
  DEVICES.map((device) => lived(life, { seed, device, ...period }));

describe.each(lives.map((life) => [life.kind, life] as const))('the life of a %s', (_, life) => {
  const kind = kindOf(life);
  const fleet = turnsOf(life);

  test('is reported in words that its kind knows', () => {
    const problems = fleet.flat().map(({ report }) => sensorsProblem(kind, report));
    expect(problems.filter((problem) => problem !== null)).toEqual([]);
  });

  test('is heard of before what is known of it is stale', () => {
    expect(life.heartbeatMs).toBeLessThan(kind.limits.freshMs);
  });

  test('visits every state that its kind reports without a reservation', () => {
    const seen = new Set(fleet.flat().map(({ report }) => report.state));
    const never = new Set(['reserved', 'unavailable']);
    expect([...seen].sort()).toEqual(kind.reportedStates.filter((state) => !never.has(state)).sort());
  });

  test('says since when each binary sensor of its kind is as it is', () => {
    const told = fleet.flat().map(({ report }) =>
      Object.keys(report.since ?? {})
        .sort()
        .join(),
    );
    expect([...new Set(told)]).toEqual([[...kind.binarySensors].sort().join()]);
  });

  test('contradicts itself only while a sensor sticks', () => {
    for (const turns of fleet) {
      for (const [index, { state, report }] of turns.entries()) {
        const previous = turns[index - 1]?.report ?? null;
        const found = kind.findContradictions(report, previous);
        const isStuck = 'isHatchSensorStuck' in state && state.isHatchSensorStuck === true;
        if (!isStuck && found.length > 0) expect([found, previous, report]).toBeNull();
      }
    }
  });

  test('goes on: something is always on its agenda, and time does not go back', () => {
    for (const turns of fleet) {
      expect(turns.length).toBeGreaterThan(300);
      expect(turns.at(-1)?.state.agenda.length).toBeGreaterThan(0);
      const steps = turns.map(({ state }, index) => state.at - (turns[index - 1]?.state.at ?? 0));
      expect(Math.min(...steps)).toBeGreaterThanOrEqual(0);
      expect(Math.max(...turns.map(({ state }) => state.agenda.length))).toBeLessThan(16);
    }
  });

  test('is busier by day than at night', () => {
    const hours = fleet.flat().map(({ report }) => Math.floor(((report.up + period.from) % DAY) / HOUR));
    const night = hours.filter((hour) => hour < 5).length / 5;
    const day = hours.filter((hour) => hour >= 8 && hour < 20).length / 12;
    expect(day).toBeGreaterThan(4 * night);
  });

  test('is the same for the same seed, and another for another', () => {
    expect(turnsOf(life)).toEqual(fleet);
    expect(turnsOf(life, 2)).not.toEqual(fleet);
  });

  test('goes on the same after it was written down and read again', () => {
    const copied = fleet.map((turns) => JSON.parse(JSON.stringify(turns.at(-1)?.state)) as unknown);
    expect(copied).toEqual(fleet.map((turns) => turns.at(-1)?.state));
  });

  test('accepts whatever command the twin may send in the state it reports', () => {
    const refused = new Set<string>();
    for (const { state, report } of fleet.flat()) {
      const path = kind.observe(report);
      for (const name of legalCommands(kind, path)) {
        const verdict = judged(life, state, { command: commandOf(name), isHeld: false });
        // Nobody's session is cut off by a restart: a device in use says that it is busy.
        const isBusy = verdict.type === 'refuse' && name === 'reboot' && verdict.reason === 'busy';
        if (verdict.type !== 'accept' && !isBusy) refused.add(`${name} in ${path}`);
      }
    }
    expect([...refused]).toEqual([]);
  });

  test('changes its state by what it executes', () => {
    const unchanged = new Set<string>();
    for (const { state, report } of fleet.flat()) {
      for (const name of ['start', 'stop']) {
        const verdict = life.judge(state, commandOf(name), false);
        if (verdict.type === 'refuse' || !verdict.acts) continue;
        const after = life.execute(state, commandOf(name), { dice: dice(state), isHeld: false });
        if (typeof after === 'string') continue;
        if (life.read(after, false).state === report.state) unchanged.add(`${name} in ${report.state}`);
      }
    }
    expect([...unchanged]).toEqual([]);
  });

  test('refuses what it does not know, and a second reservation', () => {
    const state = fleet[0]![0]!.state;
    expect(life.judge(state, commandOf('dance'), false)).toEqual({
      type: 'refuse',
      reason: 'unknown-command',
    });
    expect(life.judge(state, commandOf('reserve'), true)).toMatchObject({ type: 'refuse' });
  });
});

describe('a charge point', () => {
  const fleet = DEVICES.map((device) => lived(chargePointLife, { seed: 1, device, ...period }));

  test('has a meter that never runs backwards and runs no faster than its hardware', () => {
    for (const turns of fleet) {
      for (const [index, { state }] of turns.entries()) {
        const previous = turns[index - 1]?.state;
        if (previous === undefined) continue;
        const grownWh = state.meterWh - previous.meterWh;
        expect(grownWh).toBeGreaterThanOrEqual(0);
        expect(grownWh).toBeLessThanOrEqual((state.ratedW * (state.at - previous.at)) / HOUR + 1e-6);
      }
    }
  });

  test('is used a few times a day, each time for something like a charging session', () => {
    for (const turns of fleet) {
      const starts = turns.filter(({ what }) => what === 'card-is-shown');
      expect(starts.length / DAYS).toBeGreaterThan(0.5);
      expect(starts.length / DAYS).toBeLessThan(6);
      const energyWh = (turns.at(-1)?.state.meterWh ?? 0) - (turns[0]?.state.meterWh ?? 0);
      expect(energyWh / starts.length).toBeGreaterThan(5_000);
      expect(energyWh / starts.length).toBeLessThan(45_000);
    }
  });

  test('shows the contradiction that a stuck hatch sensor makes', () => {
    const found = fleet.flatMap((turns) =>
      turns.flatMap(({ report }, index) =>
        kindOf(chargePointLife).findContradictions(report, turns[index - 1]?.report ?? null),
      ),
    );
    expect(found.map(({ code }) => code)).toContain('cable-without-hatch');
  });
});

describe('a car', () => {
  const fleet = DEVICES.map((device) => lived(carLife, { seed: 1, device, ...period }));

  test('moves only while it is rented, and comes home with a battery that is not empty', () => {
    for (const turns of fleet) {
      for (const [index, { state }] of turns.entries()) {
        const previous = turns[index - 1]?.state;
        if (previous === undefined) continue;
        const km = state.odometerKm - previous.odometerKm;
        expect(km).toBeGreaterThanOrEqual(0);
        if (km > 0) expect(previous.isRented).toBe(true);
        expect(state.batteryPercent).toBeGreaterThan(5);
        expect(state.batteryPercent).toBeLessThanOrEqual(100);
      }
      const km = (turns.at(-1)?.state.odometerKm ?? 0) - (turns[0]?.state.odometerKm ?? 0);
      expect(km / DAYS).toBeGreaterThan(10);
      expect(km / DAYS).toBeLessThan(250);
    }
  });

  test('is not unlocked under somebody else after its driver gave it back', () => {
    for (const { state } of fleet.flat()) {
      if (!state.isRented) expect([state.locked, state.doorsOpen]).toEqual([true, false]);
    }
  });
});

describe('a kiosk', () => {
  const fleet = DEVICES.map((device) => lived(kioskLife, { seed: 1, device, ...period }));

  test('never holds less than nothing or more than it has compartments', () => {
    for (const { state } of fleet.flat()) {
      expect(state.itemsInside).toBeGreaterThanOrEqual(0);
      expect(state.itemsInside).toBeLessThanOrEqual(24);
    }
  });
});

describe('a reservation', () => {
  test.each(lives.map((life) => [life.kind, life] as const))('of a %s is kept by most holders', (_, life) => {
    let came = 0;
    const people = 400;
    for (let person = 0; person < people; person += 1) {
      const chance = new Dice({ seed: person, who: 'x', draws: 0 });
      const state = life.awaitHolder(life.born(chance, 12 * HOUR), HOUR, chance);
      const coming = state.agenda.find(({ what }) => what === 'holder-comes');
      if (coming !== undefined && coming.at < state.at + HOUR) came += 1;
    }
    expect(came / people).toBeGreaterThan(0.65);
    expect(came / people).toBeLessThan(0.85);
  });
});

function dice(state: Being<string>): Dice {
  return new Dice({ seed: 7, who: 'somebody', draws: state.draws });
}

function commandOf(name: string): Command {
  return { n: 1, epoch: 1, id: 'a', name, args: {}, boot: 1, notAfterUp: 1, holdMs: 1_000 };
}

/** What the kind's machine accepts in a state, but for what changes nothing or nobody holds. */
function legalCommands(kind: Kind, path: string): string[] {
  const snapshot = kind.machine.resolveState({ value: valueOf(path), context: {} });
  return Object.keys(kind.commands).filter(
    (name) => !['report', 'release'].includes(name) && snapshot.can({ type: `command.${name}` }),
  );
}

function valueOf(path: string): string | Record<string, string> {
  const [outer = '', inner] = path.split('.');
  return inner === undefined ? outer : { [outer]: inner };
}
