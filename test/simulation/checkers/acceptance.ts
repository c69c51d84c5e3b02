import type { LedgerEntry } from '../../../src/contract/ledger-entry.ts';
import type { Committed } from '../record.ts';
import { type Checker, finalEntries, type Flaw, short, storeLives } from './checker.ts';

/** Servers read whole ms. */
const WHOLE_MS = 1;

/** Nothing is accepted on the strength of a state that could not have been true. */
export const acceptance: Checker = {
  name: 'acceptance',
  sentence:
    'a command is accepted only if its device was in a state that takes it, within the time the kind allows, and one at a time',
  check: (evidence) => {
    const { record, hubOffsetMs, weather } = evidence;
    const { serverErrorMs } = weather.limits;
    const inNoStateForIt = finalEntries(evidence).flatMap((entry): Flaw[] => {
      const { device, name, acceptedAt, id } = entry;
      const kind = record.devices.get(device)?.kind;
      const freshMs = kind?.commands[name]?.freshWithinMs ?? null;
      if (kind === undefined || freshMs === null) return [];
      const to = acceptedAt - hubOffsetMs + serverErrorMs + WHOLE_MS;
      const from = acceptedAt - hubOffsetMs - serverErrorMs - freshMs;
      const isTrue = record.made.some(({ device: other, measuredAt, report }) => {
        if (other !== device || measuredAt < from || measuredAt > to) return false;
        const path = kind.observe(report);
        const paths = report.hold ? [path, kind.chart.step(path, 'expiry')] : [path];
        return paths.some((state) => kind.chart.accepts(state, `command.${name}`));
      });
      if (isTrue) return [];
      const text = `${name} ${short(id)} was accepted at ${acceptedAt}, and in the ${freshMs} ms before no report allowed it`;
      return [{ at: to, device, text }];
    });
    return [...inNoStateForIt, ...storeLives(evidence).flatMap(besideAnother)];
  },
};

/** While a command may still start no other is accepted, unless it changes nothing. */
function besideAnother(commits: readonly Committed[]): Flaw[] {
  const pending = new Map<string, LedgerEntry>();
  const accepted = new Set<string>();
  return commits.flatMap(({ at, commit }) => {
    const changing = commit.ledger.filter(({ notAfterUp }) => notAfterUp !== null);
    for (const entry of changing) {
      const isOver = entry.outcome !== 'pending' && pending.get(entry.device)?.id === entry.id;
      if (isOver) pending.delete(entry.device);
    }
    return changing.flatMap((entry): Flaw[] => {
      const { device, name, id } = entry;
      const other = pending.get(device);
      // What was given up as unknown may be decided late, while what is allowed in doubt is under way.
      const isNew = !accepted.has(`${device} ${id}`);
      accepted.add(`${device} ${id}`);
      if (entry.outcome === 'pending') pending.set(device, entry);
      if (other === undefined || other.id === id || !isNew) return [];
      const text = `${name} ${short(id)} is accepted while ${other.name} ${short(other.id)} may still start`;
      return [{ at, device, text }];
    });
  });
}
