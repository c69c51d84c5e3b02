/** What a device does with commands that must not be executed: repeated, overtaken, of a deposed sender, or too late. */
import type { Command } from '../../../machines/command.ts';
import { ringName } from '../bench.ts';
import { entryName, mustBeDone, mustBeRejected, type Reply } from '../counterpart.ts';
import { type Rule } from '../rule.ts';
import type { Trial } from '../trial.ts';
import { Broken } from '../finding.ts';

/** The rules, in the order in which they are tested. */
export const refusalRules: readonly Rule[] = [
  {
    id: 'repeat-outcome',
    level: 'answering',
    sentence: 'answers a repeated number at once with its stored outcome',
    section: 'the-order-of-checks',
    needs: [],
    restsOn: ['unknown-command'],
    check: repeatOutcome,
  },
  {
    id: 'repeat-not-executed',
    level: 'commanded',
    sentence: 'does not execute a repeated number again',
    section: 'the-order-of-checks',
    needs: [],
    restsOn: ['executes', 'hold-shown'],
    check: repeatNotExecuted,
  },
  {
    id: 'superseded',
    level: 'answering',
    sentence: 'rejects a number below the highest it has handled as `superseded`',
    section: 'the-order-of-checks',
    needs: [],
    restsOn: ['report-answered'],
    check: superseded,
  },
  {
    id: 'stale-epoch',
    level: 'answering',
    sentence:
      'rejects an epoch below the highest it has seen as `stale-epoch`, whatever became of that command',
    section: 'epochs',
    needs: [],
    restsOn: ['report-answered'],
    check: staleEpoch,
  },
  {
    id: 'other-boot',
    level: 'commanded',
    sentence: 'rejects a command of another boot as `other-boot`',
    section: 'deadlines',
    needs: [],
    restsOn: ['report-answered'],
    check: otherBoot,
  },
  {
    id: 'too-late',
    level: 'commanded',
    sentence: 'rejects a command whose `notAfterUp` has passed as `too-late`',
    section: 'deadlines',
    needs: [],
    restsOn: ['report-answered'],
    check: tooLate,
  },
  {
    id: 'no-deadline',
    level: 'commanded',
    sentence: 'executes nothing but `report` without `boot` and `notAfterUp`',
    section: 'deadlines',
    needs: [],
    restsOn: ['executes'],
    check: noDeadline,
  },
  {
    id: 'check-order',
    level: 'commanded',
    sentence: 'checks in the order of the contract: the first objection counts',
    section: 'the-order-of-checks',
    needs: [],
    restsOn: ['unknown-command', 'repeat-outcome', 'superseded', 'stale-epoch', 'other-boot', 'too-late'],
    check: checkOrder,
  },
];

async function repeatOutcome({ server }: Trial): Promise<string> {
  const done = server.command({ name: 'report' });
  mustBeDone(done, await server.ask(done));
  const refused = server.command({ name: 'conform-nonsense' });
  const first = await server.ask(refused);
  const again = await server.ask(refused);
  mustBeTheSame(refused, first, again);
  mustBeDone(done, await server.ask(done));
  return `n ${String(done.n)} stayed done, n ${String(refused.n)} stayed ${entryName(first.entry)}`;
}

function mustBeTheSame({ n }: Command, first: Reply, again: Reply): void {
  const entries = again.report.commands?.filter((named) => named.n === n) ?? [];
  if (entries.length !== 1)
    throw new Broken(`n ${String(n)} is named ${String(entries.length)} times: ${ringName(again.report)}`);
  if (entryName(first.entry) === entryName(again.entry)) return;
  throw new Broken(
    `n ${String(n)} was ${entryName(first.entry)}, and became ${entryName(again.entry)} when it came again`,
  );
}

async function repeatNotExecuted(trial: Trial): Promise<string> {
  const { server, limits } = trial;
  const { command, reply } = await trial.reserve();
  await trial.bench.listen(limits.stepMs);
  const held = await server.ask(command);
  const end = endUp(reply);
  const endAgain = endUp(held);
  if (end !== null && endAgain !== null && endAgain > end + limits.tickMs) {
    throw new Broken(
      `the repetition began the hold anew: it ended at uptime ${String(end)}, and then at ${String(endAgain)}`,
    );
  }
  await trial.freeDevice();
  const free = await server.ask(command);
  if (free.report.hold?.id === command.id) {
    throw new Broken(`n ${String(command.n)}, repeated after its hold was released, holds the device again`);
  }
  return `\`reserve\` with n ${String(command.n)} came three times, and was executed once`;
}

/** The uptime at which the hold in a report ends, or `null` where it shows none. */
function endUp({ report }: Reply): number | null {
  return report.hold === undefined || report.hold === null ? null : report.up + report.hold.leftMs;
}

