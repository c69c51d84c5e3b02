/**
 * Reasons to doubt the known state, entered and left by rule:
 *
 * | reason                      | entered                                              | left                                   |
 * |-----------------------------|------------------------------------------------------|----------------------------------------|
 * | a contradiction of the kind | the newest report (with the one before) shows it     | a newer report does not                |
 * | `unconfirmed-command`       | a command's `certainAt` passed without an answer     | a report decides it, or it is closed   |
 * | `divergence`                | the device shows a hold the ledger does not know     | a newer report does not                |
 * | `identity-conflict`         | one position came with two contents                  | a probe is answered by one device only |
 */
import type { Report } from '../machines/report.ts';
import type { Draft } from './draft.ts';
import { holdDivergence } from './holds.ts';
import type { Suspicion } from './twin.ts';

type Doubt = Omit<Suspicion, 'since'>;

const UNCONFIRMED = 'unconfirmed-command';
const CONFLICT = 'identity-conflict';

/** Takes over what a newest report says for and against each suspicion. `previous` is the report before it. */
export function reviewReport(draft: Draft, report: Report, previous: Report | null): void {
  const doubts: Doubt[] = draft.kind
    .contradictions(report, previous)
    .map(({ code, detail }) => ({ reason: code, detail }));
  const divergence = holdDivergence(draft, report);
  if (divergence !== null) doubts.push(divergence);
  const kept = draft.twin.suspicions.find(({ reason }) => reason === CONFLICT);
  if (kept !== undefined) doubts.push(kept);
  doubts.push(...unconfirmed(draft));
  setDoubts(draft, doubts);
}

/** Takes over what changed about open commands. */
export function reviewCommands(draft: Draft): void {
  const others = draft.twin.suspicions.filter(({ reason }) => reason !== UNCONFIRMED);
  setDoubts(draft, [...others, ...unconfirmed(draft)]);
}

/** One position with two contents: two devices, or one whose storage went back. */
export function suspectIdentity(draft: Draft, detail: string): void {
  const others = draft.twin.suspicions.filter(({ reason }) => reason !== CONFLICT);
  setDoubts(draft, [...others, { reason: CONFLICT, detail }]);
}

/** A probe was answered: it is known again who is alive. */
export function clearIdentity(draft: Draft): void {
  if (!draft.twin.suspicions.some(({ reason }) => reason === CONFLICT)) return;
  draft.twin.suspicions = draft.twin.suspicions.filter(({ reason }) => reason !== CONFLICT);
}

/** A command that changes nothing (no deadline) leaves nothing to doubt. */
function unconfirmed({ twin }: Draft): Doubt[] {
  return twin.open
    .filter(({ outcome, notAfterUp }) => outcome === 'unknown' && notAfterUp !== null)
    .map(({ id, n, name }) => ({
      reason: UNCONFIRMED,
      detail: `nothing proves yet whether ${name} ${id} (n ${String(n)}) was executed`,
    }));
}

/** A suspicion that goes on keeps its beginning, and its object while nothing about it changed. */
function setDoubts(draft: Draft, doubts: readonly Doubt[]): void {
  const { twin, context } = draft;
  if (doubts.length === 0 && twin.suspicions.length === 0) return;
  const before = twin.suspicions;
  const next = doubts.map((doubt) => {
    const known = before.find(({ reason }) => reason === doubt.reason);
    if (known?.detail === doubt.detail) return known;
    return { reason: doubt.reason, since: known?.since ?? context.now, detail: doubt.detail };
  });
  const same = next.length === before.length && next.every((suspicion, index) => suspicion === before[index]);
  if (!same) twin.suspicions = next;
}
