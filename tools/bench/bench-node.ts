/** A node as `npm run serve` has it, in whose commits a bench can look. */
import pino from 'pino';
import { kinds } from '../../machines/kinds.ts';
import { NatsBus } from '../../src/nats/bus.ts';
import { connectToHub } from '../../src/nats/connect.ts';
import { NatsFeed } from '../../src/nats/feed.ts';
import { SiteStreams } from '../../src/nats/site-streams.ts';
import { PostgresStore } from '../../src/postgres/store.ts';
import { DEFAULT_LIMITS } from '../../src/runtime/limits.ts';
import { Node } from '../../src/runtime/node.ts';
import type { Commit, CommitResult, Feed } from '../../src/runtime/ports.ts';
import type { Telemetry } from '../../src/runtime/telemetry.ts';
import { systemClock } from '../../src/system/system-clock.ts';
import { DeviceLog } from '../../src/telemetry/device-log.ts';
import { createTelemetry } from '../../src/telemetry/telemetry.ts';
import { RIGHT_HUB } from '../right-hub.ts';

/** What a node of a bench is given. */
export interface BenchNodeOptions {
  readonly natsUrl: string;
  readonly postgresUrl: string;
  /** A commit is in the store. */
  readonly onCommitted: (commit: Commit) => void;
  /** Stands between the hub's feed and the node. */
  readonly feedOf?: (feed: Feed) => Feed;
  /** Hears these events instead of the node's own counters. */
  readonly telemetry?: Partial<Telemetry>;
}

/** A node that is connected, and not started. */
export interface BenchNode {
  readonly node: Node;
  stop(): Promise<void>;
}

/** Connects everything a node needs. */
export async function connectBenchNode(options: BenchNodeOptions): Promise<BenchNode> {
  const { natsUrl, postgresUrl, onCommitted, feedOf } = options;
  // It is measured what a node can do, not what it lets one site, or one device, have.
  const unlimited = { perSecond: 1_000_000, burst: 1_000_000 };
  const rates = { deviceRate: unlimited, siteRate: unlimited };
  const limits = { ...DEFAULT_LIMITS, ...rates, unregisteredDevicesMax: Infinity };
  const hub = await connectToHub({ url: natsUrl, name: 'corral bench' });
  const store = new WatchedStore(
    { connectionString: postgresUrl, kinds, clock: systemClock, serverErrorMs: limits.serverErrorMs },
    onCommitted,
  );
  const ignore = (): void => undefined;
  const bus = new NatsBus({ hub, requests: hub, onNotice: ignore });
  const streams = new SiteStreams({ hub });
  await streams.start();
  const hubFeed = new NatsFeed({ hub, streams, onNotice: ignore });
  const feed = feedOf === undefined ? hubFeed : feedOf(hubFeed);
  const log = pino({ level: 'silent' });
  const { telemetry } = createTelemetry(log, new DeviceLog(log, systemClock), systemClock);
  const node = new Node({
    node: 'bench',
    kinds,
    clock: systemClock,
    clockProblem: () => null,
    hubClock: RIGHT_HUB,
    bus,
    limits,
    store,
    feed,
    telemetry: { ...telemetry, ...options.telemetry },
  });
  return {
    node,
    stop: async () => {
      await node.stop();
      bus.stop();
      await store.close();
      await streams.stop();
      await hub.close();
    },
  };
}

class WatchedStore extends PostgresStore {
  readonly #onCommitted: (commit: Commit) => void;

  constructor(
    options: ConstructorParameters<typeof PostgresStore>[0],
    onCommitted: (commit: Commit) => void,
  ) {
    super(options);
    this.#onCommitted = onCommitted;
  }

  override async commit(commit: Commit): Promise<CommitResult> {
    const result = await super.commit(commit);
    if (result.type === 'committed') this.#onCommitted(commit);
    return result;
  }
}
