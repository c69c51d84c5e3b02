/** What was heard of a device on `device.<id>.report`: one publish, as it came and as it could be read. */
import type { Report, ReportPosition } from '../../machines/report.ts';
import { type Encoding, encodingOf } from '../../src/wire/codec.ts';
import { readReports } from '../../src/wire/report.ts';

/** What the kit answers a publish with: the stream's acknowledgement, the stream's refusal, or nothing. */
export type Answer = 'ack' | 'refusal' | 'nothing';

/** One publish. */
export interface Publish {
  /** Its place among all publishes, from 0. */
  readonly index: number;
  /** When it was heard, ms on the kit's monotonic clock. */
  readonly at: number;
  readonly bytes: number;
  /** What its first byte announces; `null` when that begins neither a map nor a list. */
  readonly encoding: Encoding | null;
  /** Its reports in their order, as far as they could be read. */
  readonly reports: readonly Report[];
  /** What could not be read, a sentence for each. */
  readonly problems: readonly string[];
  /** Whether it asked for an answer, as a publish through JetStream does. */
  readonly asksForAck: boolean;
  /** What it was answered with at once. */
  readonly answer: Answer;
  /** Sends the acknowledgement that was held back. */
  readonly ackNow: () => void;
}

/** What a payload holds. */
export function readPublish(
  device: string,
  payload: Uint8Array,
): Pick<Publish, 'bytes' | 'encoding' | 'reports' | 'problems'> {
  const read = readReports(device, payload);
  const shape = { bytes: payload.length, encoding: encodingOf(payload) };
  if (!read.ok) return { ...shape, reports: [], problems: [`${read.reason}: ${read.detail}`] };
  const problems = read.problems.map(({ reason, detail }) => `${reason}: ${detail}`);
  for (const report of read.reports) {
    const { unreadable = [] } = report;
    if (unreadable.length > 0)
      problems.push(`${positionName(report)} has values that do not fit: ${unreadable.join(', ')}`);
  }
  return { ...shape, reports: read.reports, problems };
}

/** How a position is written wherever the kit speaks of one: `3/17` is the 17th report of the third boot. */
export function positionName({ boot, seq }: ReportPosition): string {
  return `${String(boot)}/${String(seq)}`;
}
