/**
 * A life: what happens to a device and what it makes of it, as pure functions of its state. People and accidents are on its
 * agenda; commands come in between. Times are world time (`rhythm.ts`).
 */
import type { Command } from '../../machines/command.ts';
import type { Report } from '../../machines/report.ts';
import type { Reading, Verdict } from '../../src/device/ports.ts';
import type { Dice } from './chance.ts';

/** Something that is going to happen. */
export interface Plan<What extends string> {
  readonly at: number;
  readonly what: What;
}

/** What every device's state has. It is plain data: it is kept in a file, because a meter does not start anew. */
export interface Being<What extends string> {
  /** The state is as it is at this time. */
  readonly at: number;
  /** What is going to happen, the next first. */
  readonly agenda: readonly Plan<What>[];
  /** How often chance was asked. */
  readonly draws: number;
  /** Number of the last command that was executed; 0 before the first. */
  readonly executedN: number;
}

/** What a device may look at when something happens to it. */
export interface Circumstances {
  readonly dice: Dice;
  /** True while it is reserved. */
  readonly isHeld: boolean;
}

/** What became of something that happened. */
export interface Turn<State> {
  readonly state: State;
  /** True when it ends the reservation. */
  readonly endsHold?: boolean;
}

/** The life of a kind of device. */
export interface Life<What extends string, State extends Being<What>> {
  readonly kind: string;
  /** A report is due this often, ms of real time: more often than the kind's knowledge of it grows stale. */
  readonly heartbeatMs: number;
  readonly firmware: string;
  readonly components: NonNullable<Report['components']>;
  /** A device that nothing has happened to yet. */
  readonly born: (dice: Dice, at: number) => State;
  /** The state at a later time when nothing happens in between: energy flows, cars move. */
  readonly advance: (state: State, at: number) => State;
  /** A plan comes true, at the state's own time. */
  readonly happen: (state: State, what: What, circumstances: Circumstances) => Turn<State>;
  /** What its sensors say. */
  readonly read: (state: State, isHeld: boolean) => Pick<Reading, 'state' | 'sensors'>;
  readonly judge: (state: State, command: Command, isHeld: boolean) => Verdict;
  /** Executes a command that `judge` accepted with `acts`; a string is the reason why it could not be done. */
  readonly execute: (state: State, command: Command, circumstances: Circumstances) => State | string;
  /** Somebody has reserved it and may come within `withinMs`. */
  readonly awaitHolder: (state: State, withinMs: number, dice: Dice) => State;
}

/** Nobody's session is cut off by a restart. */
const IN_USE: readonly string[] = ['charging', 'rented', 'serving'];

/** What a device's own state says to a command: every life knows its own, and all of them `reboot`. */
export function judged<What extends string, State extends Being<What>>(
  life: Life<What, State>,
  state: State,
  asked: { readonly command: Command; readonly isHeld: boolean },
): Verdict {
  const { command, isHeld } = asked;
  if (command.name !== 'reboot') return life.judge(state, command, isHeld);
  return IN_USE.includes(life.read(state, isHeld).state)
    ? { type: 'refuse', reason: 'busy' }
    : { type: 'accept', hold: 'keep', acts: true };
}

/** `state` with something on its agenda that happens after `delayMs`. */
export function later<What extends string, State extends Being<What>>(
  state: State,
  delayMs: number,
  what: What,
): State {
  return planned(state, state.at + delayMs, what);
}

/** `state` with something on its agenda. */
export function planned<What extends string, State extends Being<What>>(
  state: State,
  at: number,
  what: What,
): State {
  const agenda = [...state.agenda, { at, what }].sort((a, b) => a.at - b.at);
  return { ...state, agenda };
}

/** `state` without these on its agenda. */
export function without<What extends string, State extends Being<What>>(
  state: State,
  ...whats: readonly What[]
): State {
  return { ...state, agenda: state.agenda.filter(({ what }) => !whats.includes(what)) };
}

/** Lets the next plan come true; the same state when the agenda is empty. */
export function takeTurn<What extends string, State extends Being<What>>(
  life: Life<What, State>,
  state: State,
  circumstances: Circumstances,
): Turn<State> {
  const [next, ...rest] = state.agenda;
  if (next === undefined) return { state };
  const then = life.advance({ ...state, agenda: rest }, Math.max(next.at, state.at));
  const turn = life.happen(then, next.what, circumstances);
  return { ...turn, state: { ...turn.state, draws: circumstances.dice.draws } };
}
