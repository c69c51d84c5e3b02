/** How a device delivers: until it is acknowledged, one publish at a time, and after an outage the present before the past. */
import { comparePositions, type Report } from '../../../machines/report.ts';
import { count, seconds } from '../bench.ts';
import { liveThroughOutage, type Outage } from '../outage.ts';
import { type Answer, positionName, type Publish } from '../publish.ts';
import { type Rule } from '../rule.ts';
import { mustAskForAck, type Trial } from '../trial.ts';
import { Broken, NotJudged, NotTestable } from '../finding.ts';
import { holeIn } from '../numbering.ts';

/** The rules, in the order in which they are tested. */
export const deliveryRules: readonly Rule[] = [
  {
    id: 'resend-unanswered',
    level: 'sensor',
    sentence: 'sends a report again, the same, when nothing answers it',
    section: 'delivery',
    needs: [],
    restsOn: [],
    check: (trial) => resend(trial, 'nothing'),
  },
  {
    id: 'resend-refused',
    level: 'sensor',
    sentence: 'sends a report again, the same, when the answer is an error',
    section: 'delivery',
    needs: [],
    restsOn: [],
    check: (trial) => resend(trial, 'refusal'),
  },
  {
    id: 'heartbeat',
    level: 'sensor',
    sentence: 'reports by itself when nothing happens, as often as is said of it',
    section: 'the-report',
    needs: ['heartbeat'],
    restsOn: [],
    check: heartbeat,
  },
  {
    id: 'one-in-flight',
    level: 'answering',
    sentence: 'publishes nothing else while a publish is unanswered',
    section: 'delivery',
    needs: [],
    restsOn: ['report-answered'],
    check: oneInFlight,
  },
  {
    id: 'current-first',
    level: 'answering',
    sentence: 'delivers its current report first after an outage',
    section: 'after-an-outage',
    needs: [],
    restsOn: ['report-answered', 'resend-unanswered', 'resend-refused'],
    check: async (trial) => currentFirst(await trial.once(liveThroughOutage)),
  },
  {
    id: 'buffer-in-frames',
    level: 'full',
    sentence: 'delivers what it buffered oldest first, several reports to a frame',
    section: 'after-an-outage',
    needs: [],
    restsOn: ['report-answered', 'resend-unanswered', 'resend-refused'],
    check: async (trial) => bufferInFrames(await trial.once(liveThroughOutage)),
  },
  {
    id: 'nothing-lost',
    level: 'full',
    sentence: 'loses no report in an outage',
    section: 'after-an-outage',
    needs: [],
    restsOn: ['report-answered', 'resend-unanswered', 'resend-refused'],
    check: async (trial) => nothingLost(await trial.once(liveThroughOutage), trial),
  },
  {
    id: 'reconnects',
    level: 'sensor',
    sentence:
      'comes back by itself after the server was away, and takes commands again where it took them before',
    section: 'connecting',
    needs: ['own-server'],
    restsOn: [],
    check: reconnects,
  },
];

/** Withholds the ack of one publish, or refuses it, and waits until everything in it has come again. */
async function resend(trial: Trial, answer: Answer): Promise<string> {
  const { bench, limits } = trial;
  let failed: Publish | null = null;
  const mark = bench.publishes.length;
  bench.answerWith = ({ index, reports }) =>
    failed === null && index >= mark && reports.length > 0 ? answer : 'ack';
  try {
    await trial.provoke();
    const first = await trial.published(
      () => bench.publishes.slice(mark).find((publish) => publish.answer === answer) ?? null,
      'no report to leave unanswered came',
    );
    failed = first;
    mustAskForAck(first);
    const names = first.reports.map(positionName).join(', ');
    const again = await bench.until(() => resentWhole(first, bench.publishes), {
      withinMs: limits.patienceMs,
      what: `${names} ${answer === 'nothing' ? 'had no answer' : 'was refused'}, and did not come again`,
    });
    return `${names} came again after ${seconds(again.at - first.at)}`;
  } finally {
    bench.answerWith = () => 'ack';
  }
}

/** The publish with which everything in `first` has come once more, or `null`. */
function resentWhole(first: Publish, publishes: readonly Publish[]): Publish | null {
  const missing = new Set(first.reports.map(positionName));
  for (const publish of publishes.slice(first.index + 1)) {
    for (const report of publish.reports) missing.delete(positionName(report));
    if (missing.size === 0) return publish;
  }
  return null;
}

/** Leaves the device alone for the time of two heartbeats. What it sends again is none. */
async function heartbeat(trial: Trial): Promise<string> {
  const { bench, limits } = trial;
  const heartbeatMs = limits.heartbeatMs ?? 0;
  await trial.freeDevice();
  const before = bench.newest;
  await trial.provoke();
  const newerThan = (known: Report | null): Report | null => {
    const { newest } = bench;
    return newest !== null && (known === null || comparePositions(newest, known) > 0) ? newest : null;
  };
  let last = await trial.published(() => newerThan(before), 'no report to begin with came');
  const gaps: number[] = [];
  for (let beat = 0; beat < 2; beat += 1) {
    const known = last;
    last = await bench.until(() => newerThan(known), {
      withinMs: heartbeatMs + limits.answerMs,
      what: `nothing happened after ${positionName(known)}, and no report came though its heartbeat is ${seconds(heartbeatMs)}`,
    });
    gaps.push(last.up - known.up);
  }
  return `reports ${gaps.map(seconds).join(' and ')} apart while nothing happened`;
}

