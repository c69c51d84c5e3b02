/**
 * The life of a charge point as its sessions tell it, and what has to be made up: sessions are recorded, and the car, the
 * hatch and the cable are not. They move as they would have to, so that no report contradicts itself. A function of its
 * arguments: the same file gives the same lives.
 */
import { fnv1a32 } from '../../src/wire/partition.ts';
import { averageW, doubtOf, type Session } from './session.ts';
import type { Period } from './period.ts';

/** What the charge point is between two moments. */
export interface Stretch {
  readonly state: 'available' | 'charging';
  readonly hatchOpen: boolean;
  readonly cableConnected: boolean;
  readonly carPresent: boolean;
  /** What the meter stands at when the stretch begins, Wh. */
  readonly meterWh: number;
  /** How fast the meter runs, W; negative where the file says that it ran backwards. */
  readonly meterW: number;
  /** What the charge point says it delivers, W; `null` where the file gives no power that can be. */
  readonly powerW: number | null;
}

/** From `at`, ms epoch of the file, it is this. */
export interface Moment extends Stretch {
  readonly at: number;
}

/** A whole life. Times are ms epoch of the file. */
export interface Life {
  /** `<charge point>-<connector>`. */
  readonly connector: string;
  /** Its uptime is 0 here. */
  readonly bornAt: number;
  /** Here it comes back on line. */
  readonly endsAt: number;
  /** In order; none before `bornAt`, none after `endsAt`. The first one is at `bornAt`. */
  readonly moments: readonly Moment[];
  /** The times in which it is charging, in order. */
  readonly sessions: readonly Session[];
  /** Where it stands and what it is, in the operator's words; empty where no session tells. */
  readonly site: string;
  readonly model: string;
}

/** A charge point starts this long before its period, so that whoever comes first can arrive. */
const LEAD_MS = 600_000;

/** It is there at least this long after its last session, so that the car can leave. */
const TAIL_MS = 600_000;

/** Between two sessions that are closer than this the car does not leave: the driver has only shown the card again. */
const STAYS_BELOW_MS = 240_000;

/**
 * Sessions are recorded to the minute, so one may begin in the very minute in which the last one ended. The charge point
 * still tells of both: they are this far apart.
 */
const TURNOVER_MS = 1;

const IDLE: Stretch = {
  state: 'available',
  hatchOpen: false,
  cableConnected: false,
  carPresent: false,
  meterWh: 0,
  meterW: 0,
  powerW: 0,
};

/** The life of a connector whose sessions of the period these are, in order and without overlap. */
export function lifeOf(connector: string, sessions: readonly Session[], period: Period): Life {
  const bornAt = period.fromAt - LEAD_MS;
  const moments: Moment[] = [];
  let now: Moment = { ...IDLE, at: bornAt, meterWh: fnv1a32(`${connector} meter`) % 20_000_000 };
  const change = (at: number, what: Partial<Stretch>): void => {
    now = { ...now, meterWh: meterAt(now, at), ...what, at };
    moments.push(now);
  };
  change(bornAt, {});
  for (const [index, session] of sessions.entries()) {
    const { startAt, endAt } = session;
    const freeFrom = sessions[index - 1]?.endAt ?? -Infinity;
    const goesAt = sessions[index + 1]?.startAt ?? Infinity;
    const pace = paceOf(session);
    if (startAt - freeFrom >= STAYS_BELOW_MS) {
      change(startAt - pace.carMs, { carPresent: true });
      change(startAt - pace.hatchMs, { hatchOpen: true });
      change(startAt - pace.cableMs, { cableConnected: true });
    }
    change(Math.max(startAt, freeFrom + TURNOVER_MS), { state: 'charging', ...flowOf(session) });
    change(endAt, { state: 'available', meterW: 0, powerW: 0 });
    if (goesAt - endAt >= STAYS_BELOW_MS) {
      change(endAt + pace.cableMs, { cableConnected: false });
      change(endAt + pace.hatchMs, { hatchOpen: false });
      change(endAt + pace.carMs, { carPresent: false });
    }
  }
  const { site = '', model = '' } = sessions[0] ?? {};
  const endsAt = Math.max(period.toAt, (sessions.at(-1)?.endAt ?? 0) + TAIL_MS);
  return { connector, bornAt, endsAt, moments, sessions, site, model };
}

/** What the meter stands at, Wh. */
export function meterAt({ at, meterWh, meterW }: Moment, time: number): number {
  return meterWh + (meterW * (time - at)) / 3_600_000;
}

/**
 * Energy that was recorded flows evenly. A reading that cannot be true is passed on as it was: the meter stands still, runs
 * backwards or leaps; the power is then nothing that the charge point could measure.
 */
function flowOf(session: Session): Pick<Stretch, 'meterW' | 'powerW'> {
  const { energyWh, startAt, endAt } = session;
  const meterW = averageW(energyWh ?? 0, endAt - startAt);
  const doubt = doubtOf(session);
  return { meterW, powerW: doubt === null || doubt === 'no-energy' ? Math.round(meterW) : null };
}

/** How long before charging each thing is done, and how long after it is undone; ms, car > hatch > cable. */
function paceOf({ connector, startAt }: Session): {
  readonly carMs: number;
  readonly hatchMs: number;
  readonly cableMs: number;
} {
  const chance = fnv1a32(`${connector} ${String(startAt)}`);
  const cableMs = 15_000 + (chance % 25_000);
  const hatchMs = cableMs + 2_000 + ((chance >>> 8) % 8_000);
  const carMs = hatchMs + 15_000 + ((chance >>> 16) % 35_000);
  return { carMs, hatchMs, cableMs };
}
