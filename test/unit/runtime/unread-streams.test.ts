/**
 * Nothing new is begun with a device before the stream of its site was read to where it ended when reading began.
 */
import { beforeEach, describe, expect, test } from 'vitest';
import { UnreadStreams } from '../../../src/runtime/unread-streams.ts';
import { siteStream } from '../../../src/wire/subjects.ts';

const [DEPOT, ANNEX] = [siteStream('depot'), siteStream('annex')];
let unread: UnreadStreams;

beforeEach(() => {
  unread = new UnreadStreams();
});

describe('the stream of a site', () => {
  test('is unread before the feed has said what streams there are, also where one is said to be read', () => {
    unread.readThrough(DEPOT, 1_000);
    expect(unread.readThroughAt('depot')).toBeNull();
    expect(unread.problemWith('depot')).toContain('of the site depot');
  });

  test('is read from the time on at which what it held is decided, and no other with it', () => {
    unread.open([DEPOT, ANNEX], 1_000);
    unread.readThrough(DEPOT, 2_000);
    expect([unread.readThroughAt('depot'), unread.problemWith('depot')]).toEqual([2_000, null]);
    expect(unread.readThroughAt('annex')).toBeNull();
    expect(unread.problemWith('annex')).toContain('of the site annex');
  });

  test('that was not there held nothing: it is read from when reading began', () => {
    unread.open([DEPOT], 1_000);
    expect([unread.readThroughAt('later'), unread.problemWith('later')]).toEqual([1_000, null]);
    unread.readThrough(siteStream('later'), 5_000);
    expect(unread.readThroughAt('later')).toBe(1_000);
  });

  test('that was read stays so, and since when, whatever the feed says again', () => {
    unread.open([DEPOT, ANNEX], 1_000);
    unread.readThrough(DEPOT, 2_000);
    unread.readThrough(DEPOT, 3_000);
    unread.open([DEPOT, ANNEX, siteStream('later')], 4_000);
    expect(['depot', 'annex', 'later'].map((site) => unread.readThroughAt(site))).toEqual([
      2_000,
      null,
      1_000,
    ]);
  });
});
