/** What several faults do to a command. */
import type { Command } from '../../../machines/command.ts';

/** The command with another deadline, where it has one. */
export function withDeadline(command: Command, notAfterUp: number): Command {
  return command.notAfterUp === undefined ? command : { ...command, notAfterUp };
}
