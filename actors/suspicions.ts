/**
 * Reasons to doubt the known state, entered and left by rule:
 *
 * | reason                      | entered                                             | left                                    |
 * |-----------------------------|-----------------------------------------------------|-----------------------------------------|
 * | a contradiction of the kind | the newest report (with the one before) shows it    | a newer report does not                 |
 * | `unconfirmed-command`       | a command's `certainAt` passed without an answer    | a report decides it, or it is closed    |
 * | `divergence`                | the device's hold and the ledger's disagree         | a newer report shows them agree         |
 * | `identity-conflict`         | reports that one device cannot have sent            | a probe is answered, and for as long as |
 * |                             | (`identity.ts`)                                     | the kind allows no second one was heard |
 */
import type { Report } from '../machines/report.ts';
import type { Draft } from './draft.ts';
import { type EndedHold, holdDivergence } from './holds.ts';
import type { Suspicion } from './twin.ts';

type Doubt = Omit<Suspicion, 'since'>;

const UNCONFIRMED = 'unconfirmed-command';
const CONFLICT = 'identity-conflict';

/** Takes over what a newest report says for and against each suspicion; `previous` is the report before it. */
export function reviewReport(
  draft: Draft,
  report: Report,
  since: { readonly previous: Report | null; readonly ended: EndedHold | null },
): void {
  const { twin, kind } = draft;
  const doubts: Doubt[] = kind
    .contradictions(report, since.previous)
    .map(({ code, detail }) => ({ reason: code, detail }));
  const divergence = holdDivergence(draft, report, since);
  if (divergence !== null) doubts.push({ reason: 'divergence', detail: divergence });
  const conflict = twin.suspicions.find(({ reason }) => reason === CONFLICT);
  if (conflict !== undefined) doubts.push(conflict);
  doubts.push(...unconfirmed(draft));
  setDoubts(draft, doubts);
}

/** Takes over what changed about open commands. */
export function reviewCommands(draft: Draft): void {
  const others = draft.twin.suspicions.filter(({ reason }) => reason !== UNCONFIRMED);
  setDoubts(draft, [...others, ...unconfirmed(draft)]);
}

/** Reports came at `at` that one device cannot have sent. */
export function raiseConflict(draft: Draft, at: number, detail: string): void {
  const { twin } = draft;
  twin.identity = { rivalAt: at, former: twin.identity?.former ?? null };
  const others = twin.suspicions.filter(({ reason }) => reason !== CONFLICT);
  setDoubts(draft, [...others, { reason: CONFLICT, detail }]);
}

/** It is known again who speaks. */
export function clearConflict(draft: Draft): void {
  const { twin } = draft;
  const { former, rivalAt } = twin.identity ?? { former: null, rivalAt: null };
  if (rivalAt === null) return;
  twin.identity = { former, rivalAt: null };
  twin.suspicions = twin.suspicions.filter(({ reason }) => reason !== CONFLICT);
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
    const same = before.find(({ reason, detail }) => reason === doubt.reason && detail === doubt.detail);
    if (same !== undefined) return same;
    const known = before.find(({ reason }) => reason === doubt.reason);
    return { reason: doubt.reason, since: known?.since ?? context.now, detail: doubt.detail };
  });
  const isSame =
    next.length === before.length && next.every((suspicion, index) => suspicion === before[index]);
  if (!isSame) twin.suspicions = next;
}
