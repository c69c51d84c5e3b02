import type { Report } from '../../../machines/report.ts';
import { missing } from '../../../actors/sequence.ts';
import type { Evidence } from '../world/evidence.ts';
import type { Checker, Flaw } from './checker.ts';

/** What a twin counts of its reports can be counted again in the history. */
export const counts: Checker = {
  name: 'counts',
  sentence:
    'a twin counts as missing what is in no history up to the highest number of each boot, and as late what was filed after a newer one',
  check: (evidence) => {
    const { store, endedAt } = evidence;
    const flaws: Flaw[] = [];
    for (const [device, twin] of store.twins) {
      // Where the count of boots began anew, or somebody else spoke, what belongs to which count nobody can tell from outside.
      const isPlain = twin.incarnation === 1 && twin.claim === null && !isTroubled(evidence, device);
      if (!isPlain) continue;
      const filed = (store.reports.get(device) ?? []).map(({ body }) => body as unknown as Report);
      const expected = { missing: missingAmong(filed), late: lateOf(evidence, device) };
      const counted = { missing: missing(twin.sequence), late: twin.sequence.late };
      if (expected.missing === counted.missing && expected.late === counted.late) continue;
      const text = `it counts ${JSON.stringify(counted)}, and in the history there are ${JSON.stringify(expected)}`;
      flaws.push({ at: endedAt, device, text });
    }
    return flaws;
  },
};

function isTroubled({ record }: Evidence, device: string): boolean {
  const isForged = [...record.forged.keys()].some((key) => key.startsWith(`${device} `));
  return isForged || record.wipes.some((wipe) => wipe.device === device);
}

/** Numbers that nothing was filed under, below the highest of each boot. */
function missingAmong(filed: readonly Report[]): number {
  const boots = new Map<number, { highest: number; reports: number }>();
  for (const { boot, seq } of filed) {
    const { highest, reports } = boots.get(boot) ?? { highest: 0, reports: 0 };
    boots.set(boot, { highest: Math.max(highest, seq), reports: reports + 1 });
  }
  return [...boots.values()].reduce((sum, { highest, reports }) => sum + highest - reports, 0);
}

/** Reports that were filed when a newer one was, in what the store still holds. */
function lateOf({ record }: Evidence, device: string): number {
  let newest = { boot: -1, seq: 0 };
  let late = 0;
  for (const { commit, lostAt } of record.commits) {
    if (lostAt !== null) continue;
    for (const filed of commit.reports) {
      if (filed.device !== device) continue;
      const { boot, seq } = filed.report;
      if (boot > newest.boot || (boot === newest.boot && seq > newest.seq)) newest = { boot, seq };
      else late += 1;
    }
  }
  return late;
}
