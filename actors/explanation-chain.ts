/**
 * The chain of causes behind a twin's state: what was heard, asked, waited for and doubted since the last certain point, in the order
 * of time, each with a sentence and with what it refers to.
 */
import type { Kind } from '../machines/kind.ts';
import { worldState } from '../machines/statechart.ts';
import { measuredAt } from './clock.ts';
import type { Transition } from '../src/contract/journal-entry.ts';
import type { LedgerEntry } from '../src/contract/ledger-entry.ts';
import { commandNamed } from './legality.ts';
import { durationText, momentText } from './time-text.ts';
import type { Twin } from './twin.ts';

/** What kind of thing a link is. */
export type LinkType =
  'report' | 'command' | 'deadline' | 'silence' | 'suspicion' | 'clock' | 'dead-letter' | 'engineer';

/** One cause. */
export interface ChainLink {
  /** Server time, ms epoch. */
  readonly at: number;
  /** `at` is right within ± this, ms; `null` where no round trip bounds it. */
  readonly errorMs: number | null;
  readonly type: LinkType;
  readonly sentence: string;
  /** Line of the journal, where it moved the known state. */
  readonly journalNo?: number;
  readonly from?: string;
  readonly to?: string;
  /** Position of the report it rests on. */
  readonly boot?: number;
  readonly seq?: number;
  /** Command of the ledger it is about. */
  readonly commandId?: string;
  readonly n?: number;
  readonly outcome?: string;
  /** Reason of a suspicion or of a dead letter. */
  readonly reason?: string;
  /** Where a message stands that could not be read. */
  readonly stream?: string;
  readonly streamSequence?: number;
}

/** A message under the device's name that could not be read. */
export interface RejectedMessage {
  readonly receivedAt: number;
  readonly stream: string;
  readonly sequence: number;
  readonly site: string;
  readonly reason: string;
  readonly detail: string;
}

interface Recorded {
  readonly twin: Twin;
  readonly kind: Kind;
  readonly now: number;
  readonly transitions: readonly (Transition & { readonly no: number })[];
  readonly commands: readonly LedgerEntry[];
  readonly rejected: readonly RejectedMessage[];
}

/** The chain, oldest first. */
export function causesOf(recorded: Recorded): readonly ChainLink[] {
  const { twin, kind, transitions, commands, rejected } = recorded;
  const shown = sinceCertain(transitions);
  const from = shown.at(-1)?.recordedAt ?? -Infinity;
  const open = new Set(twin.open.map(({ id }) => id));
  const links = [
    ...shown.map(transitionLink),
    ...commands
      .filter(({ id, acceptedAt, decidedAt }) => open.has(id) || Math.max(acceptedAt, decidedAt ?? 0) >= from)
      .flatMap((entry) => commandLinks(entry, kind)),
    ...rejected.filter(({ receivedAt }) => receivedAt >= from).map(deadLetterLink),
    ...newestLinks(recorded, shown),
    ...twin.suspicions.map(({ since, reason, detail }) => ({
      at: since,
      errorMs: 0,
      type: 'suspicion' as const,
      reason,
      sentence: `The known state is in doubt (${reason}): ${detail}.`,
    })),
    ...probeLinks(twin),
    ...silenceLinks(recorded),
  ];
  return links.sort((a, b) => a.at - b.at);
}

/** Transitions back to the last certain point, newest first; all of them where there is none. */
function sinceCertain(transitions: Recorded['transitions']): Recorded['transitions'] {
  const index = transitions.findIndex(
    ({ cause, to }) => cause.type === 'report' && !['offline', 'suspect'].includes(worldState(to)),
  );
  return index === -1 ? transitions : transitions.slice(0, index + 1);
}

function transitionLink(transition: Recorded['transitions'][number]): ChainLink {
  const { no, from, to, cause, measuredAt: at, errorMs, recordedAt, boot, seq } = transition;
  const isLate = cause.type === 'report' && recordedAt - at > 1_000;
  const when = isLate ? ` (known ${durationText(recordedAt - at)} later)` : '';
  const moved = from === to ? `It stays ${to}` : `From ${from} to ${to}`;
  return {
    at,
    errorMs,
    type: cause.type,
    sentence: `${moved}: ${cause.detail}${when}.`,
    journalNo: no,
    from,
    to,
    ...(boot === null || seq === null ? {} : { boot, seq }),
  };
}

