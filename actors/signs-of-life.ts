/**
 * Which reports only a device can have made that is alive: those that name a number which was given after what is known of it. An old
 * report names neither the probe that the twin has sent since, nor a command that somebody has asked for since.
 */
import type { Report } from '../machines/report.ts';
import type { Draft } from './draft.ts';
import { isNamed } from './ring.ts';
import type { NewestReport } from './twin.ts';

/** A number that the device was sent, and that the report names. */
export interface Answer {
  readonly n: number;
  /** Not sent before this, server time, ms epoch. */
  readonly sentAt: number;
  /** What was sent, in words. */
  readonly what: string;
}

/**
 * What the report answers that was sent after `since`, the latest first: the last probe, and the commands that the twin remembers. The two
 * clocks by which that is told may differ by `serverErrorMs`.
 */
export function answersSince({ twin, context }: Draft, report: Report, since: number): readonly Answer[] {
  const { probe, open, recent } = twin;
  const asked: Answer[] = [...open, ...recent].map(({ n, name, id, acceptedAt }) => ({
    n,
    sentAt: acceptedAt,
    what: `${name} ${id} (n ${String(n)})`,
  }));
  if (probe !== null)
    asked.push({ n: probe.n, sentAt: probe.sentAt, what: `a probe (n ${String(probe.n)})` });
  return asked
    .filter(({ n, sentAt }) => sentAt - context.serverErrorMs > since && isNamed(report, n))
    .sort((a, b) => b.n - a.n);
}

/**
 * What the report answers that was sent after the newest report had been received, or, for a report of an earlier boot, after a report of
 * the newest boot can have been measured: where it answers anything, it is no old report.
 */
export function answersOf(draft: Draft, report: Report, newest: NewestReport): readonly Answer[] {
  const { clock } = draft.twin;
  if (clock === null) return [];
  return answersSince(draft, report, report.boot < newest.boot ? clock.latest.at : newest.receivedAt);
}
