/**
 * The command `abandon`: an operator says that nobody will tell any more what became of a command that is in flight beyond its device,
 * because the gateway that passed it on does not come back. The twin executes it itself, at once, and nothing is sent.
 *
 * It names the one command that it gives up, and says `by` whom and why, for the journal. The command stays `unknown` in the ledger, with
 * a reason of its own, `abandoned`: it may have taken effect, and may yet. A word of the device that comes after all is still written down.
 * Of a command that the ledger has forgotten, and the device names `undecided`, there is only the number: it is given up by that.
 */
import type { CommandSpec } from '../machines/command.ts';
import { commandId } from '../machines/command-id.ts';
import { addEffect, type Draft, refuse, writeEntry } from './draft.ts';
import type { LedgerEntry } from '../src/contract/ledger-entry.ts';
import { abandonable, namesToAbandon } from './legality.ts';
import { proofText } from './proof.ts';
import { abandonCommand, remember } from './resolve.ts';
import { nextEntry } from './send.ts';
import { journal, settleSuspicions } from './settle.ts';
import { reviewCommands } from './suspicions.ts';
import type { CommandRequest } from './twin.ts';

/** Gives up the command that the request names. The request has passed the guard: it says `by` whom, and why. */
export function operatorAbandon(draft: Draft, request: CommandRequest, spec: CommandSpec): void {
  const { twin, context } = draft;
  const { reason } = request.args;
  const command = commandId(String(request.args.command));
  const names = namesToAbandon(twin);
  if (!names.includes(command)) {
    const detail = `${command} is not undecided: what can be given up is ${names.join(', ')}`;
    refuse(draft, request, { code: 'bad-arguments', detail });
    return;
  }
  const word = `${request.by ?? ''}: ${String(reason)}`;
  const given = abandonable(twin).find(({ id }) => id === command);
  if (given !== undefined) abandonCommand(draft, given, word);
  const { now } = context;
  const entry: LedgerEntry = {
    ...nextEntry(draft, request, spec),
    certainAt: now,
    outcome: 'done',
    proof: proofText('engineer', word),
    decidedAt: now,
    closedAt: now,
  };
  remember(draft, entry);
  writeEntry(draft, entry, { publish: true });
  reviewCommands(draft);
  const what =
    given === undefined
      ? `the command of n ${command}, which the ledger has forgotten`
      : `${given.name} ${given.id} (n ${String(given.n)})`;
  const detail = `${word}; gave up ${what}: it may still take effect`;
  settleSuspicions(draft, { type: 'engineer', detail });
  if (draft.transitions === null) journal(draft, { type: 'engineer', detail });
  addEffect(draft, { type: 'answer', to: request.replyTo, reply: { type: 'ledger', entry } });
}
