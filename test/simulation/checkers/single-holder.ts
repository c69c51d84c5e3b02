import type { Evidence } from '../world/evidence.ts';
import { type Checker, type Flaw, short, versionsById } from './checker.ts';

/** What a device grants it grants to one, and for no longer than it was told. */
export const singleHolder: Checker = {
  name: 'single-holder',
  sentence:
    'a device is never held for two at once, nor for longer than the ledger says, nor for one while its twin said it was held for another',
  check: (evidence) => {
    const { record, endedAt } = evidence;
    const flaws: Flaw[] = [];
    const versions = versionsById(evidence);
    for (const { device, kind } of record.devices.values()) {
      const spans = record.holds.filter((hold) => hold.device === device);
      for (const [index, span] of spans.entries()) {
        const { from: at, id } = span;
        const until = span.to ?? endedAt;
        const next = spans[index + 1];
        if (next !== undefined && next.from < until) {
          const text = `it is held for ${short(id)} until ${until} and for ${short(next.id)} from ${next.from}`;
          flaws.push({ at: next.from, device, text });
        }
        const granted = (versions.get(id) ?? []).filter(({ entry }) => entry.device === device);
        const holdMs = Math.max(0, ...granted.map(({ entry }) => entry.holdMs ?? 0));
        const lastedMs = until - at - span.offMs;
        const longestMs = holdMs / (1 - kind.limits.driftPpm * 1e-6) + 1;
        if (lastedMs > longestMs) {
          const text = `it was held for ${short(id)} for ${lastedMs} ms, at most ${longestMs} ms were granted`;
          flaws.push({ at: until, device, text });
        }
      }
    }
    return [...flaws, ...acceptedWhileHeld(evidence)];
  },
};

/** A reservation is not accepted by a twin that believes in another hold: none of its reports was newer than its decision. */
function acceptedWhileHeld({ record }: Evidence): Flaw[] {
  const accepted = new Set<string>();
  return record.commits.flatMap(({ at, commit }) =>
    commit.ledger.flatMap(({ device, id, holdMs }): Flaw[] => {
      const isNew = holdMs !== null && !accepted.has(id);
      accepted.add(id);
      const hold = commit.twins.find((twin) => twin.device === device)?.hold ?? null;
      if (!isNew || hold === null || hold.id === id) return [];
      const text = `its twin accepts the reservation ${short(id)} and says it is held for ${short(hold.id)}`;
      return [{ at, device, text }];
    }),
  );
}
