/** What lines of the journal have in common. */
import type { JournalLine } from '../contract/journal-entry.ts';

/** The device that a line is about. */
export function deviceOf(line: JournalLine): string {
  switch (line.type) {
    case 'transition':
      return line.transition.device;
    case 'outcome':
      return line.entry.device;
    case 'dead-letter':
      return line.deadLetter.device;
    case 'forgotten':
      return line.forgetting.device;
  }
}
