/**
 * What a twin does when time has passed and nothing came: silence, resends, deadlines, holds that end. Wake-up times follow
 * from the twin alone, so they survive every restart without being stored.
 */
import type { Context } from './decision.ts';
import type { Draft } from './draft.ts';
import { worldState } from '../machines/statechart.ts';
import type { Kind } from '../machines/kind.ts';
import { refuseWaiting } from './guard.ts';
import { expireHold, holdCertainUntil } from './holds.ts';
import { isUndecided } from './ledger.ts';
import type { LedgerEntry } from '../src/contract/ledger-entry.ts';
import { commandNamed } from './legality.ts';
import { probeUnknownCommands, giveUpProbe, unknownProbeAt } from './probe.ts';
import { declareUnknown } from './resolve.ts';
import { resend } from './send.ts';
import { settleEvent, settleSuspicions } from './settle.ts';
import { dueBeside, endDoubtOfSource, hearOfSource, isWaitingForSource } from './source.ts';
import { reviewCommands } from './suspicions.ts';
import type { Twin } from './twin.ts';

/**
 * When the twin wants to be woken next, ms epoch; `Infinity` for never. While the node does not hear (`hearingSince` is
 * `null`) neither silence nor an absent answer means anything, so nothing that rests on them is due. What backends were
 * promised is: a request that waits for a probe is answered in time. Of a device that somebody speaks for, silence is also judged by what
 * is known of that source at the time (`at`): while nobody can tell which of them is silent, the twin waits for news of its source.
 */
export function nextWakeAt(
  kind: Kind,
  twin: Twin,
  hearingSince: number | null,
  at?: Pick<Context, 'now' | 'source'>,
): number {
  let wakeAt = Math.min(holdCertainUntil(twin) ?? Infinity, twin.probe?.waitsUntil ?? Infinity);
  if (hearingSince === null) return wakeAt;
  wakeAt = Math.min(wakeAt, silentAt(kind, twin, hearingSince, at));
  for (const entry of twin.open) wakeAt = Math.min(wakeAt, entryDueAt(kind, entry));
  return Math.min(wakeAt, unknownProbeAt(twin));
}

/** When a twin wants to be woken, as far as that can be told without looking at the twin again. */
export interface WakeTimes {
  /** When something that was promised or is awaited is due, ms epoch; `Infinity` for nothing. */
  readonly dueAt: number;
  /** Since when silence is counted; `null` where it is not. */
  readonly heardAt: number | null;
}

/** The times that decide when the twin wants to be woken. */
export function wakeTimes(kind: Kind, twin: Twin): WakeTimes {
  let dueAt = Math.min(holdCertainUntil(twin) ?? Infinity, twin.probe?.waitsUntil ?? Infinity);
  for (const entry of twin.open) dueAt = Math.min(dueAt, entryDueAt(kind, entry));
  dueAt = Math.min(dueAt, unknownProbeAt(twin));
  return { dueAt, heardAt: worldState(twin.path) === 'offline' ? null : twin.lastContactAt };
}

/** No later than `nextWakeAt` of the twin with these times. Who is woken before its time decides nothing. */
export function evictedWakeAt(
  kind: Kind,
  { dueAt, heardAt }: WakeTimes,
  hearingSince: number | null,
): number {
  if (hearingSince === null || heardAt === null) return dueAt;
  return Math.min(dueAt, Math.max(heardAt, hearingSince) + kind.limits.silenceMs);
}

/** Something a twin does at a time if nothing is heard by then. */
export interface ArmedTimer {
  readonly name: 'hold-end' | 'probe-timeout' | 'silence' | 'resend' | 'certain-at' | 'ask-what-became';
  /** Server time, ms epoch. */
  readonly at: number;
  readonly sentence: string;
}

