/** What a device still knows after it was switched off and on. */
import { ringName, seconds } from '../bench.ts';
import { entryName, mustBeDone, mustBeRejected } from '../counterpart.ts';
import { Broken, NotTestable } from '../finding.ts';
import { positionName } from '../publish.ts';
import {
  liveThroughOneRestart,
  liveThroughRestarts,
  newReports,
  type Restart,
  type Restarts,
} from '../restart.ts';
import { type Rule } from '../rule.ts';
import type { Trial } from '../trial.ts';

/** The rules, in the order in which they are tested. */
export const restartRules: readonly Rule[] = [
  {
    id: 'boot-changes',
    level: 'sensor',
    sentence: 'gives each start another `boot`, and counts `seq` anew in it',
    section: 'boot-and-seq',
    needs: ['restart'],
    restsOn: [],
    check: async (trial) => bootChanges(await trial.once(liveThroughOneRestart)),
  },
  {
    id: 'uptime-begins',
    level: 'sensor',
    sentence: 'counts its uptime from the start of the boot, not from that of its host or from the year 1970',
    section: 'clocks',
    needs: ['restart'],
    restsOn: ['boot-changes'],
    check: async (trial) => uptimeBegins(await trial.once(liveThroughOneRestart), trial),
  },
  {
    id: 'boot-grows',
    level: 'commanded',
    sentence: 'counts its starts: `boot` is greater after a restart',
    section: 'boot-and-seq',
    needs: ['restart'],
    restsOn: ['report-answered', 'boot-changes'],
    check: async (trial) => bootGrows(await trial.once(liveThroughRestarts)),
  },
  {
    id: 'ring-survives',
    level: 'commanded',
    sentence: 'still names its last outcomes after a restart, also the one it had just reported',
    section: 'the-ring',
    needs: ['restart'],
    restsOn: ['report-answered', 'boot-changes'],
    check: async (trial) => ringSurvives(await trial.once(liveThroughRestarts)),
  },
  {
    id: 'hold-not-prolonged',
    level: 'commanded',
    sentence: 'holds no longer for being restarted, over all boots together',
    section: 'holds',
    needs: ['restart'],
    restsOn: ['report-answered', 'boot-changes', 'uptime-begins', 'hold-shown'],
    check: async (trial) => holdNotProlonged(await trial.once(liveThroughRestarts), trial),
  },
  {
    id: 'hold-survives',
    level: 'full',
    sentence: 'goes on holding after a restart',
    section: 'holds',
    needs: ['restart'],
    restsOn: ['report-answered', 'boot-changes', 'uptime-begins', 'hold-shown'],
    check: async (trial) => holdSurvives(await trial.once(liveThroughRestarts)),
  },
  {
    id: 'fences-survive',
    level: 'commanded',
    sentence: 'still knows the highest number and epoch after a restart, also an epoch of a repeated command',
    section: 'what-a-device-may-forget',
    needs: ['restart'],
    restsOn: ['boot-changes', 'superseded', 'stale-epoch'],
    check: async (trial) => fencesSurvive(trial, await trial.once(liveThroughRestarts)),
  },
  {
    id: 'reboots',
    level: 'commanded',
    sentence: 'starts anew when told to `reboot`, and names it done in the first report of the next boot',
    section: 'reboot-the-command',
    needs: [],
    restsOn: ['report-answered', 'boot-grows', 'ring-survives'],
    check: reboots,
  },
];

function bootChanges({ before, after }: Restart): string {
  if (after.boot === before.boot)
    throw new Broken(`boot ${String(before.boot)} was followed by boot ${String(after.boot)} again`);
  // A number may be missing here: a small buffer lets the first report go when a second one comes before the connection.
  if (after.seq > before.seq)
    throw new Broken(`${positionName(before)} was followed by ${positionName(after)}: it goes on counting`);
  return `${positionName(before)} was followed by ${positionName(after)}`;
}

function uptimeBegins({ after, passedMs }: Restart, { limits }: Trial): string {
  const passed = `${String(Math.ceil(passedMs))} ms after it was switched off`;
  const said = `${positionName(after)} says uptime ${String(after.up)}, at most ${passed}`;
  if (after.up > passedMs + limits.tickMs) throw new Broken(said);
  return said;
}

function bootGrows({ restarts }: Restarts): string {
  for (const { before, after } of restarts) {
    if (after.boot < before.boot)
      throw new Broken(`boot ${String(before.boot)} was followed by boot ${String(after.boot)}`);
  }
  return restarts
    .map(({ before, after }) => `${String(before.boot)} became ${String(after.boot)}`)
    .join(', ');
}

function ringSurvives({ restarts }: Restarts): string {
  for (const { before, after } of restarts) {
    const entries = (before.commands ?? []).map((entry) => `${String(entry.n)} ${entryName(entry)}`);
    const kept = new Set((after.commands ?? []).map((entry) => `${String(entry.n)} ${entryName(entry)}`));
    const lost = entries.filter((entry) => !kept.has(entry));
    if (lost.length > 0) {
      throw new Broken(
        `${positionName(after)} does not name ${lost.join(', ')}; it names ${ringName(after)}`,
      );
    }
  }
  return `all entries, ${String(restarts.length)} times`;
}

/** What is left of a hold is counted from the start of the boot: the time that the device was off is nobody's to measure. */
function holdNotProlonged({ restarts, hold }: Restarts, { limits }: Trial): string {
  mustHaveHeld(hold);
  const seen = restarts.map(({ before, after }) => {
    const left = after.hold ?? null;
    if (left === null) return 'it let go';
    const leftBefore = before.hold?.id === left.id ? before.hold.leftMs : 0;
    const leftAfter = left.leftMs + after.up;
    if (leftAfter > leftBefore + limits.tickMs) {
      throw new Broken(
        `${positionName(before)} had ${String(leftBefore)} ms left of its hold, and ${positionName(after)} ${String(left.leftMs)} ms at uptime ${String(after.up)}`,
      );
    }
    return `${String(leftBefore)} ms were left, and ${String(leftAfter)} ms after it`;
  });
  return seen.join(', ');
}

function holdSurvives({ restarts, hold }: Restarts): string {
  mustHaveHeld(hold);
  for (const { before, after } of restarts) {
    const left = after.hold ?? null;
    if (left?.id === hold) continue;
    throw new Broken(
      `${positionName(before)} had ${seconds(before.hold?.leftMs ?? 0)} left of its hold, and ${positionName(after)} shows ${left === null ? 'none' : `one of ${left.id}`}`,
    );
  }
  return `${String(restarts.length)} times, with ${restarts.map(({ after }) => seconds(after.hold?.leftMs ?? 0)).join(' and ')} left`;
}

function mustHaveHeld(hold: string | null): void {
  if (hold === null) throw new NotTestable('the device could not be reserved before the restart');
}

async function fencesSurvive({ server }: Trial, { first }: Restarts): Promise<string> {
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
