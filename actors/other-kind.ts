/**
 * The device is of another kind: the inventory says so, which is the one authority. What was said as of the other kind says nothing of this
 * one, so the twin begins a new incarnation of which nothing is known, and what was asked of the device cannot be proved any more.
 */
import { abandonCommand } from './resolve.ts';
import type { Draft } from './draft.ts';
import { endIncarnation } from './identity.ts';
import { isUndecided } from './ledger.ts';
import { sendProbe } from './probe.ts';
import { journal } from './settle.ts';
import { clearSuspicions } from './suspicions.ts';

/** Follows the inventory: the draft's kind is what it says. */
export function becomeKind(draft: Draft): void {
  const { twin, kind, context } = draft;
  if (twin.kind === kind.name) return;
  const word = `the inventory says that it is a ${kind.name} and no ${twin.kind}`;
  for (const entry of twin.open.filter(isUndecided)) abandonCommand(draft, entry, word);
  endIncarnation(draft, { cause: word, provedBy: twin.lastN + 1, endedAt: context.now });
  twin.claim = null;
  clearSuspicions(draft);
  twin.kind = kind.name;
  const from = twin.path;
  twin.path = kind.chart.initial;
  journal(draft, { type: 'engineer', detail: word }, from);
  sendProbe(draft);
}
