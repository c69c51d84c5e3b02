/** What must be true of everything a device has published in the course of a trial: judged when all else is done. */
import {
  comparePositions,
  type Report,
  RING_SIZE_MAX,
  type RingEntry,
  UNDECIDED,
} from '../../../machines/report.ts';
import { FRAME_REPORTS_MAX } from '../../../src/wire/report.ts';
import { type Bench, count, ringName, seconds } from '../bench.ts';
import type { Sent } from '../counterpart.ts';
import type { TrialLimits } from '../limits.ts';
import { byBoot, holeIn } from '../numbering.ts';
import { uptimePace } from '../pace.ts';
import { positionName, type Publish } from '../publish.ts';
import { type Rule } from '../rule.ts';
import type { Trial } from '../trial.ts';
import { Broken, NotSeen, NotTestable } from '../finding.ts';

/** The rules, in the order in which they are tested. */
export const reportRules: readonly Rule[] = [
  {
    id: 'numbering',
    level: 'sensor',
    sentence: 'counts its reports in each boot, and leaves no number out of what is acknowledged',
    section: 'boot-and-seq',
    needs: [],
    restsOn: [],
    check: numbering,
  },
  {
    id: 'complete',
    level: 'full',
    sentence: 'delivers every report that it has numbered, in the end',
    section: 'delivery',
    needs: [],
    restsOn: ['numbering', 'nothing-lost'],
    check: complete,
  },
  {
    id: 'encoding',
    level: 'sensor',
    sentence: 'writes MessagePack or JSON, so that the first byte tells which',
    section: 'encodings',
    needs: [],
    restsOn: [],
    check: async ({ bench }) => encoding(bench.publishes),
  },
  {
    id: 'readable',
    level: 'sensor',
    sentence: `publishes one report, or a list of at most ${FRAME_REPORTS_MAX.toLocaleString('en')}, each with what is required of it`,
    section: 'the-report',
    needs: [],
    restsOn: [],
    check: async ({ bench }) => readable(bench.publishes),
  },
  {
    id: 'asks-for-ack',
    level: 'sensor',
    sentence: 'publishes as a request, so that the stream can acknowledge it',
    section: 'delivery',
    needs: [],
    restsOn: [],
    check: async ({ bench }) => asksForAck(bench.publishes),
  },
  {
    id: 'one-content',
    level: 'sensor',
    sentence: 'never gives one number to two contents: what is sent again is sent as it was',
    section: 'boot-and-seq',
    needs: [],
    restsOn: [],
    check: async ({ bench }) => oneContent(bench.publishes),
  },
  {
    id: 'frames-in-order',
    level: 'sensor',
    sentence: 'lists the reports of a frame in their order',
    section: 'frames',
    needs: [],
    restsOn: [],
    check: async ({ bench }) => framesInOrder(bench.publishes),
  },
  {
    id: 'not-again',
    level: 'sensor',
    sentence: 'sends nothing again that was acknowledged',
    section: 'delivery',
    needs: [],
    restsOn: [],
    check: async ({ bench }) => notAgain(bench),
  },
  {
    id: 'uptime',
    level: 'sensor',
    sentence: 'has an uptime in ms that never falls within a boot and keeps pace with real time',
    section: 'clocks',
    needs: [],
    restsOn: ['one-content'],
    check: uptimePace,
  },
  {
    id: 'since',
    level: 'sensor',
    sentence: 'says of each binary sensor since when it is as it is',
    section: 'the-report',
    needs: [],
    restsOn: [],
    check: async (trial) => since(trial),
  },
  {
    id: 'ring-order',
    level: 'answering',
    sentence: 'lists each outcome once, the highest number first',
    section: 'the-ring',
    needs: [],
    restsOn: ['report-answered'],
    check: async ({ bench }) => ringOrder(bench.publishes),
  },
  {
    id: 'last-words',
    level: 'commanded',
    sentence:
      'keeps what it names undecided in its ring until it amends it, takes no last word back, and says `unknown` with the boot that has ended',
    section: 'outcomes',
    needs: [],
    restsOn: ['repeat-outcome', 'repeat-not-executed'],
    check: async ({ bench }) => lastWords(bench.publishes),
  },
  {
    id: 'no-false-proof',
    level: 'commanded',
    sentence: 'reports nothing between the start of an execution and its recorded outcome',
    section: 'nothing-is-reported-in-between',
    needs: [],
    restsOn: ['report-answered', 'superseded', 'too-late'],
    check: async ({ bench, server }) => noFalseProof(bench.publishes, server.sent),
  },
];

