/**
 * One reader of the stream of changes for all who follow it: nobody is told anything twice, or not at all, wherever he begins, however
 * slowly he reads, and whatever the stream forgets meanwhile.
 */
import { describe, expect, test } from 'vitest';
import { MemoryChangeFeed } from '../../src/memory/change-feed.ts';
import { MemoryHub } from '../../src/memory/hub.ts';
import type { ChangeFeed, ChangeSink, PublishedChange } from '../../src/runtime/change-feed.ts';
import { KEPT_BYTES_MAX, SharedChanges } from '../../src/runtime/shared-changes.ts';
import { systemClock } from '../../src/system/system-clock.ts';
import { twinChanged } from '../../src/wire/subjects.ts';
import { Dice } from '../../tools/fleet/chance.ts';

/** The stream of a hub in memory, and how often it was read. */
class World {
  readonly hub = new MemoryHub(systemClock);
  opened = 0;
  open = 0;
  readonly shared: SharedChanges;

  constructor(keptBytesMax = KEPT_BYTES_MAX) {
    const feed = new MemoryChangeFeed(this.hub);
    const counted: ChangeFeed = {
      last: () => feed.last(),
      open: async (options) => {
        this.opened += 1;
        this.open += 1;
        const { stop } = await feed.open(options);
        let isOpen = true;
        return {
          stop: async () => {
            if (isOpen) this.open -= 1;
            isOpen = false;
            await stop();
          },
        };
      },
    };
    this.shared = new SharedChanges({ feed: counted, clock: systemClock, keptBytesMax });
  }

  get last(): number {
    return this.hub.changes.lastSequence;
  }

  publish(device: string): void {
    const id = String(this.last + 1);
    this.hub.changes.append({ subject: twinChanged(device), payload: Buffer.from(id), id, now: Date.now() });
  }
}

/** Keeps what it is told, as slowly as `pace` has it. */
class Reader implements ChangeSink {
  readonly told: string[] = [];
  readonly lists: (readonly PublishedChange[])[] = [];
  through: number;
  readonly #pace: () => Promise<void>;
  #onTold: () => void = () => undefined;

  constructor(after: number, pace: () => Promise<void> = async () => undefined) {
    this.through = after;
    this.#pace = pace;
  }

  async deliver(batch: readonly PublishedChange[]): Promise<void> {
    this.lists.push(batch);
    for (const { sequence, device } of batch) {
      this.told.push(`${String(sequence)} ${device}`);
      this.through = sequence;
    }
    this.#onTold();
    await this.#pace();
  }

  gone({ from, to }: { readonly from: number; readonly to: number }): void {
    this.told.push(`gone ${String(from)} to ${String(to)}`);
    this.through = to;
    this.#onTold();
  }

  hearing(): void {
    // Only looked at over HTTP.
  }

  ended(cause: unknown): void {
    this.told.push(`ended: ${String(cause)}`);
    this.#onTold();
  }

  async until(what: string, isSo: () => boolean): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => {
        reject(new Error(`waited for ${what}, saw ${this.told.slice(-5).join(', ')}`));
      }, 20_000);
      this.#onTold = () => {
        if (!isSo()) return;
        clearTimeout(timer);
        resolve();
      };
      this.#onTold();
    });
  }
}

interface Following {
  readonly after: number;
  readonly device?: string | null;
  readonly pace?: () => Promise<void>;
  /** The stream of the place; default: the one that is there. */
  readonly made?: string;
}

async function follow(
  { shared, hub }: World,
  { after, device = null, pace, made = hub.changes.name }: Following,
): Promise<{ reader: Reader; stop: () => Promise<void> }> {
  const reader = new Reader(after, pace);
  const { stop } = await shared.open({ after: { made, sequence: after }, device, sink: reader });
  return { reader, stop };
}

