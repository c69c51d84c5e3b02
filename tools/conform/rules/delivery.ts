/** How a device delivers: until it is acknowledged, one publish at a time, and after an outage the present before the past. */
import { comparePositions } from '../../../machines/report.ts';
import { count, seconds } from '../bench.ts';
import { liveThroughOutage, type Outage } from '../outage.ts';
import { type Answer, positionName, type Publish } from '../publish.ts';
import { type Rule } from '../rule.ts';
import type { Trial } from '../trial.ts';
import { Broken, NotTestable } from '../finding.ts';

/** The rules, in the order in which they are tested. */
export const deliveryRules: readonly Rule[] = [
  {
    id: 'resend-unanswered',
    sentence: 'sends a report again, the same, when nothing answers it',
    section: 'delivery',
    needs: ['answers'],
    check: (trial) => resend(trial, 'nothing'),
  },
  {
    id: 'resend-refused',
    sentence: 'sends a report again, the same, when the answer is an error',
    section: 'delivery',
    needs: ['answers'],
    check: (trial) => resend(trial, 'refusal'),
  },
  {
    id: 'one-in-flight',
    sentence: 'publishes nothing else while a publish is unanswered',
    section: 'delivery',
    needs: ['answers'],
    check: oneInFlight,
  },
  {
    id: 'current-first',
    sentence: 'delivers its current report first after an outage',
    section: 'after-an-outage',
    needs: ['answers'],
    check: async (trial) => currentFirst(await trial.once(liveThroughOutage)),
  },
  {
    id: 'buffer-in-frames',
    sentence: 'delivers what it buffered oldest first, several reports to a frame',
    section: 'after-an-outage',
    needs: ['answers'],
    check: async (trial) => bufferInFrames(await trial.once(liveThroughOutage)),
  },
  {
    id: 'nothing-lost',
    sentence: 'loses no report in an outage',
    section: 'after-an-outage',
    needs: ['answers'],
    check: async (trial) => nothingLost(await trial.once(liveThroughOutage), trial),
  },
  {
    id: 'reconnects',
    sentence: 'comes back by itself after the server was away, and takes commands again',
    section: 'connecting',
    needs: ['answers', 'own-server'],
    check: reconnects,
  },
];

/** Withholds the ack of one publish, or refuses it, and waits until everything in it has come again. */
async function resend({ bench, server, limits }: Trial, answer: Answer): Promise<string> {
  let failed: Publish | null = null;
  const mark = bench.publishes.length;
  bench.answerWith = ({ index, reports }) =>
    failed === null && index >= mark && reports.length > 0 ? answer : 'ack';
  server.send(server.command({ name: 'report' }));
  try {
    const first = await bench.until(
      () => bench.publishes.slice(mark).find((publish) => publish.answer === answer) ?? null,
      {
        withinMs: limits.answerMs,
        what: 'no report to leave unanswered came',
      },
    );
    failed = first;
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

async function oneInFlight({ bench, server, limits }: Trial): Promise<string> {
  const mark = bench.publishes.length;
  bench.answerWith = ({ index }) => (index === mark ? 'nothing' : 'ack');
  server.send(server.command({ name: 'report' }));
  try {
    const held = await bench.until(() => bench.publishes[mark] ?? null, {
      withinMs: limits.answerMs,
      what: 'no report to leave unanswered came',
    });
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
async function reconnects({ bench, server, ownServer, limits }: Trial): Promise<string> {
  bench.noteInterruption();
  await ownServer.stop();
  await bench.listen(limits.quietMs);
  await ownServer.start();
  const startedAt = bench.now();
  await server.askWhenBack(server.command({ name: 'report' }));
  return `it answered ${seconds(bench.now() - startedAt)} after the server was back`;
}
