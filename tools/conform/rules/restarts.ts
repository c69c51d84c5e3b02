/** What a device still knows after it was switched off and on. */
import type { Command } from '../../../machines/command.ts';
import type { Report } from '../../../machines/report.ts';
import { ringName, seconds } from '../bench.ts';
import { entryName, mustBeDone, mustBeRejected, type Reply } from '../counterpart.ts';
import { positionName, type Publish } from '../publish.ts';
import { type Rule } from '../rule.ts';
import type { Trial } from '../trial.ts';
import { Broken, NotTestable } from '../finding.ts';

/** The rules, in the order in which they are tested. */
export const restartRules: readonly Rule[] = [
  {
    id: 'boot-grows',
    sentence: 'counts its starts: `boot` is greater after a restart, and `seq` begins at 1',
    section: 'boot-and-seq',
    needs: ['answers', 'restart'],
    check: async (trial) => bootGrows(await trial.once(liveThroughRestart)),
  },
  {
    id: 'ring-survives',
    sentence: 'still names its last outcomes after a restart, also the one it had just reported',
    section: 'the-ring',
    needs: ['answers', 'restart'],
    check: async (trial) => ringSurvives(await trial.once(liveThroughRestart)),
  },
  {
    id: 'hold-survives',
    sentence: 'goes on holding after a restart, and no longer than before',
    section: 'holds',
    needs: ['answers', 'holds', 'restart'],
    check: async (trial) => holdSurvives(await trial.once(liveThroughRestart)),
  },
  {
    id: 'fences-survive',
    sentence: 'still knows the highest number and epoch after a restart',
    section: 'what-a-device-may-forget',
    needs: ['answers', 'restart'],
    check: async (trial) => fencesSurvive(trial, await trial.once(liveThroughRestart)),
  },
  {
    id: 'reboots',
    sentence: 'starts anew when told to `reboot`, and names it done in the first report of the next boot',
    section: 'reboot-the-command',
    needs: ['answers'],
    check: reboots,
  },
];

/** How long the hold lasts that a restart comes into, ms: what a device takes off it by caution leaves some. */
const HOLD_MS = 120_000;

/** A restart. */
interface Restart {
  /** The last report before. */
  readonly before: Report;
  /** The first report after, by its number. */
  readonly after: Report;
  /** The first command after it: a number below the highest handled before, of an epoch below the highest seen before. */
  readonly first: { readonly command: Command; readonly reply: Reply };
  /** The id of the hold, or `null` where the device cannot be reserved. */
  readonly hold: string | null;
}

/** Gives the device something to remember, restarts it as soon as it has said so, and waits until it is back. */
async function liveThroughRestart(trial: Trial): Promise<Restart> {
  const { bench, server, limits } = trial;
  const deposed = server.epoch;
  server.epoch += 1;
  const canHold = (await trial.lacks('holds')) === null;
  const hold = canHold ? (await trial.reserve({ holdMs: HOLD_MS })).command.id : null;
  const overtaken = server.takeN();
  const refused = server.command({ name: 'conform-nonsense' });
  const before = (await server.ask(refused)).report;
  const mark = bench.publishes.length;
  bench.noteInterruption();
  await trial.restart();
  const isNew = (report: Report): boolean =>
    report.boot !== before.boot || isContradicted(bench.publishes, mark, report);
  await bench.until(() => newReports(bench.publishes, mark, isNew)[0] ?? null, {
    withinMs: limits.patienceMs,
    what: 'it was restarted, and no report of another boot came',
  });
  bench.beginLife(mark, isNew);
  // Nothing before this may tell the device of the present number and epoch again.
  const command = server.command({ name: 'report', n: overtaken, epoch: deposed });
  const reply = await server.askWhenBack(command);
  const reports = newReports(bench.publishes, mark, ({ boot }) => boot === reply.report.boot);
  const after = [...reports].sort((a, b) => a.seq - b.seq)[0] ?? reply.report;
  return { before, after, first: { command, reply }, hold };
}

function newReports(
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

function bootGrows({ before, after }: Restart): string {
  if (after.boot <= before.boot) {
    throw new Broken(`boot ${String(before.boot)} was followed by boot ${String(after.boot)}`);
  }
  if (after.seq !== 1) throw new Broken(`the first report of the boot that came was ${positionName(after)}`);
  return `${String(before.boot)} became ${String(after.boot)}`;
}

function ringSurvives({ before, after }: Restart): string {
  const entries = (before.commands ?? []).map((entry) => `${String(entry.n)} ${entryName(entry)}`);
  const kept = new Set((after.commands ?? []).map((entry) => `${String(entry.n)} ${entryName(entry)}`));
  const lost = entries.filter((entry) => !kept.has(entry));
  if (lost.length > 0) {
    throw new Broken(`${positionName(after)} does not name ${lost.join(', ')}; it names ${ringName(after)}`);
  }
  return `all ${String(entries.length)} entries`;
}

function holdSurvives({ before, after, hold }: Restart): string {
  if (hold === null) throw new NotTestable('the device could not be reserved before the restart');
  const leftBefore = before.hold?.leftMs ?? 0;
  const left = after.hold ?? null;
  if (left?.id !== hold) {
    throw new Broken(
      `${positionName(before)} had ${seconds(leftBefore)} left of its hold, and ${positionName(after)} shows ${left === null ? 'none' : `one of ${left.id}`}`,
    );
  }
  if (left.leftMs > leftBefore) {
    throw new Broken(
      `the restart prolonged the hold from ${String(leftBefore)} to ${String(left.leftMs)} ms`,
    );
  }
  return `${String(leftBefore)} ms were left, and ${String(left.leftMs)} ms after it`;
}

async function fencesSurvive({ server }: Trial, { first }: Restart): Promise<string> {
  mustBeRejected(first.command, first.reply, 'superseded');
  const { epoch } = first.command;
  const late = server.command({ name: 'report', epoch });
  mustBeRejected(late, await server.ask(late), 'stale-epoch');
  const present = server.command({ name: 'report' });
  mustBeDone(present, await server.ask(present));
  return `n ${String(first.command.n)} was superseded, and epoch ${String(epoch)} stale`;
}

async function reboots(trial: Trial): Promise<string> {
  const { bench, server, limits } = trial;
  await trial.freeDevice();
  const command = server.command({ name: 'reboot' });
  const boot = bench.newest?.boot ?? 0;
  const mark = bench.publishes.length;
  bench.noteInterruption();
  const { entry, report } = await server.askWhenBack(command);
  if (entry.outcome === 'rejected' && report.boot === boot)
    throw new NotTestable(`\`reboot\` was answered ${entryName(entry)}`);
  if (entry.outcome !== 'done') throw new Broken(`\`reboot\` was answered ${entryName(entry)}`);
  if (report.boot <= boot)
    throw new Broken(`${positionName(report)} names it done, and is of the boot in which it was told`);
  const first = await bench.until(
    () => newReports(bench.publishes, mark, (it) => it.boot > boot)[0] ?? null,
    {
      withinMs: limits.patienceMs,
      what: 'no first report of the boot that answered came',
    },
  );
  bench.beginLife(mark, (it) => it.boot > boot);
  const isNamed = (first.commands ?? []).some(({ n }) => n === command.n);
  if (!isNamed)
    throw new Broken(`${positionName(first)} is its first report then, and names ${ringName(first)}`);
  return `${positionName(first)} names it done`;
}
