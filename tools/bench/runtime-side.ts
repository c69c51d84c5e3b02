/** The runtime's side of a round: a node whose commits are counted. */
import type { Commit, Feed } from '../../src/runtime/ports.ts';
import { connectBenchNode } from './bench-node.ts';
import type { RoundOrder, Rows, RoundTimer } from './round.ts';

/** A side at work. */
export interface RoundSide {
  /** Lets go of everything; what has not been drained stays where it is. */
  stop(): Promise<void>;
}

/** Begins to drain. */
export async function startRuntimeSide(order: RoundOrder, timer: RoundTimer): Promise<RoundSide> {
  const { natsUrl, postgresUrl } = order;
  const benched = await connectBenchNode({
    natsUrl,
    postgresUrl,
    onCommitted: (commit) => timer.committed(rowsOf(commit)),
    feedOf: (feed) => countedFeed(feed, timer),
  });
  await benched.node.start();
  return benched;
}

/**
 * A feed that tells the timer when messages arrive. It never says that everything is heard: what a node does then (it asks
 * every device how it is) is not what is measured, and would begin before the servers' meters are read.
 */
export function countedFeed(feed: Feed, timer: RoundTimer): Feed {
  return {
    open: ({ sink, ...options }) =>
      feed.open({
        ...options,
        sink: {
          deliver: (batch) => {
            timer.arrived();
            return sink.deliver(batch);
          },
          caughtUp: () => undefined,
          gap: (range) => sink.gap(range),
          streamIdentified: (stream) => sink.streamIdentified(stream),
          opens: (streams) => sink.opens(streams),
          readThrough: (stream) => sink.readThrough(stream),
        },
      }),
  };
}

function rowsOf({ partitions, twins, reports, ledger, journal, clocks }: Commit): Rows {
  const transitions = journal.filter(({ type }) => type === 'transition').length;
  return {
    report: reports.length,
    twin: twins.length,
    transition: transitions,
    lease: partitions.length,
    other: ledger.length + clocks.length + journal.length - transitions,
  };
}