async function superseded(trial: Trial): Promise<string> {
  const { server } = trial;
  await trial.freeDevice();
  const overtaken = trial.reserveCommand();
  const later = server.command({ name: 'report' });
  mustBeDone(later, await server.ask(later));
  mustBeRejected(overtaken, await server.ask(overtaken), 'superseded');
  return `n ${String(overtaken.n)} came after n ${String(later.n)}`;
}

async function staleEpoch(trial: Trial): Promise<string> {
  const { server } = trial;
  await trial.freeDevice();
  const past = pastDeadline(await server.reportWithPast());
  const deposed = [server.takeOver()];
  await server.report();
  const late = trial.reserveCommand({ epoch: deposed[0] ?? 0 });
  mustBeRejected(late, await server.ask(late), 'stale-epoch');
  // Whatever becomes of a command, it tells of its sender's epoch: also one that is repeated, and one that is too late.
  const repeated = server.command({ name: 'report' });
  await server.ask(repeated);
  for (const announcing of [repeated, trial.reserveCommand(past)]) {
    const epoch = server.takeOver();
    deposed.push(epoch);
    await server.ask({ ...announcing, epoch: server.epoch });
    const fenced = server.command({ name: 'report', epoch });
    mustBeRejected(fenced, await server.ask(fenced), 'stale-epoch');
  }
  const present = server.command({ name: 'report' });
  mustBeDone(present, await server.ask(present));
  return `epochs ${deposed.join(', ')}, each after a higher one`;
}

/** A deadline of the present boot that has passed. */
function pastDeadline({
  boot,
  up,
}: {
  readonly boot: number;
  readonly up: number;
}): Pick<Command, 'boot' | 'notAfterUp'> {
  return { boot, notAfterUp: up - 1 };
}

async function otherBoot(trial: Trial): Promise<string> {
  const { server } = trial;
  await trial.freeDevice();
  const { boot } = (await server.report()).report;
  const others = [boot + 1, ...(boot > 0 ? [boot - 1] : [])];
  for (const other of others) {
    const command = trial.reserveCommand({ boot: other });
    mustBeRejected(command, await server.ask(command), 'other-boot');
  }
  return `boots ${others.join(' and ')}, in boot ${String(boot)}`;
}

async function tooLate(trial: Trial): Promise<string> {
  await trial.freeDevice();
  const deadline = pastDeadline(await trial.server.reportWithPast());
  const command = trial.reserveCommand(deadline);
  const reply = await trial.server.ask(command);
  mustBeRejected(command, reply, 'too-late');
  return `notAfterUp ${String(deadline.notAfterUp)}, at uptime ${String(reply.report.up)}`;
}

async function noDeadline(trial: Trial): Promise<string> {
  const { server } = trial;
  await trial.freeDevice();
  const { boot, notAfterUp, ...bare } = trial.reserveCommand();
  if (boot === undefined || notAfterUp === undefined) throw new Error('a reserve has a deadline');
  mustBeRejected(bare, await server.ask(bare));
  const half = { ...bare, n: server.takeN(), boot };
  mustBeRejected(half, await server.ask(half));
  const other = { ...bare, n: server.takeN(), notAfterUp };
  mustBeRejected(other, await server.ask(other));
  return '`reserve` without both, without `notAfterUp`, and without `boot`';
}

/** Each command gives two or more reasons to refuse it; the one that comes first in the contract counts. */
async function checkOrder(trial: Trial): Promise<string> {
  const { server } = trial;
  await trial.freeDevice();
  server.takeOver();
  const stored = server.command({ name: 'report' });
  mustBeDone(stored, await server.ask(stored));
  const overtaken = server.takeN();
  const past = pastDeadline(await server.reportWithPast());
  const wrong = { epoch: server.epoch - 1, boot: (past.boot ?? 0) + 1, notAfterUp: past.notAfterUp ?? 0 };
  const { epoch: _epoch, ...late } = wrong;
  const repeated: Command = { ...stored, name: 'reserve', holdMs: 1_000, ...wrong };
  const { entry } = await server.ask(repeated);
  if (entry.outcome !== 'done') {
    throw new Broken(
      `a repeated number with everything else wrong became ${entryName(entry)}, not its stored done`,
    );
  }
  const cases = [
    { command: trial.reserveCommand({ n: overtaken, ...wrong }), reason: 'superseded' },
    { command: trial.reserveCommand(wrong), reason: 'stale-epoch' },
    { command: trial.reserveCommand(late), reason: 'other-boot' },
    { command: server.command({ name: 'conform-nonsense', ...past }), reason: 'too-late' },
  ];
  for (const { command, reason } of cases) mustBeRejected(command, await server.ask(command), reason);
  return `the stored outcome, then ${cases.map(({ reason }) => reason).join(', ')}, then its own state`;
}
