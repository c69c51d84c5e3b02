import type { Report } from '../../../machines/report.ts';
import type { HistoryReport } from '../../../src/history/ports.ts';
import { sampleKey } from '../record.ts';
import type { Evidence } from '../world/evidence.ts';
import type { Checker, Flaw } from './checker.ts';

/** Uptimes are whole ms: a report says up to this much less than was true, ms. */
const WHOLE_MS = 1;

/** What a device was is in the history: all of it, once, at its time. */
export const history: Checker = {
  name: 'history',
  sentence:
    'history holds every report that was not lost with its storage, once, at its true time within its error',
  check: (evidence) => {
    const flaws: Flaw[] = [];
    const filed = new Map<string, number>();
    for (const [device, reports] of evidence.store.reports) {
      for (const report of reports) {
        const key = sampleKey(device, report.body as { sensors: Record<string, unknown> });
        filed.set(key, (filed.get(key) ?? 0) + 1);
        const text = wrongAbout(key, report, evidence);
        if (text !== null) flaws.push({ at: report.receivedAt, device, text });
      }
    }
    for (const [key, made] of evidence.record.madeBySample) {
      const times = filed.get(key) ?? 0;
      const { device, report, measuredAt: at, lostAt, storedAt } = made;
      const what = `report ${report.boot}/${report.seq}`;
      if (times > 1) flaws.push({ at, device, text: `${what} is filed ${times} times` });
      if (times > 0 || at > evidence.endedAt) continue;
      if (storedAt !== null && storedAt < (lostAt ?? Infinity))
        flaws.push({ at: storedAt, device, text: `${what} reached the hub, and is not filed` });
      else if (lostAt === null && !made.wasLostByHub)
        flaws.push({ at, device, text: `${what} was not lost, and never reached the hub` });
    }
    return flaws;
  },
};

function wrongAbout(key: string, archived: HistoryReport, { record, hubOffsetMs }: Evidence): string | null {
  const made = record.madeBySample.get(key);
  if (record.forged.has(key)) return null;
  const what = `report ${archived.boot}/${archived.seq}`;
  if (made === undefined) return `${what} was never made`;
  if (JSON.stringify(asRead(made.report)) !== JSON.stringify(archived.body))
    return `${what} was changed on the way`;
  if (archived.errorMs === null) return null;
  const offMs = archived.measuredAt - (made.measuredAt + hubOffsetMs);
  if (Math.abs(offMs) <= archived.errorMs + WHOLE_MS) return null;
  return `${what} is filed ${offMs} ms off its true time, with ± ${archived.errorMs} ms`;
}

/** What is to be read of a report: a sensor that says nothing which fits counts as absent, and is named. */
function asRead(report: Report): Report {
  const broken = Object.keys(report.sensors).filter((name) => report.sensors[name] === null);
  if (broken.length === 0) return report;
  const fitting = Object.entries(report.sensors).filter(([name]) => !broken.includes(name));
  return { ...report, sensors: Object.fromEntries(fitting), unreadable: broken };
}
