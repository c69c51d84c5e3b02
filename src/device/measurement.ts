/**
 * Makes a report: the device's whole state at one moment of its uptime. A function of its arguments.
 *
 * Invariants:
 * I1  `seq` counts the reports of a boot from 1; a number is given once.
 * I2  `changedUp` of a binary sensor is when it was last seen to change in this boot; 0, the start, when it was not; `null` when it was not
 *     and the first report did not tell it: what it was at the start nobody knows.
 */
import type { Report } from '../../machines/report.ts';
import { type DeviceMemory, holdAt } from './device-state.ts';
import type { Reading } from './ports.ts';

/** What one report has to know of those before it in the same boot. */
export interface Measurement {
  /** Of the last report; 0 before the first. */
  readonly seq: number;
  readonly binaries: Readonly<Record<string, { readonly value: boolean; readonly changedUp: number | null }>>;
}

/** The beginning of a boot. */
export const FIRST_MEASUREMENT: Measurement = { seq: 0, binaries: {} };

/** Notes which binary sensors have changed by uptime `up`, whether or not a report follows. */
export function observeBinaries(measurement: Measurement, reading: Reading, up: number): Measurement {
  let binaries = measurement.binaries;
  for (const [name, value] of Object.entries(reading.sensors)) {
    if (typeof value !== 'boolean') continue;
    const known = binaries[name];
    if (known?.value === value) continue;
    const unchanged = measurement.seq === 0 ? 0 : null;
    binaries = { ...binaries, [name]: { value, changedUp: known === undefined ? unchanged : up } };
  }
  return binaries === measurement.binaries ? measurement : { ...measurement, binaries };
}

/** Makes the next report. */
export function takeMeasurement(
  measurement: Measurement,
  source: {
    readonly memory: DeviceMemory;
    readonly reading: Reading;
    readonly up: number;
    readonly wall: number | null;
    readonly kind: string | null;
    readonly via?: Report['via'] | null;
    readonly components: Report['components'] | null;
  },
): { readonly measurement: Measurement; readonly report: Report } {
  const { memory, reading, up, wall, kind, via, components } = source;
  const observed = observeBinaries(measurement, reading, up);
  const seq = observed.seq + 1;
  const hold = holdAt(memory, up);
  const report: Report = {
    boot: memory.boot,
    seq,
    up,
    ...(wall !== null && { at: wall }),
    state: reading.state,
    sensors: { ...reading.sensors },
    since: sinceOf(observed, reading, up),
    commands: [...memory.ring],
    ...(hold !== null && { hold: { id: hold.id, leftMs: hold.endsUp - up } }),
    ...(reading.firmware !== undefined && { firmware: reading.firmware }),
    ...(reading.config !== undefined && { config: reading.config }),
    ...(components !== null && components !== undefined && { components }),
    ...(kind !== null && { kind }),
    ...(via !== null && via !== undefined && { via }),
  };
  return { measurement: { ...observed, seq }, report };
}

function sinceOf(measurement: Measurement, reading: Reading, up: number): Record<string, number> {
  const since: Record<string, number> = {};
  for (const [name, { changedUp }] of Object.entries(measurement.binaries)) {
    if (typeof reading.sensors[name] === 'boolean' && changedUp !== null) since[name] = up - changedUp;
  }
  return since;
}
