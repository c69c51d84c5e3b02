/** What a device does with a reservation: it is a lease, which the device itself ends. */
import type { Report } from '../../../machines/report.ts';
import { seconds } from '../bench.ts';
import { mustBeRejected } from '../counterpart.ts';
import { positionName } from '../publish.ts';
import { type Rule } from '../rule.ts';
import { isFree, type Trial } from '../trial.ts';
import { Broken, NotSeen } from '../finding.ts';

/** The rules, in the order in which they are tested. */
export const holdRules: readonly Rule[] = [
  {
    id: 'hold-shown',
    level: 'commanded',
    sentence:
      'shows its hold in every report, with the id of the command and a `leftMs` that falls as its uptime rises',
    section: 'holds',
    needs: [],
    restsOn: ['executes'],
    check: async (trial) => holdShown(await trial.once(liveThroughHold), trial),
  },
  {
    id: 'hold-ends',
    level: 'commanded',
    sentence: 'ends its hold by itself when its time is over, and says so at once',
    section: 'holds',
    needs: [],
    restsOn: ['hold-shown'],
    check: async (trial) => holdEnds(await trial.once(liveThroughHold), trial),
  },
  {
    id: 'one-hold',
    level: 'commanded',
    sentence: 'rejects a second `reserve` while it is held, and keeps the first hold as it is',
    section: 'holds',
    needs: [],
    restsOn: ['hold-shown'],
    check: oneHold,
  },
];

/** A hold that nobody ended. */
interface LivedHold {
  readonly id: string;
  readonly holdMs: number;
  /** The first report that named the reservation done. */
  readonly first: Report;
  /** Every report from that one on, until the end was said, or waited for in vain; in the order of their numbers. */
  readonly reports: readonly Report[];
  /** The first report that showed no hold and that nobody had asked for; `null` when none came. */
  readonly end: Report | null;
}

/** Reserves the device, asks how it is twice, and then leaves it alone until it has let go. */
async function liveThroughHold(trial: Trial): Promise<LivedHold> {
  const { bench, server, limits } = trial;
  const { command, reply } = await trial.reserve();
  const mark = bench.publishes.findIndex(({ reports }) => reports.includes(reply.report));
  for (let time = 0; time < 2; time += 1) {
    await bench.listen(limits.holdMs / 4);
    await server.report();
  }
  const since = (): readonly Report[] =>
    bench.publishes
      .slice(mark)
      .flatMap(({ reports }) => reports)
      .filter(({ boot, seq }) => boot === reply.report.boot && seq >= reply.report.seq)
      .sort((a, b) => a.seq - b.seq);
  const leftMs = Math.max(0, reply.report.up + (reply.report.hold?.leftMs ?? limits.holdMs) - server.upNow());
  let end: Report | null = null;
  try {
    end = await bench.until(() => since().find((report) => isFree(report)) ?? null, {
      withinMs: leftMs + limits.answerMs,
      what: 'no report without the hold came',
    });
  } catch (error) {
    if (!(error instanceof NotSeen)) throw error;
    await server.report();
  }
  return { id: command.id, holdMs: limits.holdMs, first: reply.report, reports: since(), end };
}

function holdShown({ id, holdMs, first, reports }: LivedHold, { limits }: Trial): string {
  const shown = first.hold;
  if (shown === undefined || shown === null) {
    throw new Broken(`report ${positionName(first)} names the reservation done and shows no hold`);
  }
  if (shown.id !== id)
    throw new Broken(`it holds itself for ${shown.id}, and was reserved with the id ${id}`);
  if (shown.leftMs > holdMs || shown.leftMs === 0) {
    throw new Broken(`leftMs began at ${String(shown.leftMs)}, of a hold of ${String(holdMs)} ms`);
  }
  const held = reports.filter((report) => !isFree(report));
  const endsUp = first.up + shown.leftMs;
  for (const report of held) {
    const expected = Math.max(0, endsUp - report.up);
    const { leftMs = 0 } = report.hold ?? {};
    if (Math.abs(leftMs - expected) <= limits.tickMs) continue;
    throw new Broken(
      `report ${positionName(report)} says leftMs ${String(leftMs)}, ${String(report.up - first.up)} ms after it was ${String(shown.leftMs)}`,
    );
  }
  return `leftMs ${held.map(({ hold }) => String(hold?.leftMs ?? 0)).join(', ')} of ${String(holdMs)}`;
}

function holdEnds({ holdMs, first, reports, end }: LivedHold, { limits }: Trial): string {
  const endsUp = first.up + Math.min(holdMs, first.hold?.leftMs ?? holdMs);
  const overdue = reports.find((report) => !isFree(report) && report.up > endsUp + limits.tickMs);
  if (overdue !== undefined) {
    throw new Broken(
      `report ${positionName(overdue)} still shows the hold, ${String(overdue.up - endsUp)} ms after it had to end`,
    );
  }
  if (end === null) {
    throw new Broken(
      `nobody was told: no report came by itself within ${seconds(limits.answerMs)} of the end`,
    );
  }
  if (end.up < endsUp - limits.tickMs) {
    throw new Broken(`it let go at uptime ${String(end.up)}, ${String(endsUp - end.up)} ms before its time`);
  }
  return `gone at uptime ${String(end.up)}, due at ${String(endsUp)}`;
}

async function oneHold(trial: Trial): Promise<string> {
  const { server, limits } = trial;
  const { command, reply } = await trial.reserve();
  const second = trial.reserveCommand({ holdMs: 2 * limits.holdMs });
  const refused = await server.ask(second);
  mustBeRejected(second, refused);
  const held = refused.report.hold;
  if (held?.id !== command.id) {
    throw new Broken(
      `the second \`reserve\` was rejected, and yet ended the hold of the first, ${command.id}`,
    );
  }
  const endsUp = reply.report.up + (reply.report.hold?.leftMs ?? limits.holdMs);
  if (refused.report.up + held.leftMs > endsUp + limits.tickMs) {
    throw new Broken(
      `the second \`reserve\` was rejected, and yet prolonged the first to ${String(held.leftMs)} ms`,
    );
  }
  await trial.freeDevice();
  return `the second was rejected ${refused.entry.reason ?? 'without a reason'}`;
}
