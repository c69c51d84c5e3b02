/**
 * The hardware of a replayed charge point: it does what its life tells, moment by moment. Nobody else can make it do
 * anything, so it refuses every command; `report`, which asks for nothing but a report, the agent answers itself.
 */
import type {
  ActResult,
  BodyChange,
  BodyView,
  DeviceBody,
  Reading,
  Verdict,
} from '../../src/device/ports.ts';
import type { Report } from '../../machines/report.ts';
import { type Life, meterAt, type Moment } from './life.ts';

/** Temperature in the housing: the mean, what a day adds, and what charging adds, °C. */
const MEAN_C = 9;
const DAY_C = 4;
const CHARGING_C = 11;
const DAY_MS = 86_400_000;

/** See the head of this file. */
export class ChargePointBody implements DeviceBody {
  readonly #life: Life;
  #index = 0;
  #changed: (change: BodyChange) => void = () => undefined;

  constructor(life: Life) {
    this.#life = life;
  }

  /** The uptime of the next change, ms; Infinity after the last one. */
  get nextChangeUp(): number {
    const next = this.#life.moments[this.#index + 1];
    return next === undefined ? Infinity : next.at - this.#life.bornAt;
  }

  /** Lets the next change happen, now. */
  change(): void {
    this.#index += 1;
    this.#changed({});
  }

  read({ up }: BodyView): Reading {
    const moment = this.#moment();
    const at = this.#life.bornAt + up;
    const { state, hatchOpen, cableConnected, carPresent, powerW } = moment;
    const sensors = {
      hatchOpen,
      cableConnected,
      carPresent,
      meterWh: Math.round(meterAt(moment, at)),
      ...(powerW !== null && { powerW }),
      temperatureC: temperatureAt(at, state === 'charging'),
    };
    return { state, sensors };
  }

  judge(): Verdict {
    return { type: 'refuse', reason: 'follows-a-record' };
  }

  act(): Promise<ActResult> {
    return Promise.resolve({ outcome: 'rejected', reason: 'follows-a-record' });
  }

  wasExecuted(): Promise<boolean | null> {
    return Promise.resolve(false);
  }

  scan(): NonNullable<Report['components']> | null {
    const { model, connector } = this.#life;
    return model === '' ? null : [{ slot: 'charger', model: model.slice(0, 128), serial: connector }];
  }

  watch(changed: (change: BodyChange) => void): () => void {
    this.#changed = changed;
    return () => {
      this.#changed = () => undefined;
    };
  }

  #moment(): Moment {
    const moment = this.#life.moments[this.#index];
    if (moment === undefined) throw new Error(`the life of ${this.#life.connector} has no more moments`);
    return moment;
  }
}

/** Coldest at four in the morning, UTC. */
function temperatureAt(at: number, isCharging: boolean): number {
  const ofDay = Math.cos(((at / DAY_MS) % 1) * 2 * Math.PI - (16 / 24) * 2 * Math.PI);
  return Math.round((MEAN_C + DAY_C * ofDay + (isCharging ? CHARGING_C : 0)) * 10) / 10;
}
