/** What a device does with commands that are in order. */
import { RING_SIZE_MAX, type Report } from '../../../machines/report.ts';
import { count, ringName } from '../bench.ts';
import { entryName, mustBeDone, mustBeRejected } from '../counterpart.ts';
import { positionName } from '../publish.ts';
import { type Rule } from '../rule.ts';
import { footing, reserveAndRelease, type Trial } from '../trial.ts';
import { Broken, NotSeen } from '../finding.ts';

/** No kind has a command of this name. */
const NONSENSE = 'conform-nonsense';

/** The rules, in the order in which they are tested. */
export const commandRules: readonly Rule[] = [
  {
    id: 'report-answered',
    level: 'answering',
    sentence: 'answers `report` at once with a report that names it done',
    section: 'report-the-command',
    needs: [],
    restsOn: [],
    check: reportAnswered,
  },
  {
    id: 'executes',
    level: 'commanded',
    sentence: 'executes `reserve` and `release` when nothing forbids them, and names them done',
    section: 'commands',
    needs: [],
    restsOn: ['report-answered'],
    check: (trial) => trial.once(reserveAndRelease),
  },
  {
    id: 'unknown-fields',
    level: 'answering',
    sentence: 'takes a command that has fields it does not know',
    section: 'commands',
    needs: [],
    restsOn: ['report-answered'],
    check: unknownFields,
  },
  {
    id: 'unreadable-ignored',
    level: 'answering',
    sentence: 'ignores what is no command, and goes on',
    section: 'what-cannot-be-read',
    needs: [],
    restsOn: ['report-answered'],
    check: unreadableIgnored,
  },
  {
    id: 'unknown-command',
    level: 'answering',
    sentence: 'rejects a command that it does not know',
    section: 'outcomes',
    needs: [],
    restsOn: ['report-answered'],
    check: unknownCommand,
  },
  {
    id: 'large-numbers',
    level: 'commanded',
    sentence: 'takes a deadline beyond 2^32 ms, in the number format it comes in',
    section: 'encodings',
    needs: [],
    restsOn: ['executes'],
    check: largeNumbers,
  },
  {
    id: 'one-at-a-time',
    level: 'commanded',
    sentence: 'handles commands one by one: no report names a later one and not an earlier one',
    section: 'nothing-is-reported-in-between',
    needs: [],
    restsOn: ['executes'],
    check: oneAtATime,
  },
  {
    id: 'ring',
    level: 'answering',
    sentence: `names the outcomes of its last ${String(RING_SIZE_MAX)} commands, the highest number first`,
    section: 'the-ring',
    needs: [],
    restsOn: ['report-answered'],
    check: ring,
  },
];

async function reportAnswered(trial: Trial): Promise<string> {
  const problem = await trial.once(footing);
  trial.mustBeReadable();
  if (problem !== null) throw problem;
  let slowestMs = 0;
  for (let time = 0; time < 3; time += 1) {
    const sentAt = trial.bench.now();
    const command = trial.server.command({ name: 'report' });
    const reply = await trial.server.ask(command);
    mustBeDone(command, reply);
    slowestMs = Math.max(slowestMs, reply.at - sentAt);
  }
  return `3 times, after at most ${String(Math.ceil(slowestMs))} ms`;
}

async function unknownFields({ server }: Trial): Promise<string> {
  const command = server.command({ name: 'report' });
  const extra = { sig: 'c2lnbmF0dXJl', trace: { span: [1, null, { deep: true }] }, hint: -1.5 };
  mustBeDone(command, await server.ask(command, extra));
  return `a \`report\` with ${Object.keys(extra).join(', ')} was answered`;
}

async function unreadableIgnored(trial: Trial): Promise<string> {
  const { bench, server } = trial;
  const before = (await server.report()).report;
  const nonsense = unreadablePayloads(trial);
  for (const payload of nonsense) bench.send(payload);
  const { report } = await server.report().catch((error: unknown) => {
    if (error instanceof NotSeen)
      throw new Broken(`after ${count(nonsense.length, 'unreadable payload')}: ${error.message}`);
    throw error;
  });
  if (report.boot !== before.boot) {
    throw new Broken(`it restarted: boot ${String(before.boot)} became ${String(report.boot)}`);
  }
  const added = namesAdded(before, report);
  if (added.length !== 1)
    throw new Broken(`it named more than the \`report\` that followed: ${ringName(report)}`);
  return `${count(nonsense.length, 'unreadable payload')} left no trace, and the \`report\` behind them was answered`;
}