function encoding(publishes: readonly Publish[]): string {
  const wrong = publishes.find((publish) => publish.encoding === null);
  if (wrong !== undefined)
    throw new Broken(`publish ${String(wrong.index + 1)}: ${wrong.problems.join('; ')}`);
  const used = [...new Set(publishes.map((publish) => publish.encoding))];
  return `${used.join(' and ')}, in ${count(publishes.length, 'payload')}`;
}

function readable(publishes: readonly Publish[]): string {
  const wrong = publishes.filter(({ problems }) => problems.length > 0);
  const [first] = wrong;
  if (first === undefined) return count(publishes.flatMap(({ reports }) => reports).length, 'report');
  const others = wrong.length === 1 ? '' : ` (and in ${count(wrong.length - 1, 'other payload')})`;
  throw new Broken(`publish ${String(first.index + 1)}: ${first.problems[0] ?? ''}${others}`);
}

function asksForAck(publishes: readonly Publish[]): string {
  const wrong = publishes.find((publish) => !publish.asksForAck);
  if (wrong !== undefined) {
    throw new Broken(
      `publish ${String(wrong.index + 1)} (${wrong.reports.map(positionName).join(', ')}) has no reply subject`,
    );
  }
  return `all of ${String(publishes.length)}`;
}

async function numbering({ bench, limits }: Trial): Promise<string> {
  const excuse = { interruptions: bench.interruptions, idleMs: limits.quietMs };
  return unbroken(bench, limits, (publishes) => holeIn({ publishes, excuse }));
}

async function complete({ bench, limits }: Trial): Promise<string> {
  return unbroken(bench, limits, (publishes) => holeIn({ publishes }));
}

/** Waits a while for what is still missing. */
async function unbroken(
  bench: Bench,
  { drainedMs }: TrialLimits,
  holeOf: (publishes: readonly Publish[]) => string | null,
): Promise<string> {
  try {
    await bench.until(() => (holeOf(bench.publishes) === null ? true : null), {
      withinMs: drainedMs,
      what: 'what is missing did not come',
    });
  } catch (error) {
    if (!(error instanceof NotSeen)) throw error;
  }
  const missing = holeOf(bench.publishes);
  if (missing !== null) throw new Broken(missing);
  return byBoot(bench.publishes)
    .map(
      (reports) =>
        `${reports.slice(0, 1).map(positionName).join()} to ${reports.slice(-1).map(positionName).join()}`,
    )
    .join(', ');
}

function oneContent(publishes: readonly Publish[]): string {
  const contents = new Map<string, string>();
  let copies = 0;
  for (const report of publishes.flatMap(({ reports }) => reports)) {
    const name = positionName(report);
    const content = JSON.stringify(report);
    const known = contents.get(name);
    if (known !== undefined && known !== content)
      throw new Broken(`${name} came as ${known} and as ${content}`);
    copies += known === undefined ? 0 : 1;
    contents.set(name, content);
  }
  return `${count(contents.size, 'number')}, ${count(copies, 'copy').replace('copys', 'copies')}`;
}

function framesInOrder(publishes: readonly Publish[]): string {
  const frames = publishes.filter(({ reports }) => reports.length > 1);
  for (const { reports } of frames) {
    reports.forEach((report, index) => {
      const previous = reports[index - 1];
      if (previous !== undefined && comparePositions(report, previous) <= 0) {
        throw new Broken(`a frame lists ${positionName(report)} after ${positionName(previous)}`);
      }
    });
  }
  if (frames.length === 0) throw new NotTestable('the device sent no frame');
  return count(frames.length, 'frame');
}

function notAgain({ publishes, interruptions }: Bench): string {
  const acked = new Map<string, Publish>();
  let reports = 0;
  for (const publish of publishes) {
    // The last acks before the kit cut the device off may not have arrived.
    if (interruptions.includes(publish.index)) acked.clear();
    for (const name of publish.reports.map(positionName)) {
      const before = acked.get(name);
      if (before !== undefined) {
        throw new Broken(`${name} was acknowledged, and came again ${seconds(publish.at - before.at)} later`);
      }
      if (publish.answer === 'ack') acked.set(name, publish);
      reports += 1;
    }
  }
  return count(reports, 'report');
}

