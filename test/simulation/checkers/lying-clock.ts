import type { HistoryReport } from '../../../src/history/ports.ts';
import type { Checker, Flaw } from './checker.ts';

/** A clock that is off by less than knowledge stays fresh is not looked for, and a round trip that took as long is believed, ms. */
const UNSEEN_MS = 60_000;
/** No lie makes more than this of the time that has passed, but for those that are of another sort altogether, ms. */
const LIED_MAX_MS = 12 * 3_600_000;

/** The sample that a report of the device tells of. */
function sampleOf(body: HistoryReport['body']): number {
  return Number((body.sensors as Readonly<Record<string, unknown>>).sample);
}

/** A clock that lies is found out, and no other one. */
export const lyingClock: Checker = {
  name: 'lying-clock',
  sentence:
    'of a device whose uptime lies nothing is measured after it was received, the error said holds, an uptime of another sort moves nothing, and a clock that keeps pace is never found out of bounds',
  check: ({ record, lyingWords, hubOffsetMs }) => {
    const flaws: Flaw[] = [];
    for (const { at, commit } of record.commits) {
      for (const { device, clock } of commit.twins) {
        if (clock === null || clock.crossings === 0 || !record.devices.has(device)) continue;
        flaws.push({ at, device, text: `its clock counts as out of bounds since ${clock.fromSeq}` });
      }
    }
    if (lyingWords === null) return flaws;
    const { device, measuredAt: truth, reports } = lyingWords;
    for (const { seq, boot, measuredAt, receivedAt, errorMs, body } of reports) {
      const trueAt = (truth.get(sampleOf(body)) ?? NaN) + hubOffsetMs;
      const what = `report ${boot}/${seq}`;
      const add = (text: string): void =>
        void flaws.push({ at: receivedAt, device, text: `${what} ${text}` });
      const offMs = measuredAt - trueAt;
      if (measuredAt > receivedAt) add(`is filed ${measuredAt - receivedAt} ms after it was received`);
      if (errorMs !== null && Math.abs(offMs) > errorMs + UNSEEN_MS)
        add(`is filed ${offMs} ms off its true time, with ± ${errorMs} ms`);
      if (!(Math.abs(offMs) <= LIED_MAX_MS)) add(`is filed ${offMs} ms off its true time`);
    }
    return flaws;
  },
};
