/**
 * The port ChangeFeed: following what became known, from now or from a place, without loss.
 */
import { jetstreamManager } from '@nats-io/jetstream';
import { setTimeout as nextTick } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { MemoryBus } from '../../src/memory/bus.ts';
import { MemoryChangeFeed } from '../../src/memory/change-feed.ts';
import { MemoryHub } from '../../src/memory/hub.ts';
import { MemoryLink } from '../../src/memory/link.ts';
import { NatsChangeFeed } from '../../src/nats/change-feed.ts';
import { NatsBus } from '../../src/nats/bus.ts';
import { connectToHub, type HubConnection } from '../../src/nats/connect.ts';
import { JOURNAL_API, prepareHub } from '../../src/nats/hub.ts';
import type { ChangeFeed, ChangesGone, ChangeSink, PublishedChange } from '../../src/runtime/change-feed.ts';
import type { Bus } from '../../src/runtime/ports.ts';
import { KEPT_BYTES_MAX, SharedChanges } from '../../src/runtime/shared-changes.ts';
import { systemClock } from '../../src/system/system-clock.ts';
import { twinChanged, twinOutcome } from '../../src/wire/subjects.ts';
import { type ChangePlace, placeText, readPlace } from '../../src/wire/change-place.ts';
import { startHub } from '../servers/servers.ts';
import { natsWorld } from './bus-worlds.ts';

interface World {
  readonly feed: ChangeFeed;
  readonly bus: Bus;
  /** Lets the stream forget everything up to a place. */
  forget(upTo: number): Promise<void>;
  /** Makes the stream anew: empty, and counting from 1. Resolves when it can be published to. */
  makeAnew(): Promise<void>;
  /** Keeps what the stream holds now, for `loseTail`. */
  keep(): Promise<void>;
  /** The stream is what it was then: what it was given since is lost, and its sequences are given again. */
  loseTail(): Promise<void>;
  end(): Promise<void>;
}

const worlds = [
  { name: 'in memory', open: openMemory },
  { name: 'on NATS', open: openNats },
  { name: 'in memory, shared', open: async () => shared(await openMemory()) },
  { name: 'on NATS, shared', open: async () => shared(await openNats()) },
];

function shared(world: World): World {
  const { feed } = world;
  return { ...world, feed: new SharedChanges({ feed, clock: systemClock, keptBytesMax: KEPT_BYTES_MAX }) };
}

async function openMemory(): Promise<World> {
  const hub = new MemoryHub(systemClock);
  const bus = new MemoryBus({ hub, link: new MemoryLink(systemClock), clock: systemClock });
  let kept = 0;
  return {
    feed: new MemoryChangeFeed(hub),
    bus,
    forget: async (upTo) => hub.changes.purgeBefore(upTo + 1),
    makeAnew: async () => hub.changes.wipe(),
    keep: async () => {
      kept = hub.changes.lastSequence;
    },
    // No hub is set back within the time of one message.
    loseTail: async () => {
      const at = Date.now();
      while (Date.now() <= at + ROUNDING_MS) await nextTick();
      hub.changes.loseAfter(kept);
    },
    end: async () => bus.stop(),
  };
}

async function openNats(): Promise<World> {
  const { hub, runtime, bus, end } = await natsWorld();
  return {
    feed: new NatsChangeFeed({ hub: runtime, onNotice: () => undefined }),
    bus,
    forget: async (upTo) => {
      const manager = await jetstreamManager(runtime.nats, { checkAPI: false, apiPrefix: JOURNAL_API });
      const { config, state } = await manager.streams.info('CHANGES');
      await manager.streams.update('CHANGES', { ...config, max_msgs: state.last_seq - upTo });
    },
    makeAnew: async () => {
      await hub.loseStore();
      await isBack(runtime);
      await prepareHub(runtime);
    },
    keep: async () => {
      await hub.keepStore();
      await isBack(runtime);
    },
    loseTail: async () => {
      await hub.setStoreBack();
      await isBack(runtime);
    },
    end,
  };
}

/** The time of a message is told in whole ms, in two ways that may differ by one. */
const ROUNDING_MS = 2;

function isBack(hub: HubConnection): Promise<void> {
  if (hub.isConnected()) return Promise.resolve();
  return new Promise((resolve) => {
    const unlisten = hub.onChange((isConnected) => {
      if (!isConnected) return;
      unlisten();
      resolve();
    });
  });
}

/** Keeps what is delivered; `until` resolves when so many came. */
class Kept implements ChangeSink {
  readonly lines: string[] = [];
  failsWith: Error | null = null;
  /** The stream that is read since the last `gone`. */
  madeSince: string | null = null;
  /** Of what was delivered last. */
  place: ChangePlace | null = null;
  #waiting: (() => void) | null = null;

