/**
 * The hardware of a simulated device: lives a life in the world's time, and is a `DeviceBody` for its agent.
 *
 * Invariants:
 * I1  what happened is in the file before anybody is told of it: a physical world does not go back when a program crashes.
 * I2  a command is executed in one step with the note that it was, so `wasExecuted` is never in doubt.
 */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Command } from '../../machines/command.ts';
import type { Report } from '../../machines/report.ts';
import type {
  ActResult,
  BodyChange,
  BodyView,
  DeviceBody,
  Reading,
  Verdict,
} from '../../src/device/ports.ts';
import { Dice } from './chance.ts';
import { type Being, judged, type Life, takeTurn } from './life.ts';
import { DAY } from './rhythm.ts';
import type { WorldClock } from './world-clock.ts';

/** Where a body lives. */
export interface LifeBodyOptions<What extends string, State extends Being<What>> {
  readonly life: Life<What, State>;
  readonly device: string;
  readonly seed: number;
  readonly world: WorldClock;
  /** Its state, kept over restarts. */
  readonly file: string;
  /** Starts the agent anew. */
  readonly restart: () => void;
}

/** How long the hardware takes for a command, ms of real time. */
const ACT_SHORTEST_MS = 100;
const ACT_LONGEST_MS = 900;

/** See the head of this file. */
export class LifeBody<What extends string, State extends Being<What>> implements DeviceBody {
  readonly #options: LifeBodyOptions<What, State>;
  #state: State;
  #isHeld: () => boolean = () => false;
  #changed: ((change: BodyChange) => void) | null = null;
  /** The hold ended while no agent was there to hear of it. */
  #endsHoldUnheard = false;
  #cancelNext: () => void = () => undefined;

  constructor(options: LifeBodyOptions<What, State>) {
    this.#options = options;
    mkdirSync(dirname(options.file), { recursive: true });
    this.#state = this.#fromFile() ?? this.#born();
    this.#keep(this.#state);
  }

  /** Begins to live; `isHeld` says whether the device is reserved. What was due while it was off happens now. */
  live(isHeld: () => boolean): void {
    this.#isHeld = isHeld;
    this.#armNext();
  }

  /** Stops living: its people stand still. */
  pause(): void {
    this.#cancelNext();
  }

  /** Somebody has reserved it for `holdMs` of real time. */
  wasReserved(holdMs: number): void {
    const { life, world } = this.#options;
    const dice = this.#dice();
    const state = life.awaitHolder(this.#now(), holdMs * world.speed, dice);
    this.#keep({ ...state, draws: dice.draws });
    this.#armNext();
  }

  read({ hold }: BodyView): Reading {
    const { life } = this.#options;
    return { ...life.read(this.#now(), hold !== null), firmware: life.firmware };
  }

  judge(command: Command, { hold }: BodyView): Verdict {
    return judged(this.#options.life, this.#now(), { command, isHeld: hold !== null });
  }

  restart(): void {
    this.#options.restart();
  }

  async act(command: Command): Promise<ActResult> {
    const dice = this.#dice();
    const takesMs = dice.between(ACT_SHORTEST_MS, ACT_LONGEST_MS);
    await new Promise<void>((resolve) => setTimeout(resolve, takesMs));
    const { life } = this.#options;
    const view = { isHeld: this.#isHeld(), dice: this.#dice() };
    const now = this.#now();
    const verdict = life.judge(now, command, view.isHeld);
    if (verdict.type === 'refuse') return { outcome: 'rejected', reason: verdict.reason };
    const after = life.execute(now, command, view);
    if (typeof after === 'string') {
      this.#keep({ ...now, draws: view.dice.draws });
      return { outcome: 'rejected', reason: after };
    }
    this.#keep({ ...after, draws: view.dice.draws, executedN: command.n });
    this.#armNext();
    return { outcome: 'done' };
  }

  async wasExecuted(command: Command): Promise<boolean> {
    return this.#state.executedN === command.n;
  }

  /** The components of the kind, with serial numbers of this device. */
  scan(): NonNullable<Report['components']> {
    const { life, device } = this.#options;
    return life.components.map((part) => ({ ...part, serial: `${part.serial}-${device}` }));
  }

  watch(changed: (change: BodyChange) => void): () => void {
    this.#changed = changed;
    if (this.#endsHoldUnheard) changed({ endsHold: true });
    this.#endsHoldUnheard = false;
    return () => {
      this.#changed = null;
    };
  }

  /** It has lived for a day when it is first seen, so that a new fleet is in the middle of its life. */
  #born(): State {
    const { life, world } = this.#options;
    const dice = this.#dice(0);
    const now = world.now();
    let state: State = { ...life.born(dice, now - DAY), draws: dice.draws };
    while ((state.agenda[0]?.at ?? Infinity) < now) {
      ({ state } = takeTurn(life, state, { dice: this.#dice(state.draws), isHeld: false }));
    }
    return state;
  }

  #now(): State {
    const { life, world } = this.#options;
    return life.advance(this.#state, Math.max(this.#state.at, world.now()));
  }

  #dice(draws = this.#state.draws): Dice {
    const { seed, device } = this.#options;
    return new Dice({ seed, who: device, draws });
  }

  /** Waits for the next plan to come true. */
  #armNext(): void {
    this.#cancelNext();
    const [next] = this.#state.agenda;
    if (next === undefined) return;
    this.#cancelNext = this.#options.world.when(next.at, () => {
      if (next.at <= this.#options.world.now()) this.#happen();
      this.#armNext();
    });
  }

  #happen(): void {
    const circumstances = { dice: this.#dice(), isHeld: this.#isHeld() };
    const { state, endsHold = false } = takeTurn(this.#options.life, this.#state, circumstances);
    this.#keep(state);
    if (this.#changed === null) this.#endsHoldUnheard ||= endsHold;
    else this.#changed({ endsHold });
  }

  #keep(state: State): void {
    this.#state = state;
    const { file } = this.#options;
    writeFileSync(`${file}.next`, JSON.stringify(state));
    renameSync(`${file}.next`, file);
  }

  #fromFile(): State | null {
    try {
      return JSON.parse(readFileSync(this.#options.file, 'utf8')) as State;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
      throw error;
    }
  }
}