/** Of two reports, the later one cannot place the last change of an unchanged sensor earlier, nor that of a changed one before the first. */
function since({ bench, limits }: Trial): string {
  let compared = 0;
  for (const reports of byBoot(bench.publishes)) {
    reports.forEach((report, index) => {
      const previous = reports[index - 1];
      if (previous === undefined) return;
      for (const [sensor, sinceMs] of Object.entries(report.since ?? {})) {
        const before = previous.since?.[sensor];
        if (before === undefined || typeof report.sensors[sensor] !== 'boolean') continue;
        compared += 1;
        const isChanged = report.sensors[sensor] !== previous.sensors[sensor];
        const changedUp = report.up - sinceMs;
        const earliestUp = isChanged ? previous.up : previous.up - before;
        if (changedUp >= earliestUp - limits.tickMs) continue;
        throw new Broken(
          `${positionName(report)} says that ${sensor} last changed at uptime ${String(changedUp)}, ${positionName(previous)} that it ${isChanged ? `had not changed by ${String(previous.up)}` : `changed at ${String(earliestUp)}`}`,
        );
      }
    });
  }
  if (compared === 0) throw new NotTestable('no binary sensor came with `since` twice');
  return count(compared, 'comparison');
}

function ringOrder(publishes: readonly Publish[]): string {
  for (const report of publishes.flatMap(({ reports }) => reports)) {
    const numbers = (report.commands ?? []).map(({ n }) => n);
    const isFalling = numbers.every((n, index) => index === 0 || n < (numbers[index - 1] ?? 0));
    if (!isFalling) throw new Broken(`${positionName(report)} names ${ringName(report)}`);
  }
  return 'in every report';
}

/** What is undecided may take effect while it is in the ring, and nobody is told that it may when it is not. */
function lastWords(publishes: readonly Publish[]): string {
  const words = new Map<number, RingEntry>();
  const reports = byBoot(publishes).flat().sort(comparePositions);
  let amended = 0;
  for (const report of reports.filter(({ commands }) => commands !== undefined)) {
    const named = new Map((report.commands ?? []).map((entry) => [entry.n, entry]));
    for (const [n, { outcome }] of words) {
      if (outcome === UNDECIDED && !named.has(n))
        throw new Broken(`${positionName(report)} does not name n ${String(n)}, which was undecided`);
    }
    for (const [n, entry] of named) {
      const before = words.get(n)?.outcome;
      if (before !== undefined && before !== UNDECIDED && before !== entry.outcome)
        throw new Broken(`${positionName(report)} names n ${String(n)} ${entry.outcome}, after ${before}`);
      if (entry.outcome === 'unknown' && !(entry.fence !== undefined && entry.fence.boot < report.boot))
        throw new Broken(
          `${positionName(report)} names n ${String(n)} unknown without a \`fence\` of an earlier boot`,
        );
      if (before === UNDECIDED && entry.outcome !== UNDECIDED) amended += 1;
      words.set(n, entry);
    }
  }
  return `${count(words.size, 'command')}, ${String(amended)} amended`;
}

/**
 * A report that does not name a command proves to the server that it was not executed, when it names a later one, or was
 * measured in the same boot after the deadline. The device must not say so of what it names done afterwards. One that shows the
 * hold of a `reserve` proves that it was executed: what is said before it is recorded is taken back by a power cut.
 */
function noFalseProof(publishes: readonly Publish[], sent: readonly Sent[]): string {
  const reports = byBoot(publishes).flat();
  let checked = 0;
  for (const { command } of sent) {
    const { n, id, boot, notAfterUp } = command;
    const proof = reports.findIndex(({ commands }) =>
      commands?.some((named) => named.n === n && named.outcome === 'done'),
    );
    const before = proof === -1 ? reports : reports.slice(0, proof);
    const early = before.find((report) => report.hold?.id === id && isSilentOn(report, n));
    if (early !== undefined)
      throw new Broken(`${positionName(early)} shows the hold of ${id} and does not name its n ${String(n)}`);
    const done = reports[proof];
    if (done === undefined || boot === undefined || notAfterUp === undefined) continue;
    checked += 1;
    const denial = before.find((report) => report.boot === boot && denies(report, n, report.up > notAfterUp));
    if (denial !== undefined) {
      throw new Broken(
        `${positionName(denial)} does not name n ${String(n)}, ${String(denial.up - notAfterUp)} ms after its deadline; ${positionName(done)} names it done`,
      );
    }
  }
  if (checked === 0) throw new NotTestable('no command with a deadline was done');
  return count(checked, 'executed command');
}

/** True when the report says by its silence that `n` was not executed. */
function denies(report: Report, n: number, isAfterDeadline: boolean): boolean {
  const namesLater = report.commands?.some((named) => named.n > n) === true;
  return isSilentOn(report, n) && (isAfterDeadline || namesLater);
}

/** True when the report does not name `n`, and cannot have dropped it from a full ring. */
function isSilentOn({ commands }: Report, n: number): boolean {
  if (commands === undefined || commands.some((named) => named.n === n)) return false;
  return commands.length < RING_SIZE_MAX || !commands.every((named) => named.n > n);
}
