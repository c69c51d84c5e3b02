import type { StoredMessage } from '../../../src/memory/message-stream.ts';
import { readReports } from '../../../src/wire/report.ts';
import { parseReportSubject } from '../../../src/wire/subjects.ts';
import type { Evidence } from '../world/evidence.ts';
import { isForged } from './filed-reports.ts';
import { type Checker, type Flaw, isCutTold } from './checker.ts';

/** Whatever was set aside, read again or taken over: nothing the hub stored is decided twice, or never. */
export const decided: Checker = {
  name: 'decided',
  sentence:
    'each report that the hub stored is decided once: filed, or counted as heard before; one that leaps may be neither',
  check: (evidence) => {
    const flaws: Flaw[] = [];
    const stored = reportsIn(evidence.streams.reports);
    // The hub has lost them: some were decided before.
    const { hubLosses } = evidence.record;
    const lost = reportsIn(hubLosses.flatMap(({ reports }) => reports));
    const isReadOnce = hubLosses.every(({ at, reports }) => reports.length === 0 || isCutTold(evidence, at));
    for (const [device, twin] of evidence.store.twins) {
      const archived = evidence.store.reports.get(device) ?? [];
      const filed = archived.length;
      const held =
        forgedOf(evidence, device) - archived.filter((report) => isForged(evidence, device, report)).length;
      const { duplicates } = twin.sequence;
      const reports = stored.get(device) ?? 0;
      const decided = filed + duplicates;
      const most = isReadOnce ? reports + (lost.get(device) ?? 0) : Infinity;
      if (decided <= most && decided >= reports - held) continue;
      const text = `the hub stored ${reports} reports; ${filed} are filed, and ${duplicates} count as heard before`;
      flaws.push({ at: evidence.endedAt, device, text });
    }
    return flaws;
  },
};

/** How many reports somebody else made in the device's name. */
function forgedOf({ record }: Evidence, device: string): number {
  return [...record.forged.keys()].filter((key) => key.startsWith(`${device} `)).length;
}

/** How many reports of each device there are, copies too. */
function reportsIn(messages: readonly StoredMessage[]): ReadonlyMap<string, number> {
  const stored = new Map<string, number>();
  for (const { subject, payload } of messages) {
    const device = parseReportSubject(subject)?.device ?? '';
    const read = readReports(device, payload);
    stored.set(device, (stored.get(device) ?? 0) + (read.ok ? read.reports.length : 0));
  }
  return stored;
}
