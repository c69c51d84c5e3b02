import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type ClockDifference, ClockWatch } from '../../../src/runtime/clock-watch.ts';
import type { Clock, TimeSource } from '../../../src/runtime/ports.ts';

const EVERY_MS = 2_000;

/** True time, and the clocks that tell it wrong. */
class World {
  at = 1_800_000_000_000;
  offsets = { ours: 0, hub: 0, store: 0 };
  /** How long a question and its answer are on their way, ms. */
  trip = { out: 1, back: 1 };
  isAway = false;
  readonly changes: ClockDifference[] = [];
  #timers: (() => void)[] = [];

  readonly #machine: Clock = {
    now: () => Math.floor(this.at + this.offsets.ours),
    monotonic: () => this.at,
    after: (_delayMs, work) => {
      this.#timers.push(work);
      return () => void (this.#timers = this.#timers.filter((timer) => timer !== work));
    },
  };

  watch(serverErrorMs = 50): ClockWatch {
    return new ClockWatch({
      clock: this.#machine,
      serverErrorMs,
      everyMs: EVERY_MS,
      onChange: (difference) => void this.changes.push(difference),
    });
  }

  /** The hub rounds its times up, and the store down. */
  sources(): readonly TimeSource[] {
    const source = (server: 'hub' | 'store', read: (exact: number) => number): TimeSource => ({
      server,
      now: async () => {
        if (this.isAway) throw new Error('away');
        this.at += this.trip.out;
        const now = read(this.at + this.offsets[server]);
        this.at += this.trip.back;
        return now;
      },
    });
    return [source('hub', Math.ceil), source('store', Math.floor)];
  }

  /** The time has come to compare clocks again. */
  async next(): Promise<void> {
    const [timer] = this.#timers.splice(0, 1);
    timer?.();
    for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
  }
}

const trips = fc.record({
  out: fc.double({ min: 0, max: 900, noNaN: true }),
  back: fc.double({ min: 0, max: 900, noNaN: true }),
});
const withinBound = fc.double({ min: 0, max: 50, noNaN: true });

