/** The worlds in which the feed's contract is kept: the hub in memory, and the real one behind a link. */
import { jetstreamManager } from '@nats-io/jetstream';
import { MemoryFeed } from '../../src/memory/feed.ts';
import { MemoryHub } from '../../src/memory/hub.ts';
import { MemoryLink } from '../../src/memory/link.ts';
import { connectToHub } from '../../src/nats/connect.ts';
import { type FeedNotice, NatsFeed } from '../../src/nats/feed.ts';
import { prepareHub } from '../../src/nats/hub.ts';
import { SiteStreams } from '../../src/nats/site-streams.ts';
import type { Feed, FeedReading, FeedSink, StreamStart } from '../../src/runtime/ports.ts';
import { systemClock } from '../../src/system/system-clock.ts';
import { deviceReport, siteStream } from '../../src/wire/subjects.ts';
import type { Hub } from '../../tools/dev/hub.ts';
import { startLink } from '../servers/link.ts';
import { MessageLoss } from '../servers/message-loss.ts';
import { until } from '../nodes/node.ts';
import { type KeptStore, startHub, type Temporary } from '../servers/servers.ts';

/** From where a test reads the depot's stream. */
export interface DepotReading {
  readonly partitions: readonly number[];
  readonly after: number;
  readonly reached?: number;
  /** The streams in which that counts. */
  readonly made?: readonly string[];
  /** Messages that were read in them. */
  readonly marks?: StreamStart['marks'];
  readonly sink: FeedSink;
}

function openAt(feed: Feed, reading: DepotReading): Promise<FeedReading> {
  const { partitions, after, reached = after, made = [], marks = [], sink } = reading;
  const depot = siteStream('depot');
  const ofDepot: FeedSink = {
    deliver: (batch) => sink.deliver(batch),
    caughtUp: (isHearing) => sink.caughtUp(isHearing),
    gap: (range) => {
      if (range.stream === depot) sink.gap(range);
    },
    streamIdentified: (which) => {
      if (which.stream === depot) sink.streamIdentified(which);
    },
    opens: (streams) => sink.opens(streams),
    readThrough: (stream) => sink.readThrough(stream),
  };
  return feed.open({ partitions, starts: [{ stream: depot, after, reached, made, marks }], sink: ofDepot });
}

/** What a test of the feed can do to the world around it. */
export interface FeedWorld {
  readonly feed: Feed;
  /** Opens the feed at a place of the depot's stream. */
  open(reading: DepotReading): Promise<FeedReading>;
  /** Stores reports of devices of the site `depot`, in order; resolves with the sequence of the last. */
  store(reports: readonly { readonly device: string; readonly payload: Uint8Array }[]): Promise<number>;
  purgeBefore(sequence: number): Promise<void>;
  /** Makes the stream anew, empty. */
  wipe(): Promise<void>;
  /** Remembers what the hub has stored; `setBack` makes that all it has, as a power cut or a snapshot of its disk does. */
  keep(): Promise<void>;
  setBack(): Promise<void>;
  /** Takes the hub away from the feed, and gives it back. */
  cut(): void;
  heal(): void;
  end(): Promise<void>;
}

/** In memory. */
export async function memoryWorld(): Promise<FeedWorld> {
  const hub = new MemoryHub(systemClock);
  const link = new MemoryLink(systemClock);
  const feed = new MemoryFeed({ hub, link, clock: systemClock });
  const depot = hub.reports.of('depot');
  let kept = 0;
  return {
    feed,
    open: (reading) => openAt(feed, reading),
    store: async (reports) => {
      for (const { device, payload } of reports) hub.storeReport('depot', device, payload);
      return depot.lastSequence;
    },
    purgeBefore: async (sequence) => depot.purgeBefore(sequence),
    wipe: async () => depot.wipe(),
    keep: async () => void (kept = depot.lastSequence),
    setBack: async () => {
      const lostAt = systemClock.now();
      depot.loseAfter(kept);
      // A hub that comes back has a later time than when it was lost.
      while (systemClock.now() <= lostAt + 1) await new Promise((resolve) => setTimeout(resolve, 1));
    },
    cut: () => link.cut(),
    heal: () => link.heal(),
    end: async () => undefined,
  };
}

/** A world on a real hub, for tests that do more to it than the contract knows. */
export interface NatsFeedWorld extends FeedWorld {
  readonly hub: Hub & Temporary & KeptStore;
  /** Of what the hub sends to the feed. */
  readonly loss: MessageLoss;
  readonly notices: readonly FeedNotice[];
}

/** On a real hub, which the feed reaches through a link that can be cut. */
export async function natsWorld(): Promise<NatsFeedWorld> {
  const hub = await startHub();
  const loss = new MessageLoss();
  const link = await startLink({ filter: () => loss.filter() });
  link.leadTo(`127.0.0.1:${String(hub.ports.client)}`);
  const runtime = await connectToHub({ url: `nats://runtime:runtime@${link.address}`, name: 'runtime' });
  await prepareHub(runtime);
  const streams = new SiteStreams({ hub: runtime });
  await streams.start();
  const depot = await connectToHub({ url: hub.url('depot'), name: 'depot' });
  const operator = await connectToHub({ url: hub.url('operator'), name: 'operator' });
  const manager = await jetstreamManager(operator.nats);
  const notices: FeedNotice[] = [];
  const untilBack = async (): Promise<void> => {
    await until('the depot is connected again', async () => ({
      done: depot.isConnected(),
      seen: 'no connection',
    }));
  };
  const feed = new NatsFeed({ hub: runtime, streams, onNotice: (notice) => notices.push(notice) });
  return {
    hub,
    loss,
    notices,
    feed,
    open: (reading) => openAt(feed, reading),
    store: async (reports) => {
      const last = reports.at(-1);
      if (last === undefined) throw new Error('nothing to store');
      for (const { device, payload } of reports.slice(0, -1))
        depot.nats.publish(deviceReport(device), payload);
      const ack = await depot.nats.request(deviceReport(last.device), last.payload, { timeout: 20_000 });
      return ack.json<{ readonly seq: number }>().seq;
    },
    purgeBefore: async (seq) => {
      await manager.streams.purge(siteStream('depot'), { seq });
    },
    wipe: async () => {
      await manager.streams.delete(siteStream('depot'));
      // The runtime makes it: the operator could, but then the test would have to know how.
      const other = await connectToHub({ url: hub.url('runtime'), name: 'another node' });
      await new SiteStreams({ hub: other }).look();
      await other.close();
    },
    keep: () => hub.keepStore().then(untilBack),
    setBack: () => hub.setStoreBack().then(untilBack),
    cut: () => link.cut(),
    heal: () => link.heal(),
    end: async () => {
      await streams.stop();
      await Promise.all([runtime.close(), depot.close(), operator.close()]);
      await hub.end();
      await link.close();
    },
  };
}