/** Payloads that are no commands; each that could be taken for one asks for something that would show. */
function unreadablePayloads({ server }: Trial): readonly Uint8Array[] {
  const text = (value: string): Uint8Array => new TextEncoder().encode(value);
  const n = server.takeN();
  const envelope = {
    n,
    epoch: server.epoch,
    id: `conform-${String(n)}`,
    ...server.deadline(20_000),
    holdMs: 1_000,
  };
  const whole = JSON.stringify({ ...envelope, name: 'reserve' });
  return [
    new Uint8Array(),
    new Uint8Array([0xc1, 0xff, 0x00]),
    text('[1,2,3]'),
    text('null'),
    text(whole.slice(0, -1)),
    text(JSON.stringify(envelope)),
    text(JSON.stringify({ ...envelope, n: String(n), name: 'reserve' })),
    text(JSON.stringify({ ...envelope, n: -1, name: 'reserve' })),
    new Uint8Array([0x82, 0xa1, 0x6e, 0x01, 0xa5]),
  ];
}

function namesAdded(before: Report, after: Report): readonly number[] {
  const known = new Set((before.commands ?? []).map(({ n }) => n));
  return (after.commands ?? []).map(({ n }) => n).filter((n) => !known.has(n));
}

async function unknownCommand({ server }: Trial): Promise<string> {
  const command = server.command({ name: NONSENSE });
  const reply = await server.ask(command);
  mustBeRejected(command, reply);
  return `\`${NONSENSE}\` became ${entryName(reply.entry)}`;
}

async function largeNumbers(trial: Trial): Promise<string> {
  const notAfterUp = 2 ** 32 + 1;
  await trial.once(reserveAndRelease);
  await trial.freeDevice();
  const command = trial.reserveCommand({ notAfterUp });
  const reply = await trial.server.ask(command);
  mustBeDone(command, reply);
  await trial.freeDevice();
  return `notAfterUp ${String(notAfterUp)} was understood in ${trial.bench.encoding} (${entryName(reply.entry)})`;
}

/** Sends three at once, the first with a short deadline: a device that reports in between says what is not true. */
async function oneAtATime(trial: Trial): Promise<string> {
  const { bench, server, limits } = trial;
  await trial.freeDevice();
  const mark = bench.publishes.length;
  const reserve = trial.reserveCommand(server.deadline(limits.quietMs));
  const burst = [reserve, server.command({ name: 'report' }), server.command({ name: 'report' })];
  for (const command of burst) server.send(command);
  const numbers = burst.map(({ n }) => n);
  const since = (): readonly Report[] => bench.publishes.slice(mark).flatMap(({ reports }) => reports);
  await bench.until(() => (numbers.every((n) => since().some((report) => names(report, n))) ? true : null), {
    withinMs: limits.answerMs,
    what: `n ${numbers.join(', ')} were sent at once, and not all of them were named`,
  });
  for (const report of since()) {
    const named = numbers.filter((n) => names(report, n));
    const skipped = numbers.find((n) => n < Math.max(0, ...named) && !named.includes(n));
    if (skipped !== undefined) {
      throw new Broken(
        `report ${positionName(report)} names ${String(Math.max(...named))} and not ${String(skipped)}, which was sent before it`,
      );
    }
  }
  await trial.freeDevice();
  return `n ${numbers.join(', ')}, sent at once, were named in that order`;
}

function names({ commands }: Report, n: number): boolean {
  return commands?.some((named) => named.n === n) ?? false;
}

async function ring({ server }: Trial): Promise<string> {
  const sent: number[] = [];
  let newest: Report | null = null;
  for (let time = 0; time < RING_SIZE_MAX + 2; time += 1) {
    const command = server.command({ name: 'report' });
    newest = (await server.ask(command)).report;
    sent.unshift(command.n);
  }
  const expected = sent.slice(0, RING_SIZE_MAX);
  const named = (newest?.commands ?? []).map(({ n }) => n);
  if (named.join() !== expected.join()) {
    throw new Broken(
      `after n ${[...sent].reverse().join(', ')} it names ${named.join(', ') || 'none'}, not ${expected.join(', ')}`,
    );
  }
  return `${expected.join(', ')}, after ${count(sent.length, 'command')}`;
}
