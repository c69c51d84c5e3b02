/**
 * A charging station behind a gateway, as the gateway's agent sees it: it accepts a remote start and begins a session later, or never, and
 * some calls it does not answer at all. The shares and times are those of a log of real remote starts.
 */
import type { Command } from '../../../machines/command.ts';
import type {
  ActResult,
  BodyChange,
  DeviceBody,
  LastResult,
  Reading,
  Shown,
} from '../../../src/device/ports.ts';
import type { Chance } from '../world/chance.ts';

/** Of accepted remote starts this part never becomes a session. */
const WITHOUT_EFFECT_PART = 0.17;
/** Of all calls this part gets no answer; whether they take effect has nothing to do with that. */
const UNANSWERED_PART = 0.01;
/** The slowest start that became a session took this, ms. */
export const EFFECT_LONGEST_MS = 272_000;
/** For so long the gateway waits for the effect before it says that it cannot tell yet, ms. */
const PATIENCE_MS = 8_000;

/** What a station says of a start of which nothing will come. */
export const NO_SESSION = 'no-session';

/** The time in which a station lives: simulated, or real and fast. */
export interface StationTime {
  /** Ms epoch, as the station lives it. */
  readonly now: number;
  /** Calls `work` after so much of it, ms. */
  after(delayMs: number, work: () => void): unknown;
}

/** How it ends that a start has no effect: the station says so, its session with the gateway ends, or nobody ever tells. */
export type SilentEnd = 'told' | 'session-over' | 'nobody-tells';

/** What really became of a remote start; times as the station lives them. */
export interface RemoteStart {
  readonly id: string;
  readonly isAnswered: boolean;
  /** When it was sent on to the station. */
  readonly sentAt: number;
  /** When the session began; `null` while it has not, or never. */
  sessionAt: number | null;
  /** From when on it can take effect no more: it has, the station said that it will not, or its session is over. `null`: nobody can tell. */
  overAt: number | null;
  /** How long that took, ms. */
  effectMs: number | null;
  /** `null` where it takes effect. */
  readonly without: SilentEnd | null;
  /** The session in which it was sent has ended before it was over: then it takes effect no more, whichever start that session ended for. */
  endedWithSession: boolean;
}

/** See the head of this file. */
export class Station implements DeviceBody {
  readonly starts = new Map<number, RemoteStart>();
  isCharging = false;
  /** The session with the gateway ends, and a new one begins. */
  reconnect: () => void = () => undefined;
  readonly #schedule: StationTime;
  readonly #chance: Chance;
  #changed: (change: BodyChange) => void = () => undefined;

  constructor(schedule: StationTime, chance: Chance) {
    this.#schedule = schedule;
    this.#chance = chance;
  }

  read(): Reading {
    const is = this.isCharging;
    return {
      state: is ? 'charging' : 'available',
      sensors: { cableConnected: is, carPresent: is, powerW: is ? 7_400 : 0 },
    };
  }

  judge({ name }: Command): ReturnType<DeviceBody['judge']> {
    if (name === 'start' && !this.isCharging) return { type: 'accept', hold: 'end', acts: true };
    if (name === 'stop' && this.isCharging) return { type: 'accept', hold: 'keep', acts: true };
    return { type: 'refuse', reason: 'busy' };
  }

  act(command: Command): Promise<ActResult> {
    return command.name === 'start' ? this.#start(command) : this.#stop();
  }

  async wasExecuted({ n }: Command): Promise<Shown> {
    const start = this.starts.get(n);
    if (start === undefined) return false;
    if (start.sessionAt !== null) return true;
    return start.without === null ? 'undecided' : null;
  }

  scan(): null {
    return null;
  }

  watch(changed: (change: BodyChange) => void): () => void {
    this.#changed = changed;
    return () => {
      this.#changed = () => undefined;
    };
  }

  #stop(): Promise<ActResult> {
    return new Promise((resolve) => {
      this.#schedule.after(500, () => {
        this.isCharging = false;
        resolve({ outcome: 'done' });
      });
    });
  }

  #start({ n, id }: Command): Promise<ActResult> {
    const chance = this.#chance;
    const isAnswered = !chance.hits(UNANSWERED_PART);
    const ends: Readonly<Record<SilentEnd, number>> = { told: 6, 'session-over': 3, 'nobody-tells': 1 };
    const without = chance.hits(WITHOUT_EFFECT_PART) ? chance.weighted(ends) : null;
    const sentAt = this.#schedule.now;
    const start: RemoteStart = {
      id,
      isAnswered,
      sentAt,
      sessionAt: null,
      overAt: null,
      effectMs: null,
      without,
      endedWithSession: false,
    };
    this.starts.set(n, start);
    return new Promise((resolve) => {
      let isWaiting = isAnswered;
      const say = (result: LastResult): void => {
        if (isWaiting) resolve(result);
        else this.#changed({ amends: { n, result } });
        isWaiting = false;
      };
      this.#schedule.after(PATIENCE_MS, () => {
        if (!isWaiting) return;
        isWaiting = false;
        resolve({ outcome: 'undecided', reason: 'accepted' });
      });
      if (without === null) this.#takeEffect(start, say);
      else this.#comeToNothing(start, without, say);
    });
  }

  #takeEffect(start: RemoteStart, say: (result: LastResult) => void): void {
    const effectMs = Math.min(this.#chance.exponential(30_000), EFFECT_LONGEST_MS);
    this.#schedule.after(effectMs, () => {
      this.isCharging = true;
      start.sessionAt = start.overAt = this.#schedule.now;
      start.effectMs = effectMs;
      say({ outcome: 'done' });
    });
  }

  #comeToNothing(start: RemoteStart, without: SilentEnd, say: (result: LastResult) => void): void {
    const afterMs = this.#chance.between(60_000, EFFECT_LONGEST_MS);
    if (without === 'nobody-tells') return;
    this.#schedule.after(afterMs, () => {
      if (start.endedWithSession) return;
      if (without === 'session-over') {
        this.#endSession();
        return;
      }
      start.overAt = this.#schedule.now;
      say({ outcome: 'rejected', reason: NO_SESSION });
    });
  }

  /** Of what was sent in a session that ends comes nothing any more, but what takes effect by itself. */
  #endSession(): void {
    for (const start of this.starts.values()) {
      if (start.without === null || start.overAt !== null) continue;
      start.endedWithSession = true;
      start.overAt = this.#schedule.now;
    }
    this.reconnect();
  }
}