describe('a clock', () => {
  test('that is as near as it may be is never taken for wrong, however long an answer was on its way', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ ours: withinBound, hub: withinBound, store: withinBound, trip: trips }), {
          minLength: 1,
        }),
        async (times) => {
          const world = new World();
          const watch = world.watch();
          for (const { trip, ...offsets } of times) {
            Object.assign(world, { offsets, trip });
            await watch.start(world.sources());
            expect(watch.problem).toBeNull();
            expect(watch.now()).toBe(Math.floor(world.at + offsets.ours));
          }
          expect(world.changes).toEqual([]);
        },
      ),
    );
  });

  test('that is farther away than an answer was on its way is found, and the hub’s time is told instead', async () => {
    // Both are asked at once, and each waits for the other's way as well: up to 3.6 s.
    const far = fc.oneof(
      fc.double({ min: 4_000, max: 1e10, noNaN: true }),
      fc.double({ min: -1e10, max: -4_000, noNaN: true }),
    );
    await fc.assert(
      fc.asyncProperty(far, trips, async (ours, trip) => {
        const world = new World();
        Object.assign(world, { offsets: { ours, hub: 0, store: 0 }, trip });
        const watch = world.watch();
        await watch.start(world.sources());
        expect(watch.problem).toMatch(/^the clock of this node is [\d.]+ s (ahead of|behind) the hub's/);
        const halfTripMs = trip.out + trip.back + 6;
        expect(Math.abs(watch.now() - world.at)).toBeLessThanOrEqual(halfTripMs);
        // What the hub stores now is no later than that and what nobody can know of it.
        expect(watch.now() + watch.uncertainMs).toBeGreaterThanOrEqual(world.at - 1);
      }),
    );
  });

  test('is said to be ahead or behind, and which one to set', async () => {
    const world = new World();
    world.offsets = { ours: 600_000, hub: 0, store: 0 };
    const ours = world.watch();
    await ours.start(world.sources());
    expect(ours.problem).toBe("the clock of this node is 600.00 s ahead of the hub's (set this machine's)");
    world.offsets = { ours: 0, hub: 600_000, store: 0 };
    const theirs = world.watch();
    await theirs.start(world.sources());
    expect(theirs.problem).toBe(
      "the clock of this node is 600.00 s behind the hub's (the hub's is wrong: set the hub's)",
    );
  });

  test('of the store alone keeps no command back', async () => {
    const world = new World();
    world.offsets.store = -600_000;
    const watch = world.watch();
    await watch.start(world.sources());
    expect(watch.problem).toBeNull();
    expect(watch.differences).toContainEqual(expect.objectContaining({ server: 'store', differs: true }));
  });

  test.each([[[0, 1]], [[1, 0]]])('is told in the same order, whoever answered first: %j', async (order) => {
    const world = new World();
    const watch = world.watch();
    const sources = world.sources();
    for (const index of order) await watch.start([sources[index]!]);
    expect(watch.differences.map(({ server }) => server)).toEqual(['hub', 'store']);
  });

  test('is believed again once it is right, and each change is told once', async () => {
    const world = new World();
    world.offsets.ours = 600_000;
    const watch = world.watch();
    await watch.start(world.sources());
    await world.next();
    world.offsets.ours = 0;
    await world.next();
    expect(watch.now()).toBeLessThan(world.at + 1_000);
    for (let more = 0; more < 2; more += 1) await world.next();
    expect(watch.problem).toBeNull();
    // The hub's once the store has told the time as well, so that it shows whose it is.
    expect(world.changes.map(({ server, differs, wrong }) => [server, differs, wrong])).toEqual([
      ['store', true, null],
      ['hub', true, 'node'],
      ['hub', false, null],
      ['store', false, null],
    ]);
  });

  test('that differs still differs when an answer took too long to prove it', async () => {
    const world = new World();
    world.offsets.ours = 80;
    const watch = world.watch();
    await watch.start(world.sources());
    world.trip = { out: 100, back: 100 };
    await world.next();
    world.trip = { out: 1, back: 1 };
    await world.next();
    expect(world.changes).toHaveLength(2);
  });

  test('that cannot be asked is known to be as it was', async () => {
    const world = new World();
    world.isAway = true;
    const watch = world.watch();
    await watch.start(world.sources());
    expect([watch.isTimeKnown, watch.differences]).toEqual([false, []]);
    world.isAway = false;
    world.offsets.ours = 600_000;
    await world.next();
    world.isAway = true;
    await world.next();
    expect(watch.problem).not.toBeNull();
  });

  test('is compared no more after the end', async () => {
    const world = new World();
    const watch = world.watch();
    await watch.start(world.sources());
    watch.stop();
    world.offsets.ours = 600_000;
    await world.next();
    expect(watch.problem).not.toBeNull();
    expect(world.changes).toEqual([]);
  });

  test.each([600_000, -600_000, 3_000])(
    'that is set by %d ms is not believed, and commands nothing, before it is compared at once',
    async (ours) => {
      const world = new World();
      const watch = world.watch();
      await watch.start(world.sources());
      world.offsets.ours = ours;
      expect(watch.problem).toMatch(/was set/);
      expect(watch.now()).toBe(Math.floor(world.at));
      await world.next();
      expect(watch.problem).toMatch(/ahead of|behind/);
      expect(Math.abs(watch.now() - world.at)).toBeLessThanOrEqual(10);
    },
  );

  test.each([600_000, -600_000, 3_600_000])(
    'of the hub that is set by %d ms is not believed: the time goes on, nothing is commanded, and it heals',
    async (hub) => {
      const world = new World();
      const watch = world.watch();
      await watch.start(world.sources());
      expect([watch.isHubWrong, watch.isDatedWrong(world.at)]).toEqual([false, false]);
      const right = world.at;
      world.at += 1_000;
      world.offsets.hub = hub;
      await world.next();
      expect(Math.abs(watch.now() - world.at)).toBeLessThanOrEqual(2);
      expect(watch.problem).toMatch(/set the hub's/);
      expect(watch.isHubWrong).toBe(true);
      // What it stores now is dated wrong; what it had stored a while before its clock was last right is not.
      expect(watch.isDatedWrong(world.at + hub)).toBe(true);
      expect(watch.isDatedWrong(right + hub - 1_000)).toBe(false);
      expect(world.changes.at(-1)).toMatchObject({ server: 'hub', differs: true, wrong: 'hub' });
      world.offsets.hub = 0;
      for (let more = 0; more < 4; more += 1) await world.next();
      expect([watch.problem, watch.isHubWrong]).toEqual([null, false]);
    },
  );

  test.each([600_000, -600_000])(
    'of the hub that was wrong by %d ms until now: what it stored by then and nobody has read is not dated right',
    async (hub) => {
      const world = new World();
      const watch = world.watch();
      await watch.start(world.sources());
      const right = world.at;
      world.at += 1_000;
      world.offsets.hub = hub;
      const set = world.at;
      for (let more = 0; more < 4; more += 1) {
        world.at += EVERY_MS;
        await world.next();
      }
      const wrong = world.at;
      world.at += 1_000;
      world.offsets.hub = 0;
      for (let more = 0; more < 4; more += 1) await world.next();
      expect(watch.isHubWrong).toBe(false);
      // That it is later than now says enough of the one, and will be right one day.
      const isRemembered = hub < 0;
      for (const storedAt of [set, wrong]) expect(watch.isDatedWrong(storedAt + hub)).toBe(isRemembered);
      expect(watch.isDatedWrong(right + hub - 1_000)).toBe(false);
      expect(watch.isDatedWrong(world.at)).toBe(false);
    },
  );

  test('of the hub that is wrong as a node begins is told by the store’s, and all that is stored may be dated by it', async () => {
    const world = new World();
    world.offsets.hub = -3_600_000;
    const watch = world.watch();
    await watch.start(world.sources());
    expect(Math.abs(watch.now() - world.at)).toBeLessThanOrEqual(2);
    expect([watch.isHubWrong, watch.isDatedWrong(world.at - 7_200_000)]).toEqual([true, true]);
    world.offsets.hub = 0;
    for (let more = 0; more < 4; more += 1) await world.next();
    expect([watch.isHubWrong, watch.isDatedWrong(world.at - 7_200_000)]).toEqual([false, true]);
  });

  test('of the hub that differs is told also where the store does not answer: nobody knows whose is wrong', async () => {
    const world = new World();
    world.offsets.hub = 600_000;
    const watch = world.watch();
    const [hub, store] = world.sources();
    const away = { ...store!, now: () => Promise.reject(new Error('away')) };
    await watch.start([hub!, away]);
    expect(world.changes).toMatchObject([{ server: 'hub', differs: true, wrong: 'unknown' }]);
    await watch.start([store!]);
    expect(world.changes.slice(1)).toMatchObject([{ server: 'hub', differs: true, wrong: 'hub' }]);
  });

  test('alone tells nobody what time it is: two of three have to', async () => {
    const world = new World();
    const watch = world.watch();
    world.isAway = true;
    await watch.start(world.sources());
    expect([watch.isTimeKnown, watch.problem]).toEqual([false, expect.stringMatching(/not compared/)]);
    world.isAway = false;
    world.offsets = { ours: 600_000, hub: -3_600_000, store: 0 };
    await world.next();
    expect([watch.isTimeKnown, watch.problem]).toEqual([false, expect.stringMatching(/ahead of the hub's/)]);
    world.offsets.hub = 0;
    await world.next();
    expect(watch.isTimeKnown).toBe(true);
    expect(Math.abs(watch.now() - world.at)).toBeLessThanOrEqual(10);
  });

  test('of a node that was wrong from the beginning, and then the hub’s too: the time goes on as it was right last', async () => {
    const world = new World();
    world.offsets.ours = 600_000;
    world.trip = { out: 1, back: 801 };
    const watch = world.watch();
    await watch.start(world.sources());
    expect(Math.abs(watch.now() - world.at)).toBeLessThanOrEqual(820);
    world.at += EVERY_MS;
    world.offsets = { ours: 600_000, hub: -3_600_000, store: -600_000 };
    await world.next();
    expect(Math.abs(watch.now() - world.at)).toBeLessThanOrEqual(820);
    // It is as late as that at the most, and was no better known before.
    expect(watch.now() + watch.uncertainMs).toBeGreaterThanOrEqual(world.at - 1);
    expect(watch.problem).toMatch(/both are wrong/);
    expect(watch.isDatedWrong(world.at - 3_600_000)).toBe(true);
  });

  test('of hub and node may both be wrong: the time goes on as both told it last', async () => {
    const world = new World();
    const watch = world.watch();
    await watch.start(world.sources());
    world.offsets = { ours: 600_000, hub: -3_600_000, store: 0 };
    await world.next();
    expect(Math.abs(watch.now() - world.at)).toBeLessThanOrEqual(2);
    expect(watch.isHubWrong).toBe(true);
    expect(watch.problem).toMatch(/both are wrong/);
  });

  test('of hub and store that agree are believed against this machine’s, and three that differ are told by what they were', async () => {
    const world = new World();
    const watch = world.watch();
    await watch.start(world.sources());
    world.offsets = { ours: 0, hub: 600_000, store: 600_000 };
    await world.next();
    expect(watch.isHubWrong).toBe(false);
    expect(Math.abs(watch.now() - world.at - 600_000)).toBeLessThanOrEqual(10);
    const other = new World();
    const another = other.watch();
    await another.start(other.sources());
    other.offsets = { ours: 0, hub: 600_000, store: -600_000 };
    await other.next();
    expect(another.isHubWrong).toBe(true);
    expect(Math.abs(another.now() - other.at)).toBeLessThanOrEqual(2);
  });

  test('that is set by no more than it may be off is believed', async () => {
    const world = new World();
    const watch = world.watch();
    await watch.start(world.sources());
    world.offsets.ours = 50;
    expect(watch.problem).toBeNull();
    expect(watch.now()).toBe(Math.floor(world.at + 50));
  });

  test('that is set while the hub is away goes on as it did', async () => {
    const world = new World();
    const watch = world.watch();
    await watch.start(world.sources());
    world.offsets.ours = -3_600_000;
    world.isAway = true;
    for (let more = 0; more < 3; more += 1) {
      world.at += EVERY_MS;
      expect(watch.now()).toBe(Math.floor(world.at));
      await world.next();
    }
    expect(watch.problem).toMatch(/was set/);
  });
});
