/**
 * Streams of believable reports without agents, for load: a report is a function of the seed, the device and the step alone,
 * so that any number of writers can make any part of the stream, in any order. Of ten devices six are charge points, three
 * cars and one a kiosk.
 */
import type { Report } from '../../machines/report.ts';
import { scattered } from './chance.ts';

/**
 * How much changes from one report to the next: `believable`, a fleet's day, in which most reports change nothing but
 * freshness; `changing`, every report another state; `steady`, no report another state.
 */
export type Mix = 'believable' | 'changing' | 'steady';

/** Which stream. */
export interface ReportMixOptions {
  readonly seed: number;
  readonly mix: Mix;
  /** Time between two reports of a device, ms of its uptime. */
  readonly stepMs: number;
}

/** A report and whose it is. */
export interface MixedReport {
  readonly device: string;
  readonly kind: string;
  readonly report: Report;
}

/** The report of device number `index` at step number `step`, both from 0. Its `seq` is `step + 1`. */
export function mixedReport(options: ReportMixOptions, index: number, step: number): MixedReport {
  const { kind, prefix, phases } = SHARES[index % SHARES.length] ?? CHARGE_POINTS;
  const moment = momentOf(options, index, step, phases);
  const { state, sensors, since } = SKETCHES[kind](moment);
  const up = step * options.stepMs;
  return {
    device: `${prefix}-${String(index + 1).padStart(6, '0')}`,
    kind,
    report: {
      boot: 1,
      seq: step + 1,
      up,
      state,
      sensors,
      since: Object.fromEntries(Object.entries(since).map(([sensor, ms]) => [sensor, Math.min(ms, up)])),
      commands: [
        { n: 12, outcome: 'done' },
        { n: 11, outcome: 'rejected', reason: 'busy' },
      ],
      firmware: '4.11.2',
      kind,
    },
  };
}

type KindName = 'charge-point' | 'car' | 'kiosk';

/** The phases of a device's round, as shares of it: they begin one after the other, the first at 0. */
interface Share {
  readonly kind: KindName;
  readonly prefix: string;
  readonly phases: readonly number[];
}

const CHARGE_POINTS: Share = { kind: 'charge-point', prefix: 'cp', phases: [0, 0.6, 0.9, 0.97] };
const CARS: Share = { kind: 'car', prefix: 'car', phases: [0, 0.5, 0.58, 0.7, 0.78] };
const KIOSKS: Share = { kind: 'kiosk', prefix: 'kiosk', phases: [0, 0.7, 0.85] };

const SHARES: readonly Share[] = [
  ...Array.from({ length: 6 }, () => CHARGE_POINTS),
  ...Array.from({ length: 3 }, () => CARS),
  KIOSKS,
];

/** Where a device is in its round. */
interface Moment {
  /** Number of the phase. */
  readonly phase: number;
  /** Time since the phase began, and since another began, ms. */
  readonly inPhaseMs: number;
  readonly sincePhaseMs: (phase: number) => number;
  /** Share of the phase that has passed. */
  readonly progress: number;
  /** Rounds that are complete. */
  readonly rounds: number;
  /** A number from 0 to 1 that is the device's own. */
  readonly character: number;
}

const ROUND_SHORTEST_STEPS = 60;
const ROUND_LONGEST_STEPS = 180;

/** Makes another sequence of chance of the same seed: where in its round a device begins. */
const OFFSET_KEY = 0x5bd1e995;

function momentOf(
  { seed, mix, stepMs }: ReportMixOptions,
  index: number,
  step: number,
  phases: readonly number[],
): Moment {
  const character = scattered(seed, index + 1);
  if (mix === 'steady') {
    const everMs = step * stepMs;
    return { phase: 0, inPhaseMs: everMs, sincePhaseMs: () => everMs, progress: 0, rounds: 0, character };
  }
  const length = roundLength(mix, character, phases);
  const offset = Math.floor(scattered(seed ^ OFFSET_KEY, index + 1) * length);
  const place = (step + offset) % length;
  const begins = phases.map((share) => beginOf(mix, share, phases, length));
  const phase = begins.findLastIndex((begin) => begin <= place);
  const begin = begins[phase] ?? 0;
  const end = begins[phase + 1] ?? length;
  return {
    phase,
    character,
    inPhaseMs: (place - begin) * stepMs,
    sincePhaseMs: (other) => ((place - (begins[other] ?? 0) + length) % length) * stepMs,
    progress: (place - begin) / (end - begin),
    rounds: Math.floor((step + offset) / length),
  };
}

