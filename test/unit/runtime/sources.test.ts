/** What an owner of devices keeps of those who speak for them. */
import { describe, expect, test } from 'vitest';
import { bornTwin, type SpokenFor, type Twin } from '../../../actors/twin.ts';
import type { Source } from '../../../actors/known-source.ts';
import { chargePoint } from '../../../machines/charge-point.ts';
import { Sources } from '../../../src/runtime/sources.ts';

const T0 = 1_750_000_000_000;

function spoken(device: string, change: Partial<SpokenFor> | null = {}, site = 'depot'): Twin {
  const via = change && { id: 'gw', session: 1, doubt: null, since: null, said: [], ...change };
  return { ...bornTwin({ device, kind: chargePoint, site }), via };
}

function source(change: Partial<Source> = {}): Source {
  const none = { awaySince: null, via: null, replaysSince: null };
  return { id: 'gw', site: 'depot', session: 1, heardAt: T0, ...none, ...change };
}

/** Devices `d-0`, `d-1`, ..., which name `gw`. */
function following(count: number): Sources {
  const sources = new Sources(100);
  for (let index = 0; index < count; index += 1) {
    const twin = spoken(`d-${String(index)}`);
    sources.follow({ ...twin, via: null }, twin, false);
  }
  return sources;
}

describe('of a source that devices name', () => {
  test('the store is asked, and of those that speak for it in turn', () => {
    const sources = following(2);
    expect(sources.ids).toEqual(['gw']);
    sources.learn([source({ via: 'hub' })], T0);
    expect(sources.ids).toEqual(['gw', 'hub']);
  });

  test('nobody is asked beyond the limit', () => {
    const sources = new Sources(3);
    for (let index = 0; index < 9; index += 1)
      sources.lay({ device: `d-${String(index)}`, site: 'depot' }, `gw-${String(index)}`);
    expect(sources.ids).toHaveLength(3);
  });

  test('all devices decide anew when something else follows from it, and none when it is only heard', () => {
    const sources = following(2);
    expect(sources.learn([source()], T0).devices).toEqual(['d-0', 'd-1']);
    expect(sources.learn([source({ heardAt: T0 + 1 })], T0).devices).toEqual([]);
    for (const change of [{ awaySince: T0 }, {}, { session: 2 }, { session: 2, replaysSince: T0 }])
      expect(sources.learn([source(change)], T0).devices).toEqual(['d-0', 'd-1']);
    expect(sources.learn([], T0).devices).toEqual(['d-0', 'd-1']);
  });

  test('those that wait for news of it decide when it is heard', () => {
    const sources = following(2);
    sources.learn([source()], T0);
    sources.follow(spoken('d-1'), spoken('d-1'), true);
    expect(sources.learn([source({ heardAt: T0 + 1 })], T0).devices).toEqual(['d-1']);
    sources.follow(spoken('d-1'), spoken('d-1'), false);
    expect(sources.learn([source({ heardAt: T0 + 2 })], T0).devices).toEqual([]);
  });

  test('it is told once when it goes away, comes back, and begins another session', () => {
    const sources = following(2);
    const changes = (change: Partial<Source>): readonly string[] =>
      sources.learn([source(change)], T0).changes.map(({ change: what }) => what);
    expect(changes({})).toEqual([]);
    expect(changes({ awaySince: T0 })).toEqual(['away']);
    expect(changes({ awaySince: T0 })).toEqual([]);
    expect(changes({})).toEqual(['back']);
    expect(changes({ session: 2 })).toEqual(['session']);
  });

  test('nothing is known any more once no device names it', () => {
    const sources = following(1);
    sources.follow(spoken('d-0'), spoken('d-0', { id: 'other' }), false);
    expect(sources.ids).toEqual(['other']);
    sources.drop(spoken('d-0', { id: 'other' }));
    expect(sources.ids).toEqual([]);
  });

  test('nothing is known any more at a site that all devices have left', () => {
    const sources = following(1);
    sources.follow(spoken('d-0'), spoken('d-0', {}, 'harbour'), false);
    sources.drop(spoken('d-0', {}, 'harbour'));
    expect(sources.ids).toEqual([]);
  });

  test('a device that names it no more waits no more for news of it', () => {
    const sources = following(2);
    sources.learn([source()], T0);
    sources.follow(spoken('d-1'), spoken('d-1'), true);
    sources.follow(spoken('d-1'), spoken('d-1', null), false);
    expect(sources.learn([source({ heardAt: T0 + 1 })], T0).devices).toEqual([]);
  });

  test('nothing is told where it is one of another site', () => {
    const sources = following(1);
    const other = { site: 'harbour' };
    expect(sources.learn([source({ ...other, awaySince: T0 })], T0).changes).toEqual([]);
    expect(sources.learn([source(other)], T0).changes).toEqual([]);
  });
});

