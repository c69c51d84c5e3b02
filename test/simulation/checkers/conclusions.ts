import type { LedgerEntry } from '../../../actors/ledger.ts';
import { isSameCommand } from '../../../actors/reused-id.ts';
import type { Conclusion } from '../record.ts';
import type { Evidence } from '../world/evidence.ts';
import { type Checker, type Flaw, forgottenIds, short } from './checker.ts';

const FINAL = ['done', 'rejected', 'expired'];
/** No copy of the call was accepted, and none will be. */
const NEVER = ['refused', 'not-accepted', 'not-this-copy'];

/** What the client makes of replies, and of their absence, is true. */
export const conclusions: Checker = {
  name: 'conclusions',
  sentence:
    'a command of which no call says more than that it was refused or not accepted is never in the ledger, and an outcome that one tells is the one there',
  check: (evidence: Evidence) => {
    const { record, store, endedAt } = evidence;
    const forgotten = forgottenIds(evidence);
    const byCommand = new Map<string, Conclusion[]>();
    for (const conclusion of record.conclusions) {
      const { id, name, args } = conclusion;
      const asked = `${id} ${name} ${JSON.stringify(args)}`;
      const known = byCommand.get(asked);
      if (known === undefined) byCommand.set(asked, [conclusion]);
      else known.push(conclusion);
    }
    return [...byCommand.values()].flatMap((all): Flaw[] => {
      const { device, id, name, args } = all[0]!;
      // Its ledger entry was lost: what was said of it before holds of another life of the store.
      if (forgotten.has(id)) return [];
      const isIt = (other: LedgerEntry): boolean => other.id === id && isSameCommand(other, { name, args });
      const entry = store.ledger.get(device)?.find(isIt) ?? null;
      const flaw = (text: string): Flaw[] => [{ at: endedAt, device, text: `${short(id)}: ${text}` }];
      const words = all.map(({ concluded }) => concluded ?? 'nothing yet').join(', ');
      if (entry === null) {
        const isTold = all.some(({ concluded }) => concluded !== 'maybe' && !isNothing(concluded));
        return isTold ? flaw(`the client concluded ${words}, and it is not in the ledger`) : [];
      }
      if (all.every(({ concluded }) => NEVER.includes(concluded ?? '')))
        return flaw(`the client concluded ${words}, and it is ${entry.outcome}`);
      const other = all.find(
        ({ concluded }) => FINAL.includes(concluded ?? '') && concluded !== entry.outcome,
      );
      return other === undefined ? [] : flaw(`the client concluded ${words}, and it is ${entry.outcome}`);
    });
  },
};

function isNothing(concluded: string | null): boolean {
  return concluded === null || NEVER.includes(concluded);
}
