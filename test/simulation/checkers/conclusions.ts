import type { LedgerEntry } from '../../../src/contract/ledger-entry.ts';
import { isSameCommand } from '../../../actors/reused-id.ts';
import type { Conclusion } from '../record.ts';
import type { Evidence } from '../world/evidence.ts';
import { type Checker, type EntryVersion, type Flaw, short, versionsById } from './checker.ts';

const FINAL = ['done', 'rejected', 'expired'];
/** No copy of the call was accepted, and none will be. */
const NEVER = ['refused', 'not-accepted', 'not-this-copy'];
/** What was said arrives within this, ms. */
const UNDER_WAY_MS = 10_000;

/** What the client makes of replies, and of their absence, is true. */
export const conclusions: Checker = {
  name: 'conclusions',
  sentence:
    'a command of which no call says more than that it was refused or not accepted is never in the ledger, and an outcome that one tells is the one there',
  check: (evidence: Evidence) => {
    const { record, store, endedAt, weather } = evidence;
    const versions = versionsById(evidence);
    const toldForMs = weather.limits.leaseTtlMs + UNDER_WAY_MS;
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
      const isIt = (other: LedgerEntry): boolean => other.id === id && isSameCommand(other, { name, args });
      const entry = store.ledger.get(device)?.find(isIt) ?? null;
      const flaw = (text: string): Flaw[] => [{ at: endedAt, device, text: `${short(id)}: ${text}` }];
      const words = all.map(({ concluded }) => concluded ?? 'nothing yet').join(', ');
      const lost = (versions.get(id) ?? []).filter(
        (version) => version.lostAt !== null && isIt(version.entry),
      );
      const wasSo = (one: Conclusion): boolean => lost.some((version) => didTell(version, one, toldForMs));
      if (entry === null) {
        const isTold = all.some(
          (one) => one.concluded !== 'maybe' && !isNothing(one.concluded) && !wasSo(one),
        );
        return isTold ? flaw(`the client concluded ${words}, and it is not in the ledger`) : [];
      }
      if (all.every(({ concluded }) => NEVER.includes(concluded ?? '')))
        return flaw(`the client concluded ${words}, and it is ${entry.outcome}`);
      const other = all.find(
        (one) => FINAL.includes(one.concluded ?? '') && one.concluded !== entry.outcome && !wasSo(one),
      );
      return other === undefined ? [] : flaw(`the client concluded ${words}, and it is ${entry.outcome}`);
    });
  },
};

/**
 * What was told rests on a version that the store had then, or had shortly before: a node learns late that the store was set back. A caller
 * who was answered that the command is accepted, and then by nobody, says so at the end of the call.
 */
function didTell(
  { entry, at, lostAt }: EntryVersion,
  { concluded, askedAt, concludedAt }: Conclusion,
  toldForMs: number,
): boolean {
  if (concludedAt === null || at > concludedAt) return false;
  const toldUntil = (lostAt ?? Infinity) + toldForMs;
  return FINAL.includes(concluded ?? '')
    ? concludedAt <= toldUntil && entry.outcome === concluded
    : askedAt <= toldUntil;
}

function isNothing(concluded: string | null): boolean {
  return concluded === null || NEVER.includes(concluded);
}
