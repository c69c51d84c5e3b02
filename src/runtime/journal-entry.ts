/** What entries of the journal have in common. */
import type { JournalEntry } from '../contract/journal-entry.ts';

/** The device that an entry is about. */
export function deviceOf(entry: JournalEntry): string {
  switch (entry.type) {
    case 'transition':
      return entry.transition.device;
    case 'outcome':
      return entry.entry.device;
    case 'dead-letter':
      return entry.deadLetter.device;
    case 'forgotten':
      return entry.forgetting.device;
  }
}