async function oneInFlight({ bench, server, limits }: Trial): Promise<string> {
  const mark = bench.publishes.length;
  bench.answerWith = ({ index }) => (index === mark ? 'nothing' : 'ack');
  server.send(server.command({ name: 'report' }));
  try {
    const held = await bench.until(() => bench.publishes[mark] ?? null, {
      withinMs: limits.answerMs,
      what: 'no report to leave unanswered came',
    });
    mustAskForAck(held);
    for (let time = 0; time < 3; time += 1) server.send(server.command({ name: 'report' }));
    await bench.listen(limits.quietMs);
    const early = bench.publishes[mark + 1];
    held.ackNow();
    if (early !== undefined) {
      const names = early.reports.map(positionName).join(', ');
      throw new Broken(
        `it published ${names} ${seconds(early.at - held.at)} after ${held.reports.map(positionName).join(', ')}, which was not acknowledged yet`,
      );
    }
    await bench.until(() => bench.publishes[mark + 1] ?? null, {
      withinMs: limits.patienceMs,
      what: 'three more commands were sent, the ack was given, and nothing more came',
    });
    return `nothing for ${seconds(limits.quietMs)}, while three more reports were due`;
  } finally {
    bench.answerWith = () => 'ack';
  }
}

function currentFirst({ current, delivered }: Outage): string {
  const [first] = delivered;
  const [head] = first?.reports ?? [];
  if (first === undefined || head === undefined) throw new Broken('nothing was delivered after the outage');
  if (comparePositions(head, current) < 0) {
    throw new Broken(
      `what it delivered first was ${positionName(head)}, and ${positionName(current)} had been made since`,
    );
  }
  return `${positionName(head)}, and then ${count(delivered.length - 1, 'frame')}`;
}

function bufferInFrames({ current, delivered }: Outage): string {
  const older = delivered
    .map(({ reports }) => reports.filter((report) => comparePositions(report, current) < 0))
    .filter((reports) => reports.length > 0);
  const buffered = older.flat();
  if (buffered.length < 2)
    throw new NotTestable(`only ${count(buffered.length, 'report')} came of the outage`);
  if (older.length === buffered.length) {
    throw new Broken(`each of ${count(buffered.length, 'buffered report')} came in a publish of its own`);
  }
  buffered.forEach((report, index) => {
    const previous = buffered[index - 1];
    if (previous !== undefined && comparePositions(report, previous) < 0) {
      throw new Broken(`${positionName(report)} came after ${positionName(previous)}`);
    }
  });
  return `${count(buffered.length, 'report')} in ${count(older.length, 'frame')}`;
}

function nothingLost({ current, lastBefore }: Outage, { bench, limits }: Trial): string {
  const { publishes, interruptions } = bench;
  const missing = holeIn({ publishes, excuse: { interruptions, idleMs: limits.quietMs } });
  if (missing !== null) throw new NotJudged(`\`numbering\` is broken: ${missing}`);
  const delivered = bench.publishes.filter(({ answer }) => answer === 'ack');
  const seen = new Set(delivered.flatMap(({ reports }) => reports).map(positionName));
  const lost: string[] = [];
  for (let seq = lastBefore.seq + 1; seq <= current.seq; seq += 1) {
    const name = positionName({ boot: current.boot, seq });
    if (!seen.has(name)) lost.push(name);
  }
  if (lost.length > 0) {
    const some = `${lost.slice(0, 8).join(', ')}${lost.length > 8 ? ', ...' : ''}`;
    throw new Broken(
      `${count(lost.length, 'report')} did not come until it had been silent for ${seconds(limits.drainedMs)}: ${some}`,
    );
  }
  return `${positionName({ boot: current.boot, seq: lastBefore.seq + 1 })} to ${positionName(current)} came, every one`;
}

/** Takes the server away, brings it back, and asks until the device answers. */
async function reconnects(trial: Trial): Promise<string> {
  const { bench, server, ownServer, limits } = trial;
  const answers = await trial.answers();
  bench.noteInterruption();
  await ownServer.stop();
  await bench.listen(limits.quietMs);
  await ownServer.start();
  const startedAt = bench.now();
  const mark = bench.publishes.length;
  if (!answers) {
    await trial.published(() => bench.publishes[mark] ?? null, 'the server was back, and no report came');
    return `it reported ${seconds(bench.now() - startedAt)} after the server was back`;
  }
  await server.askWhenBack(server.command({ name: 'report' }));
  return `it answered ${seconds(bench.now() - startedAt)} after the server was back`;
}
