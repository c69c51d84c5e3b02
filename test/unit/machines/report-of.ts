/** Builds the reports of the machine tests: a test names what it is about, the rest is unremarkable. */
import type { Report } from '../../../machines/report.ts';

/** A report of boot 3, one minute after its start, with nothing but what is given. */
export function reportOf(given: Partial<Report>): Report {
  return { boot: 3, seq: 6, up: 60_000, state: 'available', sensors: {}, ...given };
}
