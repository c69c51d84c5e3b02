/**
 * The command `clear`: an engineer has looked, and says so. The twin executes it itself, at once, and nothing is sent.
 *
 * It is taken whenever something is in doubt, also while the device is silent or another command is under way. It ends every suspicion
 * that is open, and closes as unprovable the commands that the device is past; what the next report shows again is in doubt again. It
 * never ends the doubt about a command whose fate a report can still decide: nobody's word tells what state that will have led to. That
 * doubt stays, and the proof in the ledger says so.
 */
import type { CommandSpec } from '../machines/command.ts';
import { divergenceNews } from './divergence.ts';
import { addEffect, type Draft, writeEntry } from './draft.ts';
import type { LedgerEntry } from '../src/contract/ledger-entry.ts';
import { proofText } from './proof.ts';
import { closeByOperator, remember } from './resolve.ts';
import { nextEntry } from './send.ts';
import { journal, settleSuspicions } from './settle.ts';
import { clearConflict, clearSuspicions } from './suspicions.ts';
import type { CommandRequest } from './twin.ts';

/** Clears what an operator override may end. The request has passed the guard: it says `by` whom, and why. */
export function operatorClear(draft: Draft, request: CommandRequest, spec: CommandSpec): void {
  const { twin, context } = draft;
  const word = `${request.by ?? ''}: ${String(request.args.reason)}`;
  const before = twin.suspicions;
  closeByOperator(draft, word);
  clearConflict(draft);
  clearSuspicions(draft);
  const { now } = context;
  const stays = twin.suspicions.map(({ detail }) => `still in doubt: ${detail}, and a report can still tell`);
  const proof = proofText('engineer', [word, ...stays].join('; '));
  const entry: LedgerEntry = {
    ...nextEntry(draft, request, spec),
    certainAt: now,
    outcome: 'done',
    proof,
    decidedAt: now,
    closedAt: now,
  };
  remember(draft, entry);
  writeEntry(draft, entry, { publish: true });
  const reasons = before.filter((doubt) => !twin.suspicions.includes(doubt)).map(({ reason }) => reason);
  const cleared = reasons.length === 0 ? 'cleared nothing' : `cleared ${reasons.join(', ')}`;
  const lasted = divergenceNews(draft);
  const detail = [`${word}; ${cleared}`, ...stays, ...lasted].join('; ');
  settleSuspicions(draft, { type: 'engineer', detail });
  if (draft.transitions === null) journal(draft, { type: 'engineer', detail });
  addEffect(draft, { type: 'answer', to: request.replyTo, reply: { type: 'ledger', entry } });
}
