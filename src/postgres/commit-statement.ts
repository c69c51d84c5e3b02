/**
 * Writes a commit as one statement: the fence first, then a part for each table that has something to write.
 */
import type { Commit } from '../runtime/ports.ts';
import type { JournalEntry } from '../contract/journal-entry.ts';
import type { Report } from '../../machines/report.ts';
import { type CommitKeys, devicePart, writeDevice } from './device-keys.ts';
import { fencePart, writeFence } from './fence.ts';
import { forgottenPart, writeForgotten } from './forgotten-rows.ts';
import { clockPart, lastClocks, reportPart, writeClock, writeReport } from './history-rows.ts';
import {
  deadLetterPart,
  outcomePart,
  transitionPart,
  writeDeadLetter,
  writeOutcome,
  writeTransition,
} from './journal-rows.ts';
import { fillLedger } from './ledger-row.ts';
import { replayPart, writeReplay } from './sources.ts';
import { fill, type FilledPart } from './statement.ts';
import { fillTwins } from './twin-row.ts';

/** What writing takes besides the commit. */
export interface CommitContext {
  readonly keys: CommitKeys;
  readonly driftPpmOf: (kind: string) => number;
}

/** The parts of a commit that are not empty. Throws a TypeError when a value does not fit its column. */
export function commitParts(commit: Commit, { keys, driftPpmOf }: CommitContext): FilledPart[] {
  const { keyOf } = keys;
  const jsonOf = rememberedJson();
  const parts = [
    fill(fencePart, commit.partitions, writeFence),
    fill(devicePart, keys.born, (twin, row) => writeDevice(keyOf(twin.device), twin, row)),
    // Before the twins: their newest report is written out here already.
    fill(reportPart, commit.reports, (filed, row) => writeReport(filed, row, { keyOf, jsonOf })),
    fillTwins(commit.twins, { keyOf, driftPpmOf, jsonOf }),
    fill(clockPart, lastClocks(commit.clocks), ({ device, clock }, row) =>
      writeClock(keyOf(device), clock, row),
    ),
    fillLedger(commit.ledger, { keyOf }),
    fill(replayPart, commit.replays ?? [], writeReplay),
    ...journalParts(commit.journal, keyOf),
  ];
  return parts.filter(({ rows }, index) => index === 0 || rows > 0);
}

function journalParts(
  lines: readonly JournalEntry[],
  keyOf: (device: string) => number,
): readonly FilledPart[] {
  const transitions = lines.filter((line) => line.type === 'transition');
  const outcomes = lines.filter((line) => line.type === 'outcome');
  const deadLetters = lines.filter((line) => line.type === 'dead-letter');
  const forgotten = lines.filter((line) => line.type === 'forgotten');
  return [
    fill(transitionPart, transitions, (line, row) =>
      writeTransition(keyOf(line.transition.device), line, row),
    ),
    fill(outcomePart, outcomes, (line, row) => writeOutcome(keyOf(line.entry.device), line, row)),
    fill(deadLetterPart, deadLetters, writeDeadLetter),
    fill(forgottenPart, forgotten, writeForgotten),
  ];
}

/** Most twins' newest report is in the same commit's history: it is written out once. */
function rememberedJson(): (report: Report) => string {
  const known = new Map<Report, string>();
  return (report) => {
    let json = known.get(report);
    if (json === undefined) known.set(report, (json = JSON.stringify(report)));
    return json;
  };
}
