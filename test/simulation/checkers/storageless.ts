import { worldState } from '../../../machines/statechart.ts';
import { parseReportSubject } from '../../../src/wire/subjects.ts';
import type { Checker } from './checker.ts';

/** A device that can prove nothing is believed in the end. */
export const storageless: Checker = {
  name: 'storageless',
  sentence:
    'of a device without ring and storage each report is filed or counted as heard, and in the end its twin says what it says, without a doubt',
  check: ({ lastWords, record, endedAt: at }) => {
    if (lastWords === null || record.forgotten.has(lastWords.device)) return [];
    const { device, stored, filed, last, twin } = lastWords;
    const duplicates = twin?.sequence.duplicates ?? 0;
    const lost = record.hubLosses
      .flatMap(({ reports }) => reports)
      .filter(({ subject }) => parseReportSubject(subject)?.device === device).length;
    const heard = filed + duplicates;
    if (heard > stored || heard < stored - lost) {
      const text = `the hub stored ${stored} reports; ${filed} are filed, and ${duplicates} count as heard before`;
      return [{ at, device, text }];
    }
    const said = last.find(({ sensors }) => sensors.sample === twin?.newest?.report.sensors.sample);
    const doubts = twin?.suspicions.map(({ reason, detail }) => `${reason}: ${detail}`) ?? ['never heard'];
    if (said !== undefined && doubts.length === 0 && worldState(twin?.path ?? '') === said.state) return [];
    const words = last.map(({ boot, seq, state }) => `${boot}/${seq} ${state}`).join(', ');
    const known = `${twin?.newest?.boot}/${twin?.newest?.seq} ${twin?.path}`;
    return [{ at, device, text: `it said ${words}, and its twin says ${known} (${doubts.join('; ')})` }];
  },
};