  async deliver(batch: readonly PublishedChange[]): Promise<void> {
    if (this.failsWith !== null) throw this.failsWith;
    for (const { sequence, type, device, payload } of batch)
      this.lines.push(`${String(sequence)} ${type} ${device} ${Buffer.from(payload).toString()}`);
    this.place = batch.at(-1) ?? this.place;
    this.#waiting?.();
  }

  hearing(): void {
    // Only looked at over HTTP.
  }

  gone({ from, to, made }: ChangesGone): void {
    this.lines.push(`gone ${String(from)} to ${String(to)}`);
    this.madeSince = made;
    this.#waiting?.();
  }

  ended(cause: unknown): void {
    this.lines.push(`ended: ${String(cause)}`);
    this.#waiting?.();
  }

  async until(count: number): Promise<readonly string[]> {
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(
        () => reject(new Error(`waited for ${String(count)} lines, saw ${JSON.stringify(this.lines)}`)),
        10_000,
      );
      this.#waiting = () => {
        if (this.lines.length < count) return;
        clearTimeout(timer);
        resolve();
      };
      this.#waiting();
    });
    return this.lines;
  }
}

describe.each(worlds)('the change feed $name', ({ open }) => {
  let world: World;
  const stops: (() => Promise<void>)[] = [];
  beforeEach(async () => {
    world = await open();
  });
  afterEach(async () => {
    for (const stop of stops.splice(0)) await stop();
    await world.end();
  });

  /** The place of the last change, as who was told it keeps it. */
  async function placeOfLast(): Promise<ChangePlace> {
    const { sequence } = await world.feed.last();
    const kept = await follow(sequence - 1);
    await kept.until(1);
    await stops.pop()?.();
    return readPlace(placeText(kept.place!))!;
  }

  let published = 0;
  const publish = (...subjects: readonly string[]): Promise<void> =>
    world.bus.publish(
      subjects.map((subject) => {
        published += 1;
        return { subject, id: `0-${String(published)}`, payload: Buffer.from(subject), trace: null };
      }),
    );
  async function follow(after: number | ChangePlace, device: string | null = null): Promise<Kept> {
    const kept = new Kept();
    const place = typeof after === 'number' ? { made: null, sequence: after } : after;
    const { stop } = await world.feed.open({ after: place, device, sink: kept });
    stops.push(stop);
    return kept;
  }

  test('tells what was published before and after, in order', async () => {
    await publish(twinChanged('cp-1'), twinOutcome('cp-1'));
    expect(await world.feed.last()).toMatchObject({ sequence: 2 });
    const all = await follow(0);
    const fromNow = await follow(2);
    await all.until(2);
    await publish(twinChanged('cp-2'));
    expect(await all.until(3)).toEqual([
      '1 changed cp-1 twin.cp-1.changed',
      '2 outcome cp-1 twin.cp-1.outcome',
      '3 changed cp-2 twin.cp-2.changed',
    ]);
    expect(await fromNow.until(1)).toEqual(['3 changed cp-2 twin.cp-2.changed']);
  });

  test('tells of one device alone', async () => {
    const kept = await follow(0, 'cp-2');
    await publish(twinChanged('cp-1'), twinChanged('cp-2'), twinChanged('cp-3'), twinOutcome('cp-2'));
    expect(await kept.until(2)).toEqual([
      '2 changed cp-2 twin.cp-2.changed',
      '4 outcome cp-2 twin.cp-2.outcome',
    ]);
  });

  test('says what the stream no longer holds, and goes on after it', async () => {
    await publish(twinChanged('cp-1'), twinChanged('cp-2'), twinChanged('cp-3'));
    await world.forget(2);
    const kept = await follow(0);
    expect(await kept.until(2)).toEqual(['gone 1 to 2', '3 changed cp-3 twin.cp-3.changed']);
  });

  test('says that the stream was made anew when it ends before the place asked for', async () => {
    await publish(twinChanged('cp-1'));
    const kept = await follow(50);
    expect(await kept.until(2)).toEqual(['gone 51 to 0', '1 changed cp-1 twin.cp-1.changed']);
  });

  test.each([
    ['ends before the place', 1],
    ['has come just as far', 2],
    ['has grown beyond it', 4],
  ])(
    'tells who comes back with a place of a stream that was made anew that it is gone, also when the new one %s',
    async (_how, count) => {
      await publish(twinChanged('cp-1'), twinChanged('cp-1'));
      const place = await world.feed.last();
      await world.makeAnew();
      await publish(...Array.from({ length: count }, () => twinChanged('cp-2')));
      const kept = await follow(place);
      const anew = Array.from({ length: count }, (_, n) => `${String(n + 1)} changed cp-2 twin.cp-2.changed`);
      expect(await kept.until(1 + count)).toEqual(['gone 3 to 0', ...anew]);
      expect(kept.madeSince).toBe((await world.feed.last()).made);
      expect(kept.madeSince).not.toBe(place.made);
    },
  );

  test.each([
    ['ends before the place', 1],
    ['has come just as far', 2],
    ['has grown beyond it', 5],
  ])(
    'tells who comes back with a place of a tail that the stream has lost that it is gone, also when it %s',
    async (_how, count) => {
      await publish(twinChanged('cp-1'), twinChanged('cp-1'));
      await world.keep();
      await publish(twinChanged('cp-1'), twinChanged('cp-1'));
      const place = await placeOfLast();
      await world.loseTail();
      await publish(...Array.from({ length: count }, () => twinChanged('cp-2')));
      const since = Array.from(
        { length: count },
        (_, n) => `${String(n + 3)} changed cp-2 twin.cp-2.changed`,
      );
      for (const device of [null, 'cp-2']) {
        const kept = await follow(place, device);
        expect(await kept.until(1 + count)).toEqual(['gone 5 to 2', ...since]);
      }
    },
  );

  test('tells who follows meanwhile that the tail is lost, also where it has grown beyond that before it is looked at', async () => {
    await publish(twinChanged('cp-1'), twinChanged('cp-1'));
    const kept = await follow(0);
    await kept.until(2);
    await world.keep();
    await publish(twinChanged('cp-1'));
    await kept.until(3);
    await world.loseTail();
    await publish(twinChanged('cp-2'), twinChanged('cp-2'));
    expect((await kept.until(6)).slice(3)).toEqual([
      'gone 4 to 2',
      '3 changed cp-2 twin.cp-2.changed',
      '4 changed cp-2 twin.cp-2.changed',
    ]);
  });

  test('takes a place that stands before the tail that was lost for what it is', async () => {
    await publish(twinChanged('cp-1'), twinChanged('cp-1'));
    const place = await placeOfLast();
    await world.keep();
    await publish(twinChanged('cp-1'));
    await world.loseTail();
    await publish(twinChanged('cp-2'));
    const kept = await follow(place);
    expect(await kept.until(1)).toEqual(['3 changed cp-2 twin.cp-2.changed']);
  });

  test('tells it also to who had read nothing yet, and loses none of what the new stream holds', async () => {
    const place = await world.feed.last();
    await publish(twinChanged('cp-1'));
    await world.makeAnew();
    await publish(twinChanged('cp-2'));
    const kept = await follow({ ...place, sequence: 0 }, 'cp-2');
    expect(await kept.until(2)).toEqual(['gone 1 to 0', '1 changed cp-2 twin.cp-2.changed']);
  });

  test('tells it to who follows meanwhile, before what the new stream holds', async () => {
    await publish(twinChanged('cp-1'), twinChanged('cp-1'));
    const kept = await follow(0);
    await kept.until(2);
    await world.makeAnew();
    await publish(twinChanged('cp-2'), twinChanged('cp-2'), twinChanged('cp-2'));
    expect((await kept.until(6)).slice(2)).toEqual([
      'gone 3 to 0',
      '1 changed cp-2 twin.cp-2.changed',
      '2 changed cp-2 twin.cp-2.changed',
      '3 changed cp-2 twin.cp-2.changed',
    ]);
    const again = await follow({ made: (await world.feed.last()).made, sequence: 1 });
    expect((await again.until(2))[0]).toBe('2 changed cp-2 twin.cp-2.changed');
  });

  test('tells the owner of a sink that fails that nothing follows, once', async () => {
    const kept = await follow(0);
    await publish(twinChanged('cp-1'));
    await kept.until(1);
    kept.failsWith = new Error('no more room');
    await publish(twinChanged('cp-2'));
    expect((await kept.until(2)).at(-1)).toBe('ended: Error: no more room');
    kept.failsWith = null;
    await publish(twinChanged('cp-3'));
    const another = await follow(0);
    await another.until(3);
    expect(kept.lines).toHaveLength(2);
  });
});

test('a hub with an older nats.conf, at which nodes cannot ask for single messages, is read all the same', async () => {
  const hub = await startHub({
    configure: (text) => text.replaceAll(/^.*\$JS\.JOURNAL\.API\.STREAM\.MSG\.GET\.CHANGES" }$/gm, ''),
  });
  const runtime = await connectToHub({ url: hub.url('runtime'), name: 'runtime' });
  await prepareHub(runtime);
  const bus = new NatsBus({ hub: runtime, requests: runtime, onNotice: () => undefined });
  const subject = twinChanged('cp-1');
  await bus.publish(['0-1', '0-2'].map((id) => ({ subject, id, payload: Buffer.from(id), trace: null })));
  const feed = new NatsChangeFeed({ hub: runtime, onNotice: () => undefined });
  const kept = new Kept();
  const { made } = await feed.last();
  const reading = await feed.open({ after: { made, sequence: 1, storedAt: 1 }, device: null, sink: kept });
  expect(await kept.until(1)).toEqual(['2 changed cp-1 0-2']);
  await reading.stop();
  bus.stop();
  await runtime.close();
  await hub.end();
});
