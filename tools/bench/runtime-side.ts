/** The runtime's side of a round: a node as `npm run serve` has it, whose commits are counted. */
import pino from 'pino';
import { kinds } from '../../machines/kinds.ts';
import { NatsBus } from '../../src/nats/bus.ts';
import { connectToHub } from '../../src/nats/connect.ts';
import { NatsFeed } from '../../src/nats/feed.ts';
import { PostgresStore } from '../../src/postgres/store.ts';
import { DEFAULT_LIMITS } from '../../src/runtime/limits.ts';
import { Node } from '../../src/runtime/node.ts';
import type { Commit, Feed, Store } from '../../src/runtime/ports.ts';
import { systemClock } from '../../src/system-clock.ts';
import { DeviceLog } from '../../src/device-log.ts';
import { createTelemetry } from '../../src/telemetry.ts';
import type { RoundOrder, Rows, RoundTimer } from './round.ts';

/** A side at work. */
export interface RoundSide {
  /** Lets go of everything; what has not been drained stays where it is. */
  stop(): Promise<void>;
}

/** Begins to drain. */
export async function startRuntimeSide(order: RoundOrder, timer: RoundTimer): Promise<RoundSide> {
  const { natsUrl, postgresUrl } = order;
  const limits = DEFAULT_LIMITS;
  const { serverErrorMs } = limits;
  const hub = await connectToHub({ url: natsUrl, name: 'corral bench' });
  const store = new PostgresStore({
    connectionString: postgresUrl,
    kinds,
    clock: systemClock,
    serverErrorMs,
  });
  const ignore = (): void => undefined;
  const log = pino({ level: 'silent' });
  const bus = new NatsBus({ hub, onNotice: ignore });
  const feed = new NatsFeed({ hub, onNotice: ignore });
  const node = new Node({
    node: 'bench',
    kinds,
    clock: systemClock,
    bus,
    limits,
    store: countedStore(store, timer),
    feed: countedFeed(feed, timer),
    telemetry: createTelemetry(log, new DeviceLog(log, systemClock)).telemetry,
  });
  await node.start();
  return {
    stop: async () => {
      await node.stop();
      bus.stop();
      await store.close();
      await hub.close();
    },
  };
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
          hearing: () => undefined,
          gone: (range) => sink.gone(range),
          reads: (stream) => sink.reads(stream),
        },
      }),
  };
}

function countedStore(store: Store, timer: RoundTimer): Store {
  return {
    acquire: (options) => store.acquire(options),
    renew: (options) => store.renew(options),
    release: (leases) => store.release(leases),
    load: (partitions, sink) => store.load(partitions, sink),
    packTwin: (twin) => store.packTwin(twin),
    unpackTwin: (device, bytes) => store.unpackTwin(device, bytes),
    ledgerEntry: (device, id) => store.ledgerEntry(device, id),
    journalAfter: (partition, after, limit) => store.journalAfter(partition, after, limit),
    commit: async (commit) => {
      const result = await store.commit(commit);
      if (result.type === 'committed') timer.committed(rowsOf(commit));
      return result;
    },
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
