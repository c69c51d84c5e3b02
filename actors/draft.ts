/**
 * A decision in the making. The rules (`hear.ts`, `resolve.ts`, `holds.ts`, ...) write on one draft, in order; nothing
 * outside of it changes, so the whole stays a pure function of its input.
 */
import type { Kind } from '../machines/kind.ts';
import type { BootClock } from './clock.ts';
import type { Context, Decision, Effect, FiledReport, ReportDisposition } from './decision.ts';
import type { Transition } from '../src/contract/journal-entry.ts';
import type { LedgerEntry } from '../src/contract/ledger-entry.ts';
import type { Refusal } from '../src/contract/refusal.ts';
import { versionAfter } from './numbers.ts';
import { allowedCommands, type Objection } from './prospect.ts';
import type { Echo } from './replay.ts';
import { worldState } from '../machines/statechart.ts';
import type { CommandRequest, Twin } from './twin.ts';

type Writable<T> = { -readonly [Key in keyof T]: T[Key] };

/** A twin that is being changed, and what the decision says so far. */
export interface Draft {
  readonly kind: Kind;
  readonly context: Context;
  readonly before: Twin;
  readonly twin: Writable<Twin>;
  disposition: ReportDisposition | null;
  filed: FiledReport | null;
  transitions: Transition[] | null;
  ledger: Map<string, LedgerEntry> | null;
  outcomes: Set<string> | null;
  clocks: BootClock[] | null;
  crossed: BootClock | null;
  effects: Effect[] | null;
  echo: Echo | null;
}

/** Begins a decision about `twin`. */
export function beginDraft(kind: Kind, twin: Twin, context: Context): Draft {
  return {
    kind,
    context,
    before: twin,
    twin: copyOf(twin),
    disposition: null,
    filed: null,
    transitions: null,
    ledger: null,
    outcomes: null,
    clocks: null,
    crossed: null,
    effects: null,
    echo: null,
  };
}

/** Written out property by property: a spread of so many takes a hundred times as long, and there is one a report. */
function copyOf(twin: Twin): Writable<Twin> {
  return {
    device: twin.device,
    kind: twin.kind,
    site: twin.site,
    version: twin.version,
    path: twin.path,
    since: twin.since,
    lastContactAt: twin.lastContactAt,
    incarnation: twin.incarnation,
    newest: twin.newest,
    encoding: twin.encoding,
    first: twin.first,
    clock: twin.clock,
    olderClocks: twin.olderClocks,
    sequence: twin.sequence,
    lastN: twin.lastN,
    open: twin.open,
    recent: twin.recent,
    probe: twin.probe,
    ignoredCommands: twin.ignoredCommands,
    identity: twin.identity,
    claim: twin.claim,
    via: twin.via,
    replayedAt: twin.replayedAt,
    waiting: twin.waiting,
    hold: twin.hold,
    suspicions: twin.suspicions,
    desired: twin.desired,
  };
}

const NOTHING: readonly never[] = [];

/** Ends a decision. The twin's version has grown if anything about it changed. */
export function endDraft(draft: Draft): Decision {
  const { before, twin, ledger, outcomes } = draft;
  const entries = ledger === null ? NOTHING : [...ledger.values()];
  return {
    twin: isChanged(before, twin) ? versioned(draft) : before,
    disposition: draft.disposition,
    filed: draft.filed,
    transitions: draft.transitions ?? NOTHING,
    ledger: entries,
    outcomes: outcomes === null ? NOTHING : entries.filter((entry) => outcomes.has(entry.id)),
    clocks: draft.clocks ?? NOTHING,
    crossed: draft.crossed,
    effects: draft.effects ?? NOTHING,
    echo: draft.echo,
  };
}

/** Gives the twin its next version if it differs from before; done before a transition names it. */
export function nextVersion(draft: Draft): number {
  draft.twin.version = versionAfter(draft.before.version, draft.context.epoch);
  return draft.twin.version;
}

function versioned(draft: Draft): Twin {
  nextVersion(draft);
  return draft.twin;
}

function isChanged(before: Twin, twin: Writable<Twin>): boolean {
  let differs = before.newest !== twin.newest;
  for (const key in before) {
    if (differs) break;
    differs = before[key as keyof Twin] !== twin[key as keyof Twin];
  }
  return differs;
}

/** Adds something to do once the decision is committed. */
export function addEffect(draft: Draft, effect: Effect): void {
  (draft.effects ??= []).push(effect);
}

/** Adds an entry to the journal of the known state. */
export function addTransition(draft: Draft, transition: Transition): void {
  (draft.transitions ??= []).push(transition);
}

/** Tells of a boot's clock that has to be kept for its history. */
export function addClock(draft: Draft, clock: BootClock): void {
  (draft.clocks ??= []).push(clock);
}

/** Records how a ledger entry stands now; `publish` when its outcome is news. */
export function writeEntry(draft: Draft, entry: LedgerEntry, options: { readonly publish: boolean }): void {
  (draft.ledger ??= new Map<string, LedgerEntry>()).set(entry.id, entry);
  if (options.publish) (draft.outcomes ??= new Set<string>()).add(entry.id);
}

/** Answers a request with a refusal: certainly not sent. */
export function refuse(draft: Draft, request: CommandRequest, objection: Objection): void {
  const refusal: Refusal = {
    id: request.id,
    ...objection,
    state: worldState(draft.twin.path),
    allowed: allowedCommands(draft),
  };
  addEffect(draft, { type: 'answer', to: request.replyTo, reply: { type: 'refused', refusal } });
}
