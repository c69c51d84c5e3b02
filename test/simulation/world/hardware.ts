/**
 * The hardware of a device, which outlives the process that watches over it: somebody uses the device or nobody does, it
 * is in order or not, and a command takes its time, fails, or hangs.
 */
import type { Command } from '../../../machines/command.ts';
import type { Kind } from '../../../machines/kind.ts';
import type { DeviceHold } from '../../../src/device/device-state.ts';
import type {
  ActMoment,
  ActResult,
  BodyChange,
  DeviceBody,
  Reading,
  Shown,
  Verdict,
} from '../../../src/device/ports.ts';
import type { Execution } from '../record.ts';
import type { Chance } from './chance.ts';
import type { Process } from './process.ts';
import type { Schedule } from './schedule.ts';

type Sensors = Readonly<Record<string, unknown>>;

/** What a kind of hardware looks like from outside. */
interface Traits {
  readonly inUse: string;
  readonly outOfOrder: string;
  /** Commands that move hardware; the others only change the hold. */
  readonly moves: readonly string[];
  readonly sensors: (isInUse: boolean) => Sensors;
  /** A sensor that is broken says this: what most writers of JSON make of NaN. */
  readonly broken: Sensors;
}

const TRAITS: Readonly<Record<string, Traits>> = {
  'charge-point': {
    inUse: 'charging',
    outOfOrder: 'faulted',
    moves: ['start', 'stop'],
    sensors: (is) => ({ cableConnected: is, carPresent: is, powerW: is ? 11_000 : 0 }),
    broken: { powerW: null },
  },
  car: {
    inUse: 'rented',
    outOfOrder: 'out-of-service',
    moves: ['start', 'stop', 'release'],
    sensors: (is) => ({ locked: !is, doorsOpen: false, ignitionOn: false }),
    broken: { doorsOpen: null },
  },
  kiosk: {
    inUse: 'serving',
    outOfOrder: 'out-of-service',
    moves: ['start', 'stop', 'reserve'],
    sensors: () => ({ compartmentOpen: false, mainsPresent: true }),
    broken: { mainsPresent: null },
  },
};

/** What the hardware tells the record. */
export interface HardwareEvents {
  /** From now on it looks like this, to somebody who stands beside it. */
  looks(reading: Reading): void;
  /** The device looked at itself; the number is in the report's sensors as `sample`. */
  sampled(hold: DeviceHold | null): number;
  /** Hardware begins to move for a command. */
  moving(command: Command): Execution;
  /** The last execution of this command number, if there was one. */
  executed(command: Command): Execution | null;
  /** The body cannot tell any more whether it executed this command. */
  cannotTell(command: Command): void;
  /** The body has passed a command on, and does not know what becomes of it. */
  undecided(command: Command): void;
}

/** An accepted command has no effect in this part of all cases, and otherwise takes effect within this, ms (real remote starts). */
const WITHOUT_EFFECT_PART = 0.17;
const EFFECT_LONGEST_MS = 272_000;

export class Hardware {
  readonly #schedule: Schedule;
  readonly #chance: Chance;
  readonly #traits: Traits;
  readonly #events: HardwareEvents;
  /** Whether it shows after a restart what was executed. */
  readonly #isTransparent: boolean;
  /** From now on everything works at once. */
  isReliable = false;
  /** It is a station behind a gateway, which accepts what it is told and shows an effect later, or never. */
  isDistant = false;
  /** Commands that were passed on and may still take effect. */
  readonly #underWay = new Set<number>();
  #isInUse = false;
  #isOutOfOrder = false;
  #hasBrokenSensor = false;
  #changed: (change: BodyChange) => void = () => undefined;

  constructor(schedule: Schedule, chance: Chance, kind: Kind, events: HardwareEvents) {
    const traits = TRAITS[kind.name];
    if (traits === undefined) throw new Error(`no hardware for a ${kind.name}`);
    this.#schedule = schedule;
    this.#chance = chance;
    this.#traits = traits;
    this.#events = events;
    this.#isTransparent = chance.hits(0.7);
    this.#noteLook();
  }

