/**
 * Which commands a twin accepts in the state it is in. The machine says which are legal in a state; one command at a time
 * is the twin's own rule (design, section 3).
 */
import type { CommandSpec } from '../machines/command.ts';
import type { Kind } from '../machines/kind.ts';
import type { LedgerEntry } from './ledger.ts';
import type { Twin } from './twin.ts';

/** The line of the kind's command table, or `null`. Names come from outside: `constructor` is not a command. */
export function commandNamed(kind: Kind, name: string): CommandSpec | null {
  return Object.hasOwn(kind.commands, name) ? (kind.commands[name] ?? null) : null;
}

/** The command that may still start, or `null`. A command without a deadline changes nothing and is in nobody's way. */
export function commandInFlight(twin: Twin): LedgerEntry | null {
  return twin.open.find((entry) => entry.outcome === 'pending' && entry.notAfterUp !== null) ?? null;
}

/** True when the machine accepts the command in the twin's present state, and a deadline it needs can be told. */
export function isLegal(kind: Kind, twin: Twin, name: string): boolean {
  const isTimeable = twin.newest !== null || commandNamed(kind, name)?.startWindowMs === null;
  return isTimeable && kind.chart.accepts(twin.path, `command.${name}`);
}

/** Names of the commands that would be accepted now, in the order of the kind's table. */
export function allowedCommands(kind: Kind, twin: Twin): readonly string[] {
  if (commandInFlight(twin) !== null) return [];
  return Object.keys(kind.commands).filter((name) => isLegal(kind, twin, name));
}
