/**
 * The command `renew-identity`: an engineer knows who speaks under the device's name from now on, and says so. The twin executes it itself,
 * at once.
 *
 * It begins a new incarnation before anything of that was heard. So nothing is known any more: the state is `offline`, no hold is believed,
 * and no command but `report` is taken, until a report comes. The first one that the hub stores from now on begins the new incarnation, however
 * it is numbered; what it stored before, and is read later, is of the one that ended, and so is what that had measured and comes yet.
 */
import type { CommandSpec } from '../machines/command.ts';
import { addEffect, type Draft, writeEntry } from './draft.ts';
import { endIncarnation } from './identity.ts';
import type { LedgerEntry } from '../src/contract/ledger-entry.ts';
import { sendProbe } from './probe.ts';
import { proofText } from './proof.ts';
import { remember } from './resolve.ts';
import { nextEntry } from './send.ts';
import { settleWord } from './settle.ts';
import { clearSuspicions } from './suspicions.ts';
import type { CommandRequest } from './twin.ts';

/** Begins a new incarnation on an operator override. The request has passed the guard: it says `by` whom, and why. */
export function operatorRenew(draft: Draft, request: CommandRequest, spec: CommandSpec): void {
  const { twin, context } = draft;
  const { now } = context;
  const word = `${request.by ?? ''}: ${String(request.args.reason)}`;
  const last = twin.newest === null ? 'nothing' : `${String(twin.newest.boot)}/${String(twin.newest.seq)}`;
  const entry: LedgerEntry = {
    ...nextEntry(draft, request, spec),
    certainAt: now,
    outcome: 'done',
    proof: proofText('engineer', word),
    decidedAt: now,
    closedAt: now,
  };
  endIncarnation(draft, { cause: word, provedBy: twin.lastN + 1, endedAt: now });
  twin.claim = null;
  clearSuspicions(draft);
  remember(draft, entry);
  writeEntry(draft, entry, { publish: true });
  const detail = `${word}; who speaks next begins a new count, and ${last} was the last report of the one before`;
  settleWord(draft, { type: 'engineer', detail });
  addEffect(draft, { type: 'answer', to: request.replyTo, reply: { type: 'ledger', entry } });
  sendProbe(draft);
}