  /** Somebody comes to an idle device: nobody, or the holder if it is held. */
  use(): boolean {
    if (this.#isInUse || this.#isOutOfOrder) return false;
    this.#isInUse = true;
    this.#noteLook();
    this.#changed({ endsHold: true });
    return true;
  }

  /** Whoever uses it leaves. */
  leave(): void {
    if (!this.#isInUse) return;
    this.#isInUse = false;
    this.#noteLook();
    this.#changed({});
  }

  breakDown(): void {
    this.#isOutOfOrder = true;
    this.#isInUse = false;
    this.#noteLook();
    this.#changed({ endsHold: true });
  }

  repair(): void {
    if (!this.#isOutOfOrder) return;
    this.#isOutOfOrder = false;
    this.#noteLook();
    this.#changed({});
  }

  /** One of its sensors says nothing that fits; the rest is as it was. */
  breakSensor(): void {
    this.#hasBrokenSensor = true;
    this.#noteLook();
    this.#changed({});
  }

  repairSensor(): void {
    this.#hasBrokenSensor = false;
    this.#noteLook();
    this.#changed({});
  }

  /** Something flickers: it looks as if it had changed, and has not. */
  flicker(): void {
    this.#changed({});
  }

  /** How the device looks, held or not. */
  reading(isHeld: boolean): Reading {
    const { inUse, outOfOrder, sensors, broken } = this.#traits;
    const state = this.#isOutOfOrder ? outOfOrder : this.#isInUse ? inUse : isHeld ? 'reserved' : 'available';
    const shown = { ...sensors(this.#isInUse), ...(this.#hasBrokenSensor && broken) };
    return { state, sensors: shown, firmware: '1.0.0' };
  }

  /** The body of one boot. */
  body(process: Process): DeviceBody {
    return {
      read: ({ hold }) => {
        const reading = this.reading(hold !== null);
        return {
          ...reading,
          sensors: { ...reading.sensors, sample: this.#events.sampled(hold) },
        };
      },
      judge: (command, { hold }) => this.#judge(command, hold !== null),
      act: (command, moment) =>
        process.call(() =>
          this.isDistant ? this.#passOn(command, moment, process) : this.#act(command, process),
        ),
      restart: () => process.kill(),
      wasExecuted: (command) => process.call(() => this.#wasExecuted(command)),
      scan: () => null,
      watch: (changed) => {
        this.#changed = (change) => process.enter(() => changed(change));
        return () => {
          this.#changed = () => undefined;
        };
      },
    };
  }

  #judge({ name }: Command, isHeld: boolean): Verdict {
    const acts = this.#traits.moves.includes(name);
    const isIdle = !this.#isInUse && !this.#isOutOfOrder;
    switch (name) {
      case 'reserve':
        return isIdle && !isHeld
          ? { type: 'accept', hold: 'begin', acts }
          : { type: 'refuse', reason: 'busy' };
      case 'release':
        return isHeld ? { type: 'accept', hold: 'end', acts } : { type: 'refuse', reason: 'not-held' };
      case 'start':
        return isIdle ? { type: 'accept', hold: 'end', acts } : { type: 'refuse', reason: 'busy' };
      case 'stop':
        return this.#isInUse
          ? { type: 'accept', hold: 'keep', acts }
          : { type: 'refuse', reason: 'not-in-use' };
      case 'reboot':
        return this.#isInUse
          ? { type: 'refuse', reason: 'busy' }
          : { type: 'accept', hold: 'keep', acts: true };
      default:
        return { type: 'refuse', reason: 'unknown-command' };
    }
  }

  /**
   * The gateway waits for its turn, sends the command on, and is told that it was accepted. The station takes effect in its own time,
   * whatever becomes of the gateway meanwhile, or says in the end that nothing came of it.
   */
  async #passOn(command: Command, moment: ActMoment, process: Process): Promise<ActResult> {
    await new Promise<void>((resolve) => this.#schedule.after(this.#chance.exponential(1_000), resolve));
    if (process.isDead) return new Promise(() => undefined);
    if (!moment.mayStillStart()) return { outcome: 'rejected', reason: 'too-late' };
    const execution = this.#events.moving(command);
    const { n } = command;
    const takesEffect = !this.#chance.hits(WITHOUT_EFFECT_PART);
    this.#underWay.add(n);
    this.#events.undecided(command);
    const effectMs = Math.min(this.#chance.exponential(40_000), EFFECT_LONGEST_MS);
    this.#schedule.after(effectMs, () => {
      // A session that has ended, and whose gateway knows nothing more of it, has taken the command with it.
      if (!this.#underWay.delete(n)) return;
      if (takesEffect) this.#takeEffect(command, execution);
      const result = takesEffect
        ? ({ outcome: 'done' } as const)
        : ({ outcome: 'rejected', reason: 'no-effect' } as const);
      this.#changed({ amends: { n, result } });
    });
    return { outcome: 'undecided', reason: 'accepted' };
  }

  /** It takes effect at some moment, and says so at a later one: the process may be dead at either. */
  #act(command: Command, process: Process): Promise<ActResult> {
    const execution = this.#events.moving(command);
    const how = this.isReliable
      ? 'works'
      : this.#chance.weighted({ works: 90, fails: 5, hangs: 3, throws: 2 });
    const effectMs = this.#chance.hits(0.1) ? this.#chance.between(0, 8_000) : this.#chance.exponential(200);
    return new Promise((resolve, reject) => {
      this.#schedule.after(effectMs, () => {
        const fails = how === 'fails' || (how !== 'works' && this.#chance.hits(0.5));
        if (process.isDead) return;
        if (!fails) this.#takeEffect(command, execution);
        this.#schedule.after(this.#chance.exponential(100), () => {
          if (how === 'works') resolve({ outcome: 'done' });
          else if (how === 'fails') resolve({ outcome: 'rejected', reason: 'jammed' });
          else if (this.#isTransparent) this.#tellLate(command, !fails);
          else this.#events.cannotTell(command);
          if (how === 'throws') reject(new Error('a relay burnt out'));
        });
      });
    });
  }

  /** What the hardware did shows after a while, where it shows at all. */
  #tellLate({ n }: Command, isDone: boolean): void {
    const result = isDone
      ? ({ outcome: 'done' } as const)
      : ({ outcome: 'rejected', reason: 'jammed' } as const);
    this.#schedule.after(this.#chance.exponential(60_000), () => this.#changed({ amends: { n, result } }));
  }

  #takeEffect({ name }: Command, execution: Execution): void {
    execution.effect = 'done';
    if (name === 'start') this.#isInUse = true;
    else if (name === 'stop') this.#isInUse = false;
    this.#noteLook();
  }

  #noteLook(): void {
    this.#events.looks(this.reading(false));
  }

  async #wasExecuted(command: Command): Promise<Shown> {
    const execution = this.#events.executed(command);
    if (this.#isTransparent && this.#underWay.has(command.n)) return 'undecided';
    if (!this.#isTransparent) {
      this.#underWay.delete(command.n);
      this.#events.cannotTell(command);
      return null;
    }
    return execution?.effect === 'done';
  }
}
