/**
 * Honest devices, played out by their physics, of whose reports any may be lost. No rule may accuse one: a false
 * suspicion takes a device out of service.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { car } from '../../../machines/car.ts';
import { chargePoint } from '../../../machines/charge-point.ts';
import type { Kind } from '../../../machines/kind.ts';
import { kinds } from '../../../machines/kinds.ts';
import { kiosk } from '../../../machines/kiosk.ts';
import type { Report } from '../../../machines/report.ts';

type Values = Readonly<Record<string, boolean | number>>;

/** What a device is at one moment, as its sensors would show it. */
interface Moment {
  readonly state: string;
  readonly sensors: Values;
}

/** Something that can happen to it; `null` where it cannot happen now. */
type Happening = (moment: Moment) => Moment | null;

interface Device {
  readonly kind: Kind;
  readonly first: Moment;
  readonly happenings: readonly Happening[];
}

const set = (moment: Moment, sensors: Values, state = moment.state): Moment => ({
  state,
  sensors: { ...moment.sensors, ...sensors },
});

const isIdle = ({ state }: Moment): boolean => state === 'available' || state === 'reserved';

const honestChargePoint: Device = {
  kind: chargePoint,
  first: {
    state: 'available',
    sensors: { hatchOpen: false, cableConnected: false, carPresent: false, powerW: 0, meterWh: 0 },
  },
  happenings: [
    (m) => set(m, { carPresent: true }),
    (m) => (m.sensors.cableConnected === true ? null : set(m, { carPresent: false })),
    (m) => set(m, { hatchOpen: true }),
    (m) => set(m, { hatchOpen: false }),
    (m) =>
      m.sensors.hatchOpen === true && m.sensors.carPresent === true ? set(m, { cableConnected: true }) : null,
    (m) => set(m, { cableConnected: false, powerW: 0 }, m.state === 'charging' ? 'available' : m.state),
    (m) => (m.sensors.cableConnected === true && isIdle(m) ? set(m, { powerW: 11_000 }, 'charging') : null),
    (m) => (m.state === 'charging' ? set(m, { powerW: 0 }) : null),
    (m) => (m.state === 'charging' ? set(m, { powerW: 0 }, 'available') : null),
    (m) => (m.state === 'available' ? set(m, {}, 'reserved') : null),
    (m) => (m.state === 'reserved' ? set(m, {}, 'available') : null),
    (m) => set(m, { powerW: 0 }, 'faulted'),
    (m) => (m.state === 'faulted' ? set(m, {}, 'available') : null),
  ],
};

const honestCar: Device = {
  kind: car,
  first: {
    state: 'available',
    sensors: { doorsOpen: false, locked: true, ignitionOn: false, plugged: false, odometerKm: 41_000 },
  },
  happenings: [
    (m) => set(m, { locked: false }),
    (m) => (m.sensors.doorsOpen === true ? null : set(m, { locked: true })),
    (m) => (m.sensors.locked === true ? null : set(m, { doorsOpen: true })),
    (m) => set(m, { doorsOpen: false }),
    (m) => (isIdle(m) ? set(m, { locked: false }, 'rented') : null),
    (m) =>
      m.state === 'rented' && m.sensors.doorsOpen === false
        ? set(m, { locked: true, ignitionOn: false }, 'available')
        : null,
    (m) => (m.state === 'rented' ? set(m, { ignitionOn: true }) : null),
    (m) => set(m, { ignitionOn: false }),
    (m) => (m.sensors.ignitionOn === true ? null : set(m, { plugged: true })),
    (m) => set(m, { plugged: false }, m.state === 'charging' ? 'available' : m.state),
    (m) => (m.sensors.plugged === true && m.state === 'available' ? set(m, {}, 'charging') : null),
    (m) => (m.state === 'available' ? set(m, {}, 'reserved') : null),
    (m) => (m.state === 'reserved' ? set(m, {}, 'available') : null),
    (m) => {
      const drives = m.state === 'rented' && m.sensors.ignitionOn === true && m.sensors.plugged === false;
      return drives ? set(m, { odometerKm: Number(m.sensors.odometerKm) + 17 }) : null;
    },
  ],
};

