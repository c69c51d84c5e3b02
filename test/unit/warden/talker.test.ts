import { describe, expect, test } from 'vitest';
import { talkersOf } from '../../../tools/warden/talker.ts';
import { type Visitor, visitorsLike } from '../../../tools/warden/visitor.ts';

function visitor(cid: number, messages: number, bytes: number, more: Partial<Visitor> = {}): Visitor {
  return {
    server: 'hub',
    serverId: 'A',
    cid,
    kind: 'client',
    account: 'depot',
    user: 'depot',
    name: null,
    address: null,
    since: '2026-11-29T22:00:00Z',
    countedAt: 0,
    in: { messages, bytes },
    out: { messages: 0, bytes: 0 },
    ...more,
  };
}

describe('the worst talker', () => {
  const before = [visitor(1, 1_000_000, 1_000_000), visitor(2, 0, 0), visitor(3, 0, 0)];
  const later = { countedAt: 2_000 };
  const after = [
    visitor(1, 1_000_010, 1_000_010, later),
    visitor(2, 40, 40, later),
    visitor(3, 20, 200_000, later),
    visitor(4, 60, 60, later),
  ];

  test('is who sends most now, not who has sent most, and may have come only now', () => {
    const talkers = talkersOf(before, after, 'messages');
    expect(talkers.map(({ cid, inPerSecond }) => [cid, inPerSecond.messages])).toEqual([
      [4, 30],
      [2, 20],
      [3, 10],
      [1, 5],
    ]);
  });

  test('by bytes is who fills the disk', () => {
    expect(talkersOf(before, after, 'bytes')[0]).toMatchObject({ cid: 3, inPerSecond: { bytes: 100_000 } });
  });

  test('is measured by the clock of its own server', () => {
    const elsewhere = { serverId: 'B', server: 'hub-2' };
    const talkers = talkersOf(
      [visitor(1, 0, 0), visitor(1, 0, 0, { ...elsewhere, countedAt: 10_000 })],
      [visitor(1, 10, 0, { countedAt: 1_000 }), visitor(1, 10, 0, { ...elsewhere, countedAt: 15_000 })],
      'messages',
    );
    expect(talkers.map(({ server, inPerSecond }) => [server, inPerSecond.messages])).toEqual([
      ['hub', 10],
      ['hub-2', 2],
    ]);
  });
});

test('whoever is meant is meant by all that is said of them', () => {
  const visitors = [
    visitor(1, 0, 0),
    visitor(2, 0, 0, { user: 'gateway' }),
    visitor(1, 0, 0, { server: 'hub-2' }),
  ];
  expect(visitorsLike(visitors, { site: 'depot' })).toHaveLength(3);
  expect(visitorsLike(visitors, { site: 'depot', user: 'gateway' })).toEqual([visitors[1]]);
  expect(visitorsLike(visitors, { cid: 1, server: 'hub-2' })).toEqual([visitors[2]]);
  expect(visitorsLike(visitors, { site: 'harbour' })).toEqual([]);
});