describe('the shared change feed', () => {
  test('reads the stream once for all who follow it from now, and hands them the same lists', async () => {
    const world = new World();
    world.publish('cp-1');
    const all = await Promise.all(Array.from({ length: 20 }, () => follow(world, { after: world.last })));
    const one = await follow(world, { after: world.last, device: 'cp-2' });
    for (let count = 0; count < 10; count += 1) world.publish(count % 2 === 0 ? 'cp-2' : 'cp-3');
    for (const { reader } of all) await reader.until('all', () => reader.through === world.last);
    await one.reader.until('those of one device', () => one.reader.told.length === 5);
    expect(world.opened).toBe(1);
    const [first, ...others] = all;
    for (const { reader } of others) {
      expect(reader.lists).toHaveLength(first!.reader.lists.length);
      reader.lists.forEach((list, index) => expect(list).toBe(first!.reader.lists[index]));
    }
    await Promise.all([...all, one].map(({ stop }) => stop()));
    expect(world.open).toBe(0);
  });

  test('lets who comes back soon go on where it was, without another reader', async () => {
    const world = new World();
    const stays = await follow(world, { after: 0 });
    const leaves = await follow(world, { after: 0 });
    world.publish('cp-1');
    await leaves.reader.until('the first', () => leaves.reader.through === 1);
    await leaves.stop();
    world.publish('cp-1');
    world.publish('cp-2');
    await stays.reader.until('all', () => stays.reader.through === 3);
    const again = await follow(world, { after: 1 });
    await again.reader.until('the rest', () => again.reader.through === 3);
    expect(again.reader.told).toEqual(['2 cp-1', '3 cp-2']);
    expect(world.opened).toBe(1);
    await Promise.all([stays.stop(), again.stop()]);
  });

  test('lets who is far behind read alone, and with the others from where they are', async () => {
    const world = new World();
    for (let count = 0; count < 500; count += 1) world.publish('cp-1');
    const stays = await follow(world, { after: 500 });
    const late = await follow(world, { after: 0 });
    await late.reader.until('the past', () => late.reader.through === 500);
    expect(world.opened).toBe(2);
    world.publish('cp-2');
    await late.reader.until('the present', () => late.reader.through === 501);
    await stays.reader.until('the present', () => stays.reader.through === 501);
    // Its own reader has been ended, and nothing was told twice.
    expect(world.open).toBe(1);
    expect(late.reader.told).toHaveLength(501);
    await Promise.all([stays.stop(), late.stop()]);
  });

  test('keeps nobody waiting for one that is slow, or fails', async () => {
    const world = new World();
    const slow = await follow(world, { after: 0, pace: () => new Promise(() => undefined) });
    const failing = await follow(world, { after: 0, pace: () => Promise.reject(new Error('no room')) });
    const good = await follow(world, { after: 0 });
    world.publish('cp-1');
    await good.reader.until('the first', () => good.reader.through === 1);
    world.publish('cp-2');
    await good.reader.until('the second', () => good.reader.through === 2);
    expect(slow.reader.told).toEqual(['1 cp-1']);
    expect(failing.reader.told).toEqual(['1 cp-1', 'ended: Error: no room']);
    await Promise.all([good.stop(), failing.stop()]);
  });

  test('tells who comes back with a place of a stream that was made anew, also where the new one has that place', async () => {
    const world = new World();
    for (let count = 0; count < 3; count += 1) world.publish('cp-1');
    const { name: made } = world.hub.changes;
    const before = await follow(world, { after: 3 });
    world.hub.changes.wipe();
    for (let count = 0; count < 5; count += 1) world.publish('cp-2');
    const all = ['gone 4 to 0', '1 cp-2', '2 cp-2', '3 cp-2', '4 cp-2', '5 cp-2'];
    const back = await follow(world, { after: 2, made });
    for (const { reader } of [before, back]) await reader.until('all', () => reader.told.length === 6);
    expect(before.reader.told).toEqual(all);
    expect(back.reader.told).toEqual(['gone 3 to 0', ...all.slice(1)]);
    const now = await follow(world, { after: 4 });
    await now.reader.until('the rest', () => now.reader.told.length === 1);
    expect(now.reader.told).toEqual(['5 cp-2']);
    await Promise.all([before, back, now].map(({ stop }) => stop()));
    expect(world.open).toBe(0);
  });

  test.each([1, 2, 3, 4, 5, 6])(
    'tells each follower everything once and in order (seed %i)',
    async (seed) => {
      const chance = new Dice({ seed, who: 'followers', draws: 0 });
      const upTo = (most: number): number => Math.floor(chance.between(0, most + 1));
      // So little is kept that whoever is slow falls behind it again and again.
      const world = new World(60);
      const devices = ['cp-1', 'cp-2', 'cp-3'] as const;
      const published: string[] = [];
      const running: { device: string | null; after: number; reader: Reader; stop: () => Promise<void> }[] =
        [];
      for (let step = 0; step < 60; step += 1) {
        for (let count = upTo(30); count > 0; count -= 1) {
          const device = chance.oneOf(devices);
          world.publish(device);
          published.push(`${String(world.last)} ${device}`);
        }
        if (chance.happens(0.7)) {
          // Often about where what is kept begins.
          const after = Math.max(0, world.last - upTo(chance.happens(0.7) ? 40 : world.last));
          const device = chance.oneOf<string | null>([null, null, ...devices]);
          const pauseMs = chance.oneOf([0, 0, 1, 20]);
          const pace = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, pauseMs));
          running.push({ device, after, ...(await follow(world, { after, device, pace })) });
        }
        const leaving = upTo(9) === 0 ? running.shift() : undefined;
        await leaving?.stop();
        await new Promise((resolve) => setTimeout(resolve, upTo(3)));
      }
      for (const { device, after, reader, stop } of running) {
        const wanted = published.filter(
          (line) => Number(line.split(' ')[0]) > after && (device === null || line.endsWith(` ${device}`)),
        );
        await reader.until('all', () => reader.told.length >= wanted.length);
        expect(reader.told).toEqual(wanted);
        await stop();
      }
      expect(world.open).toBe(0);
    },
  );
});
