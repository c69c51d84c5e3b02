/**
 * Restarts, as a device lives through them. One that answers is restarted twice: in the very moment in which it has said that
 * it was reserved, and again when some of the hold is spent and a repeated command was the last to tell it of an epoch.
 */
import type { Command } from '../../machines/command.ts';
import type { Report } from '../../machines/report.ts';
import type { Reply } from './counterpart.ts';
import { isFinding } from './finding.ts';
import type { Publish } from './publish.ts';
import { reserveAndRelease, type Trial } from './trial.ts';

/** How long the hold lasts that a restart comes into, ms: what a device takes off it by caution leaves some. */
const HOLD_MS = 120_000;

/** A restart. */
export interface Restart {
  /** The last report before. */
  readonly before: Report;
  /** The first report after, by its number. */
  readonly after: Report;
  /** How long after it began to be switched off that was heard, ms. */
  readonly passedMs: number;
}

/** Both restarts of a device that answers. */
export interface Restarts {
  readonly restarts: readonly [Restart, Restart];
  /** The first command after the second one: a number below the highest handled before, of an epoch below the highest seen before. */
  readonly first: { readonly command: Command; readonly reply: Reply };
  /** The id of the hold, or `null` where the device cannot be reserved. */
  readonly hold: string | null;
}

/** Restarts the device once, whatever it takes. */
export async function liveThroughOneRestart(trial: Trial): Promise<Restart> {
  trial.mustBeReadable();
  if (await trial.answers()) return (await trial.once(liveThroughRestarts)).restarts[0];
  const before = await trial.bench.until(() => trial.bench.newest, {
    withinMs: trial.limits.patienceMs,
    what: 'no report that can be read came',
  });
  return restart(trial, before);
}

/** Restarts a device that answers `report`, twice: see the head of this file. */
export async function liveThroughRestarts(trial: Trial): Promise<Restarts> {
  const { bench, server, limits } = trial;
  await trial.mustObey();
  const canHold = await trial.once(reserveAndRelease).then(() => true, unlessFinding);
  const told = canHold
    ? await trial.reserve({ holdMs: HOLD_MS })
    : await asked(trial, server.command({ name: 'report' }));
  const first = await restart(trial, told.reply.report);
  await bench.listen(limits.spentMs);
  const deposed = server.takeOver();
  const overtaken = server.takeN();
  await server.askWhenBack(server.command({ name: 'report' }));
  const refused = server.command({ name: 'report', epoch: deposed });
  await server.ask(refused);
  // Only the last one tells of the epoch that counts, and a repeated number makes the device do nothing else.
  const overtakenEpoch = server.takeOver();
  const { report } = await server.ask({ ...refused, epoch: server.epoch });
  const second = await restart(trial, report);
  // Nothing before this may tell the device of the present number and epoch again.
  const command = server.command({ name: 'report', n: overtaken, epoch: overtakenEpoch });
  const reply = await server.askWhenBack(command);
  return { restarts: [first, second], first: { command, reply }, hold: canHold ? told.command.id : null };
}

async function asked(
  { server }: Trial,
  command: Command,
): Promise<{ readonly command: Command; readonly reply: Reply }> {
  return { command, reply: await server.ask(command) };
}

function unlessFinding(error: unknown): false {
  if (!isFinding(error)) throw error;
  return false;
}

/** Restarts the device and waits until it reports of another boot. */
async function restart(trial: Trial, before: Report): Promise<Restart> {
  const { bench, limits } = trial;
  const mark = bench.publishes.length;
  const restartedAt = bench.now();
  await trial.restart();
  const isNew = (report: Report): boolean =>
    report.boot !== before.boot || isContradicted(bench.publishes, mark, report);
  const found = await bench.until(() => newReports(bench.publishes, mark, isNew)[0] ?? null, {
    withinMs: limits.patienceMs,
    what: 'it was restarted, and no report of another boot came',
  });
  bench.beginLife(mark, isNew);
  const reports = newReports(bench.publishes, mark, ({ boot }) => boot === found.boot);
  const after = [...reports].sort((a, b) => a.seq - b.seq)[0] ?? found;
  const heardAt = bench.publishes.slice(mark).find((publish) => publish.reports.includes(after))?.at;
  return { before, after, passedMs: (heardAt ?? bench.now()) - restartedAt };
}

/** The reports of publish `mark` or later that are of the boot that is waited for. */
export function newReports(
  publishes: readonly Publish[],
  mark: number,
  isNew: (report: Report) => boolean,
): readonly Report[] {
  return publishes.slice(mark).flatMap(({ reports }) => reports.filter(isNew));
}

/** True when the number was given to other contents before. */
function isContradicted(publishes: readonly Publish[], mark: number, report: Report): boolean {
  const content = JSON.stringify(report);
  return publishes
    .slice(0, mark)
    .some(({ reports }) =>
      reports.some(
        (known) =>
          known.boot === report.boot && known.seq === report.seq && JSON.stringify(known) !== content,
      ),
    );
}