describe('what devices see together', () => {
  const echo = { at: T0, receivedAt: T0, sort: 'again', from: 'available', to: 'charging' } as const;

  test('counts at once for all of them, and until the source’s own twin says so for no longer than it may take', () => {
    const sources = following(8);
    sources.learn([source()], T0);
    const seen = Array.from({ length: 8 }, (_, index) =>
      sources.note(spoken(`d-${String(index)}`), echo, T0),
    );
    const found = seen.filter((finding) => finding !== null);
    expect(found).toMatchObject([{ source: 'gw', site: 'depot', at: T0, devices: 5, spokenFor: 8 }]);
    expect(found[0]?.affected).toHaveLength(8);
    expect(sources.of(spoken('d-7'), 'gw', T0 + 1)?.replaysSince).toBe(T0);
    expect(sources.of(spoken('d-7'), 'gw', T0 + 60_000)?.replaysSince).toBeNull();
    expect(sources.learn([source()], T0 + 60_000).devices).toHaveLength(8);
  });

  test('is since when it was found first, and nobody is told again, for as long as it is found again', () => {
    const sources = following(5);
    sources.learn([source()], T0);
    const findAt = (now: number): readonly (readonly string[])[] =>
      Array.from({ length: 5 }, (_, index) => sources.note(spoken(`d-${String(index)}`), echo, now)).flatMap(
        (finding) => (finding === null ? [] : [finding.affected]),
      );
    expect(findAt(T0).flat()).toHaveLength(5);
    expect(findAt(T0 + 10_000)).toEqual([[]]);
    expect(sources.of(spoken('d-0'), 'gw', T0 + 20_000)?.replaysSince).toBe(T0);
    expect(sources.learn([source()], T0 + 60_000).devices).toHaveLength(5);
    expect(sources.learn([source()], T0 + 60_001).devices, 'it is over once').toEqual([]);
    expect(findAt(T0 + 90_000).flat(), 'and found anew').toHaveLength(5);
    expect(sources.of(spoken('d-0'), 'gw', T0 + 90_001)?.replaysSince).toBe(T0 + 90_000);
  });

  test('is not what those saw that name it no more', () => {
    const sources = following(9);
    for (let index = 0; index < 4; index += 1) {
      const twin = spoken(`d-${String(index)}`);
      sources.note(twin, echo, T0);
      sources.drop(twin);
    }
    expect(sources.note(spoken('d-8'), echo, T0)).toBeNull();
  });

  test('is not what devices of another site say of the same source', () => {
    const sources = following(4);
    for (let index = 0; index < 8; index += 1) {
      const stranger = spoken(`x-${String(index)}`, {}, 'harbour');
      sources.follow({ ...stranger, via: null }, stranger, false);
      sources.note(stranger, echo, T0);
    }
    sources.learn([source()], T0);
    expect(sources.of(spoken('d-1'), 'gw', T0)?.replaysSince).toBeNull();
    expect(sources.of(spoken('x-1', {}, 'harbour'), 'gw', T0)).toBeNull();
  });

  test('is news to the twin of the source once', () => {
    const sources = following(0);
    const replay = { source: 'gw', site: 'depot', at: T0, devices: 5, spokenFor: 8 };
    expect([replay, replay, { ...replay, at: T0 + 1 }].map((one) => sources.isNews(one))).toEqual([
      true,
      false,
      true,
    ]);
  });
});
