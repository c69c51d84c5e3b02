/**
 * An outage, as a device lives through it: for a moment nobody is there to take its reports, and then every publish is
 * refused, while commands still reach it and make it report. Then everything is acknowledged again.
 */
import { comparePositions, type Report, type ReportPosition } from '../../machines/report.ts';
import type { Publish } from './publish.ts';
import type { Trial } from './trial.ts';
import { Broken, NotSeen } from './finding.ts';

/** What was seen of it. */
export interface Outage {
  /** The last report that was acknowledged before. */
  readonly lastBefore: ReportPosition;
  /** The last report that was certainly made before anything was acknowledged again. */
  readonly current: Report;
  /** What was acknowledged from then on, in the order in which it came, until nothing more came. */
  readonly delivered: readonly Publish[];
}

/** Makes the device live through an outage. */
export async function liveThroughOutage(trial: Trial): Promise<Outage> {
  const { bench, server, limits } = trial;
  // Nothing is in flight between these two, so a number that is missing there was left out.
  await server.report();
  await bench.listen(limits.quietMs);
  const lastBefore = (await server.report()).report;
  const numbers: number[] = [];
  const mark = bench.publishes.length;
  let healedAt: number | null = null;
  bench.answerWith = ({ index }) => (healedAt !== null && index >= healedAt ? 'ack' : 'refusal');
  try {
    await bench.turnAway();
    await command(trial, numbers, limits.outageReports / 2);
    bench.hear();
    await command(trial, numbers, limits.outageReports / 2);
    const last = numbers.at(-1) ?? 0;
    // A device that tries its newest report shows now that it has made the last one; another is given as long.
    await seen(trial, mark, last, limits.drainedMs);
    healedAt = bench.publishes.length;
    await drained(trial, { healedAt, first: lastBefore, last });
    const delivered = bench.publishes.slice(healedAt);
    const current = delivered
      .flatMap(({ reports }) => reports)
      .filter((report) => report.commands?.some(({ n }) => n === last) ?? false)
      .sort(comparePositions)[0];
    if (current === undefined) {
      throw new Broken(`no report after the outage names n ${String(last)}, the last command sent in it`);
    }
    return { lastBefore, current, delivered };
  } finally {
    bench.hear();
    bench.answerWith = () => 'ack';
  }
}

/** Sends `report` so often, each when the one before has shown itself in a try, or after a moment. */
async function command(trial: Trial, numbers: number[], times: number): Promise<void> {
  const { bench, server, limits } = trial;
  for (let time = 0; time < times; time += 1) {
    const mark = bench.publishes.length;
    const { n } = server.send(server.command({ name: 'report' })).command;
    numbers.push(n);
    await seen(trial, mark, n, limits.stepMs);
  }
}

/** Waits until a publish names `n`, or for as long as is given. */
async function seen({ bench }: Trial, mark: number, n: number, withinMs: number): Promise<void> {
  const isNamed = ({ reports }: Publish): boolean =>
    reports.some(({ commands }) => commands?.some((named) => named.n === n) ?? false);
  try {
    await bench.until(() => bench.publishes.slice(mark).find(isNamed) ?? null, {
      withinMs,
      what: 'no try came',
    });
  } catch (error) {
    // It may hold back what is new until what is old has got through.
    if (!(error instanceof NotSeen)) throw error;
  }
}

/**
 * Waits until every report from `first` to the one that names `last` has been acknowledged, or the device has been silent
 * for as long as a device never is while it has something to send.
 */
async function drained(
  { bench, limits }: Trial,
  {
    healedAt,
    first,
    last,
  }: { readonly healedAt: number; readonly first: ReportPosition; readonly last: number },
): Promise<void> {
  await bench.until(() => bench.publishes[healedAt] ?? null, {
    withinMs: limits.patienceMs,
    what: 'reports are acknowledged again, and none came',
  });
  const giveUpAt = bench.now() + limits.patienceMs;
  while (bench.now() < giveUpAt) {
    const heard = bench.publishes.length;
    if (isComplete(bench.publishes, first, last)) return;
    try {
      await bench.until(() => (bench.publishes.length > heard ? true : null), {
        withinMs: limits.drainedMs,
        what: 'nothing more came',
      });
    } catch (error) {
      if (error instanceof NotSeen) return;
      throw error;
    }
  }
}

function isComplete(publishes: readonly Publish[], first: ReportPosition, last: number): boolean {
  const acked = publishes.filter(({ answer }) => answer === 'ack').flatMap(({ reports }) => reports);
  const end = acked.find(({ commands }) => commands?.some(({ n }) => n === last) ?? false);
  if (end === undefined) return false;
  const seqs = new Set(acked.filter(({ boot }) => boot === end.boot).map(({ seq }) => seq));
  for (let seq = first.seq + 1; seq <= end.seq; seq += 1) if (!seqs.has(seq)) return false;
  return true;
}