const honestKiosk: Device = {
  kind: kiosk,
  first: {
    state: 'available',
    sensors: {
      compartmentOpen: false,
      boltsClosed: true,
      serviceDoorOpen: false,
      mainsPresent: true,
      itemsInside: 12,
    },
  },
  happenings: [
    (m) => (isIdle(m) ? set(m, {}, 'serving') : null),
    (m) => (m.state === 'serving' ? set(m, { boltsClosed: false, compartmentOpen: true }) : null),
    (m) =>
      m.sensors.compartmentOpen === true ? set(m, { itemsInside: Number(m.sensors.itemsInside) - 1 }) : null,
    (m) =>
      set(m, { compartmentOpen: false, boltsClosed: true }, m.state === 'serving' ? 'available' : m.state),
    (m) => set(m, { serviceDoorOpen: true }, 'out-of-service'),
    (m) => (m.sensors.serviceDoorOpen === true ? set(m, { itemsInside: 12 }) : null),
    (m) => (m.state === 'out-of-service' ? set(m, { serviceDoorOpen: false }, 'available') : null),
    (m) => set(m, { mainsPresent: false }, m.state === 'charging' ? 'out-of-service' : m.state),
    (m) => set(m, { mainsPresent: true }),
    (m) => (m.sensors.mainsPresent === true && m.state === 'available' ? set(m, {}, 'charging') : null),
    (m) => (m.state === 'charging' ? set(m, {}, 'available') : null),
    (m) => (m.state === 'available' ? set(m, {}, 'reserved') : null),
  ],
};

/** One turn of a life: what happens, how long nothing else does, and what of it is heard. */
interface Turn {
  readonly happening: number;
  readonly thenMs: number;
  readonly isHeard: boolean;
  readonly reboots: boolean;
}

const turn = fc.record({
  happening: fc.nat(),
  thenMs: fc.oneof(
    fc.nat(20),
    fc.integer({ min: 1_000, max: 10_000 }),
    fc.integer({ min: 60_000, max: 86_400_000 }),
  ),
  isHeard: fc.boolean(),
  reboots: fc.integer({ min: 0, max: 9 }).map((draw) => draw === 0),
});

/** The reports that are heard of a life, in order. */
function heardReports(device: Device, turns: readonly Turn[]): Report[] {
  const heard: Report[] = [];
  let moment = device.first;
  let changedAt = new Map<string, number>();
  let boot = 1;
  let seq = 0;
  let up = 0;
  for (const { happening, thenMs, isHeard, reboots } of turns) {
    const next = device.happenings[happening % device.happenings.length]!(moment) ?? moment;
    for (const sensor of device.kind.binarySensors) {
      if (next.sensors[sensor] !== moment.sensors[sensor]) changedAt.set(sensor, up);
    }
    moment = next;
    up += thenMs;
    seq += 1;
    const since = Object.fromEntries(
      device.kind.binarySensors.map((sensor) => [sensor, up - (changedAt.get(sensor) ?? 0)]),
    );
    if (isHeard) heard.push({ boot, seq, up, state: moment.state, sensors: moment.sensors, since });
    if (reboots) {
      boot += 1;
      seq = 0;
      up = 0;
      changedAt = new Map();
    }
  }
  return heard;
}

const devices = [honestChargePoint, honestCar, honestKiosk];

test('every kind has an honest device', () => {
  expect(devices.map(({ kind }) => kind)).toEqual(kinds);
});

describe.each(devices.map((device) => ({ device, name: device.kind.name })))(
  'an honest $name',
  ({ device }) => {
    test('is never accused, whichever of its reports are lost and however often it starts again', () => {
      fc.assert(
        fc.property(fc.array(turn, { maxLength: 60, size: 'max' }), (turns) => {
          const heard = heardReports(device, turns);
          heard.forEach((report, index) => {
            expect(device.kind.findContradictions(report, heard[index - 1] ?? null)).toEqual([]);
          });
        }),
        { numRuns: 500 },
      );
    });
  },
);
