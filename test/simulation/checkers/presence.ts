import type { Arrival } from '../record.ts';
import type { Evidence } from '../world/evidence.ts';
import type { Checker, Flaw } from './checker.ts';

/** What was stored this long before may still be on its way to the node, ms. */
const ON_THE_WAY_MS = 15_000;
/** The hub's clock and uptimes are read in whole ms. */
const WHOLE_MS = 2;

/** Only a device that is silent is called silent. */
export const presence: Checker = {
  name: 'presence',
  sentence:
    'a twin goes offline by silence only when its device has said nothing to the hub for so long, and then it does',
  check: (evidence) => {
    const { record, hubOffsetMs, silence, endedAt } = evidence;
    const flaws: Flaw[] = [];
    for (const [device, state] of silence) {
      if (state !== 'offline')
        flaws.push({ at: endedAt, device, text: `nothing was heard of it, and it is ${state}` });
    }
    for (const { at, commit } of record.commits) {
      for (const line of commit.journal) {
        if (line.type !== 'transition' || line.transition.cause.type !== 'silence') continue;
        const { device, recordedAt } = line.transition;
        const limitMs = record.devices.get(device)?.kind.limits.silenceMs ?? 0;
        const from = recordedAt - hubOffsetMs - limitMs + ON_THE_WAY_MS;
        const to = recordedAt - hubOffsetMs - ON_THE_WAY_MS;
        const heard = record.arrivals.find(
          (arrival) =>
            arrival.device === device &&
            arrival.at > from &&
            arrival.at < to &&
            couldBeHeard(arrival, { until: to, at }, evidence),
        );
        if (heard === undefined) continue;
        // What a device counts after its storage was wiped leaps: it is no sign of life until the device answers (`actors/leap.ts`), which it
        // can only from when it is heard again.
        const isAnew = record.wipes.some((wipe) => {
          if (wipe.device !== device || wipe.at > heard.at) return false;
          const again = record.arrivals.find((arrival) => arrival.device === device && arrival.at > wipe.at);
          return again !== undefined && again.at > from - limitMs;
        });
        if (isAnew) continue;
        const text = `its twin calls it silent at ${recordedAt}, and the hub heard it at ${heard.at}`;
        flaws.push({ at, device, text });
      }
    }
    return flaws;
  },
};

/** What the hub has lost before anybody could know of it was not said; what a node had filed by then was. */
function couldBeHeard(
  { device, at, lostAt }: Arrival,
  silence: { readonly until: number; readonly at: number },
  { record, hubOffsetMs }: Evidence,
): boolean {
  if (lostAt === null || lostAt > silence.until) return true;
  return record.commits.some(
    (committed) =>
      committed.at <= silence.at &&
      (committed.lostAt === null || committed.lostAt > silence.at) &&
      committed.commit.reports.some(
        (filed) => filed.device === device && Math.abs(filed.receivedAt - hubOffsetMs - at) <= WHOLE_MS,
      ),
  );
}
