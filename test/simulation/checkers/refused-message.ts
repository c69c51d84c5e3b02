import type { Report } from '../../../machines/report.ts';
import { readReports } from '../../../src/wire/report.ts';
import { parseReportSubject } from '../../../src/wire/subjects.ts';
import { isRefused, REFUSED_BY_STORE, THORN } from '../world/thorn.ts';
import type { Evidence } from '../world/evidence.ts';
import type { Checker, Flaw } from './checker.ts';

/** One message that cannot be stored is found among those that can. */
export const refusedMessage: Checker = {
  name: 'refused-message',
  sentence:
    'a message that the store refuses for good becomes a dead letter, alone, and all else that its device says is filed',
  check: (evidence) => {
    const { filedOfThorn, store, endedAt, record } = evidence;
    if (filedOfThorn === null) return [];
    const flaws: Flaw[] = [];
    const flaw = (at: number, text: string): void => void flaws.push({ at, device: THORN, text });
    const filed = new Set(filedOfThorn.map(({ boot, seq }) => `${boot}/${seq}`));
    const buried = new Set<number>();
    for (const line of store.journal.flat()) {
      if (line.type === 'dead-letter' && line.deadLetter.reason === REFUSED_BY_STORE)
        buried.add(line.deadLetter.sequence);
    }
    for (const { sequence, report, storedAt } of saidTo(evidence)) {
      const what = `report ${report.boot}/${report.seq}`;
      if (isRefused(report) && !buried.has(sequence))
        flaw(endedAt, `${what} was refused, and is no dead letter`);
      if (!isRefused(report) && !filed.has(`${report.boot}/${report.seq}`))
        flaw(storedAt, `${what} could be stored, and is not filed`);
    }
    for (const { at, commit } of record.commits) {
      for (const line of commit.journal) {
        if (line.type !== 'dead-letter' || line.deadLetter.reason !== REFUSED_BY_STORE) continue;
        const { device, sequence } = line.deadLetter;
        if (device !== THORN) flaw(at, `message ${sequence} of ${device} counts as refused, which was not`);
      }
    }
    return flaws;
  },
};

/** What the hub still holds of it. */
function saidTo({ streams }: Evidence): {
  readonly sequence: number;
  readonly storedAt: number;
  readonly report: Report;
}[] {
  return streams.reports.flatMap(({ subject, payload, sequence, storedAt }) => {
    if (parseReportSubject(subject)?.device !== THORN) return [];
    const read = readReports(THORN, payload);
    return read.ok ? read.reports.map((report) => ({ sequence, storedAt, report })) : [];
  });
}
