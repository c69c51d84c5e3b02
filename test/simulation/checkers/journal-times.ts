import type { MadeReport } from '../record.ts';
import type { Checker, Flaw } from './checker.ts';

/** Journal and uptimes hold whole ms, and so do the clocks of servers. */
const WHOLE_MS = 2;

/** The journal is what people and backends take for what happened when. */
export const journalTimes: Checker = {
  name: 'journal-times',
  sentence:
    'what the journal puts down to a report was measured when the journal says, give or take the error that it says, and is the report that it names',
  check: ({ record, hubOffsetMs }) => {
    const flaws: Flaw[] = [];
    const made = new Map<string, MadeReport>();
    for (const one of record.made) made.set(`${one.device} ${one.report.boot}/${one.report.seq}`, one);
    for (const { at, commit } of record.commits) {
      for (const line of commit.journal) {
        if (line.type !== 'transition') continue;
        const { device, boot, seq, measuredAt, errorMs, from, to, cause } = line.transition;
        // A sign of life by an older report happened when that came, and the newest one still counts.
        if (cause.type !== 'report' || !cause.detail.startsWith(`report ${boot}/${seq} says `)) continue;
        const what = `the journal says that ${device} went from ${from} to ${to} by report ${boot}/${seq}`;
        const report = made.get(`${device} ${boot}/${seq}`);
        const isOurs = record.devices.has(device);
        if (report === undefined) {
          if (isOurs) flaws.push({ at, device, text: `${what}, which was never made` });
          continue;
        }
        const offMs = measuredAt - (report.measuredAt + hubOffsetMs);
        if (errorMs !== null && Math.abs(offMs) > errorMs + WHOLE_MS)
          flaws.push({ at, device, text: `${what} ${offMs} ms off the true time, with ± ${errorMs} ms` });
      }
    }
    return flaws;
  },
};