function commandLinks(entry: LedgerEntry, kind: Kind): readonly ChainLink[] {
  const { id, n, name, by, asker, outcome, acceptedAt, certainAt, decidedAt, reason, proof } = entry;
  const refs = { commandId: id, n, outcome };
  const isSent = commandNamed(kind, name)?.decidedBy !== 'twin';
  const fate = isSent
    ? `it was accepted, and cannot start after ${momentText(certainAt)}`
    : 'the twin did it by itself at once, and nothing was sent';
  const asked: ChainLink = {
    at: acceptedAt,
    errorMs: 0,
    type: 'command',
    ...refs,
    sentence: `${by ?? 'Somebody'}${asker === null ? '' : ` (asked by ${asker})`} commanded ${name} (n ${String(n)}); ${fate}.`,
  };
  if (decidedAt === null) return [asked];
  const why = [reason, proof].filter((text) => text !== null).join('; ');
  const decided: ChainLink = {
    at: decidedAt,
    errorMs: 0,
    type: outcome === 'unknown' ? 'deadline' : 'command',
    ...refs,
    sentence: `${name} (n ${String(n)}) is ${outcome}${why === '' ? '' : `: ${why}`}.`,
  };
  return [asked, decided];
}

function deadLetterLink({ receivedAt, stream, sequence, site, reason, detail }: RejectedMessage): ChainLink {
  return {
    at: receivedAt,
    errorMs: 0,
    type: 'dead-letter',
    reason,
    stream,
    streamSequence: sequence,
    sentence: `A message from ${site} could not be read (${reason}): ${detail}.`,
  };
}

/** The newest report, unless the chain ends with it already, and what bounds its time. */
function newestLinks({ twin, kind }: Recorded, shown: Recorded['transitions']): readonly ChainLink[] {
  const { newest, clock } = twin;
  if (newest === null || clock === null) return [];
  const { boot, seq } = newest;
  const { at, errorMs } = measuredAt(clock, newest, kind.limits.driftPpm);
  const last = shown[0];
  const isShown = last?.cause.type === 'report' && last.boot === boot && last.seq === seq;
  const where = `report ${String(boot)}/${String(seq)}`;
  const report: ChainLink = {
    at,
    errorMs,
    type: 'report',
    boot,
    seq,
    sentence: `The newest ${where} says ${newest.report.state}; it arrived at ${momentText(newest.receivedAt)}.`,
  };
  const bound: ChainLink = {
    at: newest.receivedAt,
    errorMs: 0,
    type: 'clock',
    boot,
    seq,
    sentence:
      errorMs === null
        ? `Nothing bounds how long ${where} was on its way: no command was answered in boot ${String(boot)} yet.`
        : `An answer in boot ${String(boot)} bounds when ${where} was measured, within ± ${durationText(Math.ceil(errorMs))}.`,
  };
  return isShown ? [bound] : [report, bound];
}

function probeLinks({ probe }: Twin): readonly ChainLink[] {
  if (probe === null || probe.status === 'answered') return [];
  const fate = probe.status === 'missed' ? 'it was heard since, and let that pass' : 'no answer came yet';
  return [
    {
      at: probe.sentAt,
      errorMs: 0,
      type: 'command',
      n: probe.n,
      sentence: `The twin asked for a report by itself (n ${String(probe.n)}): ${fate}.`,
    },
  ];
}

/** That nothing is heard is a cause only once that is longer than knowledge stays fresh. */
function silenceLinks({ twin, kind, now }: Recorded): readonly ChainLink[] {
  if (twin.lastContactAt === null || now - twin.lastContactAt <= kind.limits.freshMs) return [];
  const since = durationText(now - twin.lastContactAt);
  return [
    {
      at: twin.lastContactAt,
      errorMs: 0,
      type: 'silence',
      sentence: `Nothing was heard for ${since}; a ${kind.name} counts as offline after ${durationText(kind.limits.silenceMs)}.`,
    },
  ];
}
