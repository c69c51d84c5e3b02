import type { LedgerEntry } from '../../../src/contract/ledger-entry.ts';
import { isSameCommand } from '../../../actors/reused-id.ts';
import type { Conclusion } from '../record.ts';
import { type Checker, type EntryVersion, type Flaw, isHeldAt, short, versionsById } from './checker.ts';

/** Words that deny: no copy of the call was accepted; the first two also that an earlier one under its id was. */
const DENIES_ALL = ['refused', 'not-accepted'];
const DENIES = [...DENIES_ALL, 'not-this-copy'];

/** Every single word that denies is held against what was in the ledger when it was said, and against what came into it. */
export const certainlyNot: Checker = {
  name: 'certainly-not',
  sentence:
    'what is said to be certainly not accepted was not in the ledger when it was asked for, and comes into it only by another call; what is said to be accepted is there',
  check: (evidence) => {
    const { conclusions, unknownIds } = evidence.record;
    const versions = versionsById(evidence);
    const byId = new Map<string, Conclusion[]>();
    for (const conclusion of conclusions) {
      const known = byId.get(conclusion.id);
      if (known === undefined) byId.set(conclusion.id, [conclusion]);
      else known.push(conclusion);
    }
    const ofCalls = conclusions.flatMap((call): Flaw[] => {
      const { id, device, concluded, concludedAt } = call;
      // What was lost before it was said was not there any more; that it had been accepted stays true.
      const known = versions.get(id) ?? [];
      const held = known.filter((version) => isHeldAt(version, concludedAt ?? Infinity));
      const acceptedAt = committedAt(concluded === 'accepted' ? known : held, call);
      const others = (byId.get(id) ?? []).filter((other) => other !== call && isSameCommand(other, call));
      const text = wrongAbout(call, acceptedAt, others);
      if (text === null || concludedAt === null) return [];
      return [
        { at: concludedAt, device, text: `${short(id)}: it was told ${String(concluded)}, and ${text}` },
      ];
    });
    const ofLedgers = unknownIds.flatMap(({ device, id, askedAt }): Flaw[] => {
      const first = versions.get(id)?.find(({ lostAt }) => lostAt === null);
      if (first === undefined || first.at > askedAt) return [];
      const text = `${short(id)}: the ledger was said not to have it, and it is there since ${String(first.at)}`;
      return [{ at: askedAt, device, text }];
    });
    return [...ofCalls, ...ofLedgers];
  },
};

function wrongAbout(
  { concluded, concludedAt, askedAt }: Conclusion,
  acceptedAt: number | null,
  others: readonly Conclusion[],
): string | null {
  if (concluded === null || concludedAt === null) return null;
  if (concluded === 'accepted')
    return (acceptedAt ?? Infinity) <= concludedAt ? null : 'it was not in the ledger';
  if (!DENIES.includes(concluded) || acceptedAt === null) return null;
  if (acceptedAt < askedAt)
    return DENIES_ALL.includes(concluded) ? `it was in the ledger since ${String(acceptedAt)}` : null;
  // What an earlier call has sent may come late, and what a later one sends is decided anew.
  const isOfAnother = others.some(
    (other) => other.askedAt <= acceptedAt && !DENIES.includes(other.concluded ?? ''),
  );
  return isOfAnother ? null : `it was accepted at ${String(acceptedAt)}, for no other call`;
}

/** When the command was first in the store; not another one under its id. */
function committedAt(versions: readonly EntryVersion[], { name, args }: Conclusion): number | null {
  const isIt = ({ entry }: { readonly entry: LedgerEntry }): boolean => isSameCommand(entry, { name, args });
  return versions.find(isIt)?.at ?? null;
}