/** What the twin waits for, soonest first, by the rules that wake it and as long as its node hears all that the stream holds. */
export function armedTimers(kind: Kind, twin: Twin): readonly ArmedTimer[] {
  const { hold, probe } = twin;
  const timers: readonly ArmedTimer[] = [
    {
      name: 'hold-end',
      at: holdCertainUntil(twin) ?? Infinity,
      sentence: `The reservation ${hold?.id ?? ''} has certainly ended by itself.`,
    },
    {
      name: 'probe-timeout',
      at: probe?.waitsUntil ?? Infinity,
      sentence: 'An answer to `report` is no longer waited for.',
    },
    {
      name: 'silence',
      at: silentAt(kind, twin, -Infinity),
      sentence: 'Without any report by then the device counts as offline.',
    },
    {
      name: 'ask-what-became',
      at: unknownProbeAt(twin),
      sentence: 'The device is asked what became of a command whose outcome is unknown.',
    },
    ...twin.open.map((entry): ArmedTimer => {
      const { name, n, certainAt } = entry;
      const at = entryDueAt(kind, entry);
      return at < certainAt
        ? { name: 'resend', at, sentence: `${name} (n ${String(n)}) is sent again, under the same number.` }
        : { name: 'certain-at', at, sentence: certainSentence(entry) };
    }),
  ];
  return timers.filter(({ at }) => at < Infinity).sort((a, b) => a.at - b.at);
}

function certainSentence(entry: LedgerEntry): string {
  const command = `${entry.name} (n ${String(entry.n)})`;
  return isUndecided(entry)
    ? `${command} is in doubt from then on, if the device still cannot tell what became of it.`
    : `${command} cannot start any more.`;
}

/** Decides on everything that is due at `context.now`. */
export function wakeTwin(draft: Draft): void {
  hearOfSource(draft);
  if (expireHold(draft)) {
    settleEvent(draft, 'expiry', {
      type: 'deadline',
      detail: 'the device has certainly ended its hold by itself',
    });
  }
  if (giveUpProbe(draft)) refuseWaiting(draft);
  if (draft.context.hearingSince === null) return;
  fallSilent(draft, draft.context.hearingSince);
  for (const entry of draft.twin.open) resendOrDeclareUnknown(draft, entry);
  probeUnknownCommands(draft);
}

/** Silence is counted from the last contact, or from when this node could hear again (stream time). */
function silentAt(
  kind: Kind,
  twin: Twin,
  hearingSince: number,
  at: Pick<Context, 'now' | 'source'> | null = null,
): number {
  const dueAt = silenceDueAt(kind, twin, hearingSince);
  return at !== null && isWaitingForSource(twin, at, dueAt) ? Infinity : dueAt;
}

function silenceDueAt({ limits }: Kind, twin: Twin, hearingSince: number): number {
  if (twin.lastContactAt === null || worldState(twin.path) === 'offline') return Infinity;
  const dueAt = Math.max(twin.lastContactAt, hearingSince) + limits.silenceMs;
  return twin.via === null ? dueAt : dueBeside(twin, dueAt, limits.silenceMs);
}

/** The twin would be silent by now, and waits until its source is heard, or is known to be away. */
export function isAwaitingSource(
  kind: Kind,
  twin: Twin,
  hearingSince: number | null,
  at: Pick<Context, 'now' | 'source'>,
): boolean {
  if (twin.via === null || hearingSince === null) return false;
  return isWaitingForSource(twin, at, silenceDueAt(kind, twin, hearingSince));
}

function fallSilent(draft: Draft, hearingSince: number): void {
  const { twin, kind, context } = draft;
  if (context.now < silentAt(kind, twin, hearingSince, context)) return;
  const beside =
    twin.via === null ? '' : `, and ${twin.via.id}, which speaks for it, is not known to be away`;
  const detail = `nothing was heard for ${String(kind.limits.silenceMs)} ms${beside}`;
  endDoubtOfSource(draft);
  settleEvent(draft, 'silence', { type: 'silence', detail });
}

function entryDueAt(kind: Kind, entry: LedgerEntry): number {
  if (entry.outcome !== 'pending') return Infinity;
  // The device has it: another copy would tell it nothing.
  if (isUndecided(entry)) return entry.certainAt;
  if (commandNamed(kind, entry.name)?.resolver.isSentAgain !== true) return entry.certainAt;
  return Math.min(entry.certainAt, entry.sentAt + kind.limits.resendMs);
}

function resendOrDeclareUnknown(draft: Draft, entry: LedgerEntry): void {
  const { kind, context } = draft;
  if (context.now < entryDueAt(kind, entry)) return;
  if (context.now < entry.certainAt) {
    resend(draft, entry);
    return;
  }
  declareUnknown(draft, entry);
  reviewCommands(draft);
  const lacking = isUndecided(entry)
    ? 'and the device cannot tell yet what became of it'
    : 'without an answer';
  const detail = `certainAt of ${entry.name} ${entry.id} has passed ${lacking}`;
  settleSuspicions(draft, { type: 'deadline', detail });
}
