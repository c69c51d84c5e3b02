/** Does a device's uptime keep pace with real time? Told by round trips, and, of a device that answers nothing, by when it reports. */
import type { Report } from '../../machines/report.ts';
import type { Bench } from './bench.ts';
import type { Counterpart, RoundTrip } from './counterpart.ts';
import { Broken } from './finding.ts';
import { byBoot } from './numbering.ts';
import { positionName } from './publish.ts';
import type { Trial } from './trial.ts';

/** What a device's clock may differ from real time in a trial, beside the error of the measurement. */
const PACE_TOLERANCE = 0.002;

/** Over less than this nothing can be said of a clock's pace, ms. */
const PACE_SPAN_MS = 2_000;

/** Throws {@link Broken} where it falls within a boot, stands still, or is too fast or too slow. */
export async function uptimePace(trial: Trial): Promise<string> {
  neverFalls(trial.bench);
  return (await trial.answers()) ? paceOfRoundTrips(trial) : paceOfReports(trial);
}

function neverFalls({ publishes }: Bench): void {
  for (const reports of byBoot(publishes)) {
    reports.forEach((report, index) => {
      const previous = reports[index - 1];
      if (previous !== undefined && report.up < previous.up) {
        throw new Broken(
          `uptime fell from ${String(previous.up)} in ${positionName(previous)} to ${String(report.up)} in ${positionName(report)}`,
        );
      }
    });
  }
}

async function paceOfRoundTrips({ bench, server, limits }: Trial): Promise<string> {
  const { first, last } = await longestStretch(bench, server);
  const passedMs = last.up - first.up;
  const leastMs = (last.sentAt - first.heardAt) * (1 - PACE_TOLERANCE);
  const mostMs = (last.heardAt - first.sentAt) * (1 + PACE_TOLERANCE);
  const said = `${String(passedMs)} ms of uptime in ${String(Math.floor(leastMs))} to ${String(Math.ceil(mostMs))} ms`;
  if (passedMs < leastMs - limits.tickMs || passedMs > mostMs + limits.tickMs) throw new Broken(said);
  return said;
}

/** Two round trips of one boot that are long enough apart to tell the pace of its clock, and further than any other two. */
async function longestStretch(
  bench: Bench,
  server: Counterpart,
): Promise<{ readonly first: RoundTrip; readonly last: RoundTrip }> {
  for (;;) {
    const { roundTrips } = server;
    const stretches = roundTrips.map((first) => {
      const last = roundTrips.filter(({ boot }) => boot === first.boot).at(-1) ?? first;
      return { first, last, ms: last.sentAt - first.heardAt };
    });
    const longest = stretches.sort((a, b) => b.ms - a.ms)[0];
    if (longest !== undefined && longest.ms >= PACE_SPAN_MS) return longest;
    if (longest !== undefined) await bench.listen(PACE_SPAN_MS - Math.max(0, longest.ms));
    await server.report();
  }
}

/** A report that was made when it came. */
interface Fresh {
  readonly report: Report;
  readonly at: number;
}

/**
 * A device that has been acknowledged and then says nothing for a while has nothing to send: the next report it publishes was made just
 * then, and its uptime is that of the moment at which it came, but for a moment.
 */
async function paceOfReports(trial: Trial): Promise<string> {
  const { bench, limits } = trial;
  let stretch = freshStretch(bench, limits.quietMs);
  while (stretch === null) {
    const heard = bench.publishes.length;
    await trial.published(() => bench.publishes[heard] ?? null, 'no report came of itself');
    stretch = freshStretch(bench, limits.quietMs);
  }
  const { first, last } = stretch;
  const passedMs = last.report.up - first.report.up;
  const realMs = Math.round(last.at - first.at);
  const said = `${String(passedMs)} ms of uptime in ${String(realMs)} ms, between ${positionName(first.report)} and ${positionName(last.report)}`;
  const slackMs = limits.quietMs + realMs * PACE_TOLERANCE;
  if (Math.abs(passedMs - realMs) > slackMs) throw new Broken(said);
  return said;
}

/** The two fresh reports of one boot that are furthest apart, where that is far enough. */
function freshStretch(
  { publishes, interruptions }: Bench,
  idleMs: number,
): { readonly first: Fresh; readonly last: Fresh } | null {
  const fresh = publishes.flatMap(({ index, at, reports }): readonly Fresh[] => {
    const previous = publishes[index - 1];
    const [report] = reports;
    const isIdle = previous?.answer === 'ack' && previous.asksForAck && at - previous.at >= idleMs;
    const isFresh = isIdle && !interruptions.includes(index);
    return isFresh && report !== undefined && reports.length === 1 ? [{ report, at }] : [];
  });
  const stretches = fresh.flatMap((first) => {
    const last = fresh.filter(({ report }) => report.boot === first.report.boot).at(-1);
    return last === undefined ? [] : [{ first, last, ms: last.at - first.at }];
  });
  const longest = stretches.sort((a, b) => b.ms - a.ms)[0];
  return longest !== undefined && longest.ms >= PACE_SPAN_MS ? longest : null;
}
