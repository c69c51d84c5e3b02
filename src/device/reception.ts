/**
 * What a device does with a command: the checks of wire contract 2.2, in exactly their order, and what follows for its
 * memory. A function of its arguments; the device's own state is asked last, through `judge`.
 *
 * Record and act. The outcome of a command that only changes the hold is recorded in one entry with the change, and so
 * is every refusal. A command that moves hardware is recorded twice: as begun before the first hand is moved, and with its
 * outcome afterwards. A crash
 *
 * - before the first record: nothing happened, and nobody was told anything; a repetition is a new command;
 * - between record and act, or between act and record: the next boot finds it begun, asks the hardware whether it was
 *   executed, and never executes it (`outcomeAfterRestart`). What the hardware cannot tell is named `unknown`, which
 *   is the truth, with the boot that has ended for a fence;
 * - after the second record: the ring names it. What it names `undecided` is amended there (`amend`), or settled by the next boot as what
 *   was begun is.
 *
 * Effects first would be worse: the repetition would meet another boot, be refused `other-boot`, and so prove that the
 * command was never executed, which is false. Recording `done` first would be a lie until it is true.
 */
import type { Command } from '../../machines/command.ts';
import type { RingEntry } from '../../machines/report.ts';
import { firstNumber, namesOf, receiveAgain, undecidedCommand } from './executed-before.ts';
import {
  type DeviceHold,
  type DeviceMemory,
  holdAt,
  type BegunCommand,
  UNDECIDED_MAX,
  withBegun,
  withEpoch,
  withExecuted,
  withHold,
  withOutcome,
  withoutHold,
  withUndecided,
} from './device-state.ts';
import type { ActResult, LastResult, Shown, Verdict } from './ports.ts';

/** What `receive` needs to know of the moment. */
export interface Moment {
  readonly up: number;
  /** Whoever speaks for the device has no connection with it: nothing can be executed, nor be said of it. */
  readonly isSuspended?: boolean;
  /** How far ahead a hold is charged, ms (`AgentLimits.holdChargeMs`). */
  readonly holdChargeMs: number;
}

/** What became of a command. Each leads to a report at once, `begun` when its outcome is known. */
export type Reception =
  /** Its stored outcome is repeated. */
  | { readonly type: 'repeated'; readonly memory: DeviceMemory }
  /** It was executed, or may have been, under another number: what became of it then is its outcome. */
  | { readonly type: 'executed-before'; readonly memory: DeviceMemory }
  | { readonly type: 'refused'; readonly memory: DeviceMemory; readonly reason: string }
  /** Executed: it changed the hold at most. */
  | { readonly type: 'done'; readonly memory: DeviceMemory }
  /** To be executed once `memory` is stored: see `mayStillStart` and `finish`. */
  | {
      readonly type: 'begun';
      readonly memory: DeviceMemory;
      readonly verdict: Extract<Verdict, { type: 'accept' }>;
    };

/** Checks a command and takes it into the memory. `judge` is asked only when everything else allows the command. */
export function receive(
  memory: DeviceMemory,
  command: Command,
  moment: Moment,
  judge: (hold: DeviceHold | null) => Verdict,
): Reception {
  const aware = withEpoch(memory, command.epoch);
  if (memory.ring.some(({ n }) => n === command.n)) return { type: 'repeated', memory: aware };
  const outdated = outdatedBy(memory, command);
  if (outdated !== null) return refused(aware, command, outdated);
  // Before the deadline, like a repetition: to refuse it for that would prove that it was not executed.
  const known = receiveAgain(aware, command);
  if (known !== null) return { type: 'executed-before', memory: known };
  const late = lateFor(memory, command, moment.up);
  if (late !== null) return refused(aware, command, late);
  if (moment.isSuspended === true) return refused(aware, command, 'not-connected');
  if (command.name === 'report')
    return { type: 'done', memory: withOutcome(aware, { n: command.n, outcome: 'done' }) };
  const verdict = judge(holdAt(memory, moment.up));
  const objection = objectionTo(memory, command, moment.up, verdict);
  if (objection !== null || verdict.type === 'refuse') {
    return refused(aware, command, objection ?? 'busy');
  }
  if (verdict.acts) {
    const held = verdict.hold === 'begin' ? withHoldOf(aware, command, moment) : aware;
    const begun = verdict.hold === 'end' ? ({ ...command, endsHold: true } as const) : command;
    return { type: 'begun', memory: withBegun(held, begun), verdict };
  }
  return { type: 'done', memory: withDone(applyHold(aware, command, moment, verdict), command) };
}

/** Whether the act may still start, now that `begun` is stored: storing took time, and the deadline is about starting. */
export function mayStillStart(command: Command, up: number): boolean {
  return command.notAfterUp === undefined || up <= command.notAfterUp;
}

