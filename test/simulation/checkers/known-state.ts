import { comparePositions } from '../../../machines/report.ts';
import type { Twin } from '../../../actors/twin.ts';
import type { Committed } from '../record.ts';
import { type Checker, type Flaw, short, storeLives } from './checker.ts';

/** What a twin believes moves forward only, and in the end it is the truth. */
export const knownState: Checker = {
  name: 'known-state',
  sentence:
    "a twin's known state never moves back in (boot, seq) within an incarnation, its version only grows, it is in doubt while a command's outcome is unknown, and in the end it is the device's",
  check: (evidence) => {
    const { store, truth, endedAt } = evidence;
    const flaws = storeLives(evidence).flatMap(forwardsOnly);
    for (const [device, { path, hold, boot, seq }] of truth) {
      const twin = store.twins.get(device);
      const believes = { path: twin?.path, hold: twin?.hold?.id ?? null, boot: twin?.newest?.boot };
      const isTrue = believes.path === path && believes.hold === hold && believes.boot === boot;
      const isNewest = twin?.newest?.seq === seq;
      if (isTrue && isNewest) continue;
      const text = `in the end it is ${JSON.stringify({ path, hold, boot, seq })}, and its twin believes ${JSON.stringify({ ...believes, seq: twin?.newest?.seq })}`;
      flaws.push({ at: endedAt, device, text });
    }
    return flaws;
  },
};

function forwardsOnly(commits: readonly Committed[]): Flaw[] {
  const last = new Map<string, Twin>();
  return commits.flatMap(({ at, commit }) =>
    commit.twins.flatMap((twin): Flaw[] => {
      const before = last.get(twin.device);
      last.set(twin.device, twin);
      const text = (before && backwards(before, twin)) ?? withoutDoubt(twin);
      return text === null ? [] : [{ at, device: twin.device, text }];
    }),
  );
}

/** A command that changes nothing leaves nothing to doubt. */
function withoutDoubt({ open, suspicions }: Twin): string | null {
  const unknown = open.find(({ outcome, notAfterUp }) => outcome === 'unknown' && notAfterUp !== null);
  if (unknown === undefined || suspicions.length > 0) return null;
  return `nobody knows what became of ${unknown.name} ${short(unknown.id)}, and its twin has no doubt`;
}

function backwards(before: Twin, after: Twin): string | null {
  if (after.version <= before.version) return `version ${after.version} follows version ${before.version}`;
  if (after.incarnation < before.incarnation)
    return `incarnation ${after.incarnation} follows ${before.incarnation}`;
  if (after.incarnation > before.incarnation || before.newest === null) return null;
  if (after.newest !== null && comparePositions(after.newest, before.newest) >= 0) return null;
  const name = (twin: Twin): string => `${String(twin.newest?.boot)}/${String(twin.newest?.seq)}`;
  return `report ${name(after)} follows ${name(before)}`;
}