function roundLength(mix: Mix, character: number, phases: readonly number[]): number {
  if (mix === 'changing') return phases.length;
  return Math.floor(ROUND_SHORTEST_STEPS + character * (ROUND_LONGEST_STEPS - ROUND_SHORTEST_STEPS));
}

function beginOf(mix: Mix, share: number, phases: readonly number[], length: number): number {
  return mix === 'changing' ? phases.indexOf(share) : Math.ceil(share * length);
}

interface Sketch {
  readonly state: string;
  readonly sensors: Readonly<Record<string, unknown>>;
  /** Before it is cut off at the uptime. */
  readonly since: Readonly<Record<string, number>>;
}

const SKETCHES: Readonly<Record<KindName, (moment: Moment) => Sketch>> = {
  'charge-point': sketchChargePoint,
  car: sketchCar,
  kiosk: sketchKiosk,
};

/** Free; charging; full; the driver is back and unplugs. */
function sketchChargePoint(moment: Moment): Sketch {
  const { phase, progress, rounds, character } = moment;
  const isThere = phase > 0;
  const powerW = phase === 1 ? 11_000 : 0;
  const sessionWh = 9_000 + Math.floor(character * 25_000);
  const chargedWh = phase === 0 ? 0 : phase === 1 ? progress * sessionWh : sessionWh;
  const changedMs = isThere ? moment.sincePhaseMs(1) : moment.sincePhaseMs(0);
  return {
    state: phase === 1 || phase === 2 ? 'charging' : 'available',
    sensors: {
      hatchOpen: isThere,
      cableConnected: isThere,
      carPresent: isThere,
      meterWh: Math.floor(character * 1e7 + rounds * sessionWh + chargedWh),
      powerW,
      temperatureC: Math.round(150 + (powerW / 11_000) * 120 + character * 40) / 10,
    },
    since: {
      hatchOpen: changedMs + (isThere ? 31_000 : 21_000),
      cableConnected: changedMs + 24_000,
      carPresent: changedMs + (isThere ? 64_000 : 8_000),
    },
  };
}

/** Free; driving; parked somewhere; driving back; charging. */
function sketchCar(moment: Moment): Sketch {
  const { phase, progress, rounds, character } = moment;
  const isDriving = phase === 1 || phase === 3;
  const tripKm = 6 + Math.floor(character * 30);
  const shareOfTrip = [0, progress / 2, 0.5, 0.5 + progress / 2, 1][phase] ?? 0;
  const usedPercent = tripKm * 0.4;
  const away = phase === 1 ? progress : phase === 2 ? 1 : phase === 3 ? 1 - progress : 0;
  const plugged = phase === 4 || phase === 0;
  return {
    state: phase === 4 ? 'charging' : phase === 0 ? 'available' : 'rented',
    sensors: {
      doorsOpen: false,
      locked: true,
      ignitionOn: isDriving,
      plugged,
      batteryPercent: Math.round((95 - usedPercent * (phase === 4 ? 1 - progress : shareOfTrip)) * 10) / 10,
      odometerKm: Math.floor(character * 90_000 + (rounds + shareOfTrip) * tripKm),
      position: {
        latitude: Math.round((51.96 + (character - 0.5) * 0.1 + away * 0.05) * 1e5) / 1e5,
        longitude: Math.round((7.63 + (0.5 - character) * 0.1 + away * 0.08) * 1e5) / 1e5,
      },
    },
    since: {
      doorsOpen: moment.inPhaseMs + 48_000,
      locked: moment.inPhaseMs + 11_000,
      ignitionOn: moment.inPhaseMs + 10_000,
      plugged: plugged ? moment.sincePhaseMs(4) + 12_000 : moment.sincePhaseMs(1) + 63_000,
    },
  };
}

/** Free; somebody types; a compartment is open. */
function sketchKiosk(moment: Moment): Sketch {
  const { phase, rounds, character, inPhaseMs } = moment;
  const isOpen = phase === 2;
  const changedMs = isOpen ? inPhaseMs : moment.sincePhaseMs(0);
  return {
    state: phase === 0 ? 'available' : 'serving',
    sensors: {
      compartmentOpen: isOpen,
      boltsClosed: !isOpen,
      serviceDoorOpen: false,
      mainsPresent: true,
      bufferPercent: 100,
      itemsInside: 6 + ((rounds + Math.floor(character * 12)) % 12),
    },
    since: {
      compartmentOpen: changedMs + 3_000,
      boltsClosed: changedMs + 3_200,
      serviceDoorOpen: 1e9,
      mainsPresent: 1e9,
    },
  };
}