/** The memory after the execution of a command that was begun. What was not executed leaves the hold as it was. */
export function finish(
  memory: DeviceMemory,
  command: Command,
  verdict: Extract<Verdict, { type: 'accept' }>,
  result: ActResult,
): DeviceMemory {
  if (result.outcome === 'undecided') return withUndecided(memory, memory.begun ?? command, result.reason);
  const named = withWord(memory, command, result);
  if (result.outcome === 'rejected') return verdict.hold === 'begin' ? withoutHold(named) : named;
  return verdict.hold === 'end' ? withoutHold(named) : named;
}

/**
 * The outcome of a command that was begun, or undecided, before the restart. `shown` is what the hardware shows. Where that is nothing,
 * the boot in which the command was executed is the fence of the device's last word on it.
 */
export function outcomeAfterRestart(
  memory: DeviceMemory,
  shown: Shown,
  command: BegunCommand | null = memory.begun,
): DeviceMemory {
  if (command === null) return memory;
  const { boot = memory.boot - 1 } = command;
  switch (shown) {
    case true:
      return withLastWord(memory, command, { outcome: 'done' });
    case false:
      return withLastWord(memory, command, { outcome: 'rejected', reason: 'interrupted' });
    case 'undecided':
      return namesOf(memory, command).reduce(
        (settled, name) => withUndecided(settled, name, 'interrupted'),
        memory,
      );
    case null:
      return withWord(memory, command, { outcome: 'unknown', reason: 'interrupted', fence: { boot } });
  }
}

/**
 * The memory after an undecided command has got its last word; the same object where no command of this number is undecided. The number is
 * the one under which it was executed.
 */
export function amend(memory: DeviceMemory, n: number, result: LastResult): DeviceMemory {
  const command = undecidedCommand(memory, n);
  return command === undefined ? memory : withLastWord(memory, command, result);
}

/** A hold that the command began is ended only where it certainly did not come about, one that it ends only where it certainly did. */
function withLastWord(memory: DeviceMemory, command: BegunCommand, result: LastResult): DeviceMemory {
  const { id, endsHold = false } = command;
  const named = withWord(memory, command, result);
  const isOver = result.outcome === 'done' ? endsHold : named.hold?.id === id;
  return isOver ? withoutHold(named) : named;
}

/** By what the command is given up already, or `null`: a higher number, or a newer sender. */
function outdatedBy(memory: DeviceMemory, command: Command): string | null {
  if (command.n <= memory.highestN) return 'superseded';
  return command.epoch < memory.highestEpoch ? 'stale-epoch' : null;
}

/** What the command comes too late for, or `null`: its boot, or its deadline. */
function lateFor(memory: DeviceMemory, command: Command, up: number): string | null {
  if (command.boot !== undefined && command.boot !== memory.boot) return 'other-boot';
  if (!mayStillStart(command, up)) return 'too-late';
  return null;
}

/** What speaks against a verdict's own terms. No body can grant a second hold, or act on a command without a deadline. */
function objectionTo(memory: DeviceMemory, command: Command, up: number, verdict: Verdict): string | null {
  if (verdict.type === 'refuse') return verdict.reason;
  const changesNothing = verdict.hold === 'keep' && !verdict.acts;
  if (!changesNothing && (command.boot === undefined || command.notAfterUp === undefined))
    return 'no-deadline';
  if (verdict.acts && (memory.undecided?.length ?? 0) >= UNDECIDED_MAX) return 'busy';
  if (verdict.hold !== 'begin') return null;
  if (holdAt(memory, up) !== null) return 'busy';
  return command.holdMs === undefined || command.holdMs <= 0 ? 'no-hold-time' : null;
}

function refused(memory: DeviceMemory, command: Command, reason: string): Reception {
  return {
    type: 'refused',
    memory: withOutcome(memory, { n: command.n, outcome: 'rejected', reason }),
    reason,
  };
}

function withDone(memory: DeviceMemory, command: Command): DeviceMemory {
  return withWord(memory, command, { outcome: 'done' });
}

/** Names what became of a command under each of its numbers, and remembers it where it was executed, or may have been. */
function withWord(memory: DeviceMemory, command: BegunCommand, word: Omit<RingEntry, 'n'>): DeviceMemory {
  const named = namesOf(memory, command).reduce(
    (so, { n, executedAs }) =>
      withOutcome(so, { n, ...word, ...(executedAs !== undefined && { executedAs }) }),
    memory,
  );
  return word.outcome === 'rejected'
    ? named
    : withExecuted(named, command, { n: firstNumber(command), ...word });
}

function applyHold(
  memory: DeviceMemory,
  command: Command,
  moment: Moment,
  verdict: Extract<Verdict, { type: 'accept' }>,
): DeviceMemory {
  switch (verdict.hold) {
    case 'keep':
      return memory;
    case 'begin':
      return withHoldOf(memory, command, moment);
    case 'end':
      return withoutHold(memory);
  }
}

function withHoldOf(memory: DeviceMemory, command: Command, moment: Moment): DeviceMemory {
  const { up, holdChargeMs } = moment;
  return withHold(memory, { id: command.id, up, holdMs: command.holdMs ?? 0, chargeMs: holdChargeMs });
}
