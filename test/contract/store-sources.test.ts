/**
 * Sources of devices in every store: what owners elsewhere know of them, and what those saw of them.
 */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Twin } from '../../actors/twin.ts';
import { ANY_DEVICE } from '../../src/contract/device-filter.ts';
import type { Quality } from '../../src/contract/twin-document.ts';
import { PARTITIONS, partitionOf } from '../../src/wire/partition.ts';
import { OwnedStore } from './owned-store.ts';
import { storesUnderTest, type StoreUnderTest } from './store-kinds.ts';
import { T0, twin } from './store-samples.ts';

const via = { id: 'gw', session: 7, doubt: null, since: null, said: [] } as const;
const ALL = Array.from({ length: PARTITIONS }, (_, partition) => partition);

describe.each(storesUnderTest)('$name, a source', ({ open }) => {
  let under: StoreUnderTest;
  let owned: OwnedStore;
  beforeEach(async () => {
    under = await open();
    owned = await OwnedStore.take(under.store);
  });
  afterEach(async () => {
    await under.end();
  });

  const source = (change: Partial<Twin> = {}): Promise<unknown> =>
    owned.commit({ twins: [twin('gw', change)] });

  test('is known as its twin was committed last', async () => {
    await source();
    const known = { id: 'gw', site: 'depot', session: 1, awaySince: null, via: null, replaysSince: null };
    expect(await under.store.sources(['gw', 'nobody'])).toEqual([{ ...known, heardAt: T0 + 1000.25 }]);
    await source({ version: 2, path: 'offline', since: T0 + 5_000 });
    expect(await under.store.sources(['gw'])).toMatchObject([{ awaySince: T0 + 5_000 }]);
  });

  test('says who speaks for it, and why it is doubted', async () => {
    const doubts = ['source-away', 'snapshot-replayed'].map((reason, index) => ({
      reason,
      since: T0 + index,
      detail: 'x',
    }));
    await source({ via: { ...via, id: 'hub' }, path: 'suspect.doubted', suspicions: doubts });
    expect(await under.store.sources(['gw'])).toMatchObject([
      { via: 'hub', awaySince: T0, replaysSince: T0 + 1 },
    ]);
  });

  test('is told of to the owner of the devices that name it', async () => {
    await owned.commit({ twins: [twin('cp-1', { via }), twin('cp-2')] });
    const told: [string, string | null][] = [];
    await under.store.load(ALL, {
      twin: ({ device, via: id }) => told.push([device, id]),
      registered: () => undefined,
      forgotten: () => undefined,
    });
    expect(told.sort()).toEqual([
      ['cp-1', 'gw'],
      ['cp-2', null],
    ]);
  });

  test('that was seen to play again what was said before is told of to its own owner, the last time', async () => {
    const replay = { source: 'gw', site: 'depot', at: T0 + 0.5, devices: 229, spokenFor: 525 };
    await owned.commit({ replays: [replay] });
    await owned.commit({ replays: [{ ...replay, at: T0, devices: 1 }] });
    expect(await under.store.replays([partitionOf('gw')])).toEqual([replay]);
    expect(await under.store.replays(ALL.filter((partition) => partition !== partitionOf('gw')))).toEqual([]);
    await owned.commit({ replays: [{ ...replay, at: T0 + 9, devices: 230 }] });
    expect(await under.store.replays(ALL)).toMatchObject([{ at: T0 + 9, devices: 230 }]);
  });

  test('that is not to be trusted makes the quality of its devices unknown, however they are counted', async () => {
    const suspicions = [{ reason: 'source-away', since: T0, detail: 'gw is away' }];
    await owned.commit({
      twins: [
        twin('cp-1', { via: { ...via, doubt: 'away', since: T0 }, path: 'suspect.doubted', suspicions }),
        twin('cp-2', { via: { ...via, doubt: 'replay', since: T0 } }),
        twin('cp-3', { via, path: 'suspect.doubted', suspicions }),
      ],
    });
    const found = async (quality: Quality): Promise<readonly string[]> => {
      const order = { by: 'id', isDescending: false } as const;
      const query = { ...ANY_DEVICE, quality, order, limit: 10, cursor: null };
      return (await under.store.find(query)).devices.map(({ device }) => device);
    };
    expect(await found('suspect')).toEqual(['cp-3']);
    expect(await found('unknown')).toContain('cp-1');
    expect(await found('unknown')).toContain('cp-2');
    expect((await under.store.count({ ...ANY_DEVICE, quality: 'suspect' })).devices).toBe(1);
    const counts = await under.store.counts();
    const unknown = counts.filter(({ quality }) => quality === 'unknown');
    expect(unknown.reduce((sum, { devices }) => sum + devices, 0)).toBe((await found('unknown')).length);
  });
});
