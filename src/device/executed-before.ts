/**
 * A command that comes again under another number. Where the server's store was set back, to a backup or by a failover to a standby that
 * lagged, it has forgotten what it accepted last; whoever asks for that again, under the same id, is given a new number for it. The device
 * is the one that knows, and a device that knows ids never executes one twice:
 *
 * - what was done is done under the new number as well. That is also said of a `reserve` whose hold is over: the command was executed, and
 *   what became of the hold the report shows. To refuse it would say that it was not executed, to execute it would begin a second hold;
 * - what is undecided is undecided under both numbers, and they get their last word together, whenever it comes;
 * - what is `unknown` is so under both, with the same fence;
 * - what was rejected was not executed: that is a new command, and leaves nothing here.
 *
 * The entry of the new number names the one under which the command was executed (`executedAs`). By that the server knows that the execution
 * is older than the number: a hold that is not there has ended, and was not lost.
 *
 * A command is the same if its id and its name are. `report` changes nothing, and is answered like any other. While a command is executed
 * no other is looked at, so none comes again that is only begun.
 */
import type { Command } from '../../machines/command.ts';
import {
  type BegunCommand,
  type DeviceMemory,
  UNDECIDED_MAX,
  withOutcome,
  withoutUndecided,
  withUndecided,
} from './device-state.ts';

/** The memory with the outcome that the command has already, under another number; `null` for a command that the device does not know. */
export function receiveAgain(memory: DeviceMemory, command: Command): DeviceMemory | null {
  const { n, id, name } = command;
  if (name === 'report') return null;
  const isSame = (other: Pick<Command, 'id' | 'name'>): boolean => other.id === id && other.name === name;
  const undecided = memory.undecided?.find(isSame);
  if (undecided !== undefined) return withAnotherNumber(memory, undecided, n);
  const executed = memory.executed?.find(isSame);
  if (executed === undefined) return null;
  const { entry } = executed;
  return withOutcome(memory, { ...entry, n, executedAs: entry.n });
}

/** The number under which a command was executed. */
export function firstNumber({ n, executedAs = n }: BegunCommand): number {
  return executedAs;
}

/** The command, and itself again for each other number under which it is undecided. */
export function namesOf({ undecided = [] }: DeviceMemory, command: BegunCommand): readonly BegunCommand[] {
  const first = firstNumber(command);
  return [command, ...undecided.filter((other) => other.n !== command.n && firstNumber(other) === first)];
}

/** The undecided command that was executed under this number. */
export function undecidedCommand({ undecided }: DeviceMemory, n: number): BegunCommand | undefined {
  return undecided?.find((command) => firstNumber(command) === n);
}

/** The commands that were begun, or undecided, when the boot before ended: each of them once, under one of its numbers. */
export function unsettled({ undecided = [], begun }: DeviceMemory): readonly BegunCommand[] {
  const byNumber = new Map<number, BegunCommand>();
  for (const command of [...undecided, ...(begun === null ? [] : [begun])])
    if (!byNumber.has(firstNumber(command))) byNumber.set(firstNumber(command), command);
  return [...byNumber.values()];
}

/**
 * The command is undecided under one more number. Where the ring has no place for it, it takes the one of a number before: to reject it would
 * say that the command was not executed.
 */
function withAnotherNumber(memory: DeviceMemory, command: BegunCommand, n: number): DeviceMemory {
  const { reason = 'no-answer' } = memory.ring.find((entry) => entry.n === command.n) ?? {};
  const isFull = (memory.undecided?.length ?? 0) >= UNDECIDED_MAX;
  const free = isFull ? withoutUndecided(memory, command.n) : memory;
  return withUndecided(free, { ...command, n, executedAs: firstNumber(command) }, reason);
}
