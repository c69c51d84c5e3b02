import { earliestAt, latestAt } from '../../../actors/clock.ts';
import { sampleKey } from '../record.ts';
import type { Checker, Flaw } from './checker.ts';

/** Uptimes are whole ms. */
const WHOLE_MS = 1;

/** The two bounds, on which everything about time rests, are right. */
export const clockBounds: Checker = {
  name: 'clock-bounds',
  sentence: 'a report was measured between the bounds that the clock of its boot gives for its uptime',
  check: ({ record, hubOffsetMs }) => {
    const flaws: Flaw[] = [];
    for (const { at, commit } of record.commits) {
      for (const { device, clock, newest } of commit.twins) {
        if (clock === null || newest === null) continue;
        const made = record.madeBySample.get(sampleKey(device, newest.report));
        const driftPpm = record.devices.get(device)?.kind.limits.driftPpm ?? 0;
        if (made === undefined) continue;
        const measuredAt = made.measuredAt + hubOffsetMs;
        const latest = latestAt(clock, newest.up, driftPpm);
        const earliest = earliestAt(clock, newest.up, driftPpm) ?? -Infinity;
        if (measuredAt > latest + WHOLE_MS || measuredAt < earliest - WHOLE_MS) {
          const text = `report ${newest.boot}/${newest.seq} was measured at ${measuredAt}, the bounds say ${earliest} to ${latest}`;
          flaws.push({ at, device, text });
        }
      }
    }
    return flaws;
  },
};
