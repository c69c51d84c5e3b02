/**
 * Which commands are legal in the state a twin is in, as its machine says, and which it remembers. What else a command has to pass
 * is in `prospect.ts`.
 */
import type { CommandSpec } from '../machines/command.ts';
import type { Kind } from '../machines/kind.ts';
import { worldState } from '../machines/statechart.ts';
import { ABANDON, RENEW_IDENTITY } from '../machines/common-commands.ts';
import { forgottenCommands } from './forgotten-command.ts';
import { isUndecided } from './ledger.ts';
import type { LedgerEntry } from '../src/contract/ledger-entry.ts';
import type { Twin } from './twin.ts';

/** The reason of a suspicion: a command of which nothing proves yet whether it was executed. */
export const UNCONFIRMED = 'unconfirmed-command';

/** The line of the kind's command table, or `null`. Names come from outside: `constructor` is not a command. */
export function commandNamed(kind: Kind, name: string): CommandSpec | null {
  return Object.hasOwn(kind.commands, name) ? (kind.commands[name] ?? null) : null;
}

/** The command that the device may still start, or `null`. A command without a deadline changes nothing and is in nobody's way. */
export function commandThatMayStart(twin: Twin): LedgerEntry | null {
  return twin.open.find((entry) => entry.outcome === 'pending' && entry.notAfterUp !== null) ?? null;
}

/** The command that is in everybody's way: one that may still start, or that is in flight beyond the device; `null` for none. */
export function commandInFlight(twin: Twin): LedgerEntry | null {
  return commandThatMayStart(twin) ?? twin.open.find(isUndecided) ?? null;
}

/** What the twin itself remembers of a command: newer than anything that was read from the store before. */
export function rememberedCommand({ open, recent }: Twin, id: string): LedgerEntry | null {
  const sameId = (entry: LedgerEntry): boolean => entry.id === id;
  return open.find(sameId) ?? recent.find(sameId) ?? null;
}

/** The command that begins the hold of this id, if the twin remembers it. */
export function commandWithHold(twin: Twin, id: string): LedgerEntry | null {
  const isIt = (entry: LedgerEntry): boolean => entry.id === id && entry.holdMs !== null;
  return twin.open.find(isIt) ?? twin.recent.find(isIt) ?? null;
}

/**
 * Unknown commands that an engineer may close: the device is past them by its newest report, so that the state which that shows
 * is certain. Before that nobody's word tells what the command will have led to, and a report has to be asked for. One that is in flight
 * beyond the device may take effect after any report: only `abandon` ends it.
 */
export function closableByOperator({ open, newest }: Twin): readonly LedgerEntry[] {
  if (newest === null) return [];
  return open.filter((entry) => {
    const { outcome, boot, notAfterUp } = entry;
    if (outcome !== 'unknown' || isUndecided(entry) || boot === null || notAfterUp === null) return false;
    return newest.boot > boot || (newest.boot === boot && newest.up > notAfterUp);
  });
}

/**
 * Commands that an operator may give up: they are in flight beyond the device, and that cannot be told of by time. While one may still
 * start there is nothing to give up: its outcome may come by itself.
 */
export function abandonable({ open }: Twin): readonly LedgerEntry[] {
  return open.filter((entry) => entry.outcome === 'unknown' && isUndecided(entry));
}

/** All that an operator may give up, by the names under which he does: ids of the ledger, and numbers of what it has forgotten. */
export function namesToAbandon(twin: Twin): readonly string[] {
  const forgotten = twin.newest === null ? [] : forgottenCommands(twin, twin.newest.report);
  return [...abandonable(twin).map(({ id }) => id), ...forgotten.map(String)];
}

/**
 * True when the machine accepts the command in the twin's present state, and there is what it needs: a deadline that can be told, or,
 * for a person's word, something that it is about.
 */
export function isLegal(kind: Kind, twin: Twin, name: string): boolean {
  if (!kind.chart.accepts(twin.path, `command.${name}`)) return false;
  const spec = commandNamed(kind, name);
  if (name === RENEW_IDENTITY) return mayBeRenewed(twin);
  if (name === ABANDON) return namesToAbandon(twin).length > 0;
  if (spec?.decidedBy === 'twin') return twin.suspicions.length > 0;
  return twin.newest !== null || spec?.startWindowMs === null;
}

/** Something was heard, and either nothing is any more, or it is doubted who speaks. */
function mayBeRenewed({ newest, path, identity }: Twin): boolean {
  return newest !== null && (worldState(path) === 'offline' || (identity?.rivalAt ?? null) !== null);
}
