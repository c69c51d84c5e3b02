/** What a watcher passes over because it has seen it: the same line, and never another one. */
import { describe, expect, test } from 'vitest';
import { PublishedLines } from '../../../src/client/published-lines.ts';

describe('a journal line', () => {
  test('that was seen before is known, in whatever order lines came', () => {
    const lines = new PublishedLines();
    expect([7, 9, 8].map((no) => lines.has(3, no))).toEqual([false, false, false]);
    expect([9, 7, 8].map((no) => lines.has(3, no))).toEqual([true, true, true]);
  });

  test('of another partition is another line, though it has the same number', () => {
    const lines = new PublishedLines();
    expect([lines.has(3, 7), lines.has(4, 7), lines.has(3, 7), lines.has(4, 7)]).toEqual([
      false,
      false,
      true,
      true,
    ]);
  });

  test('is remembered over the next four thousand of its partition, and over any number of others', () => {
    const lines = new PublishedLines();
    lines.has(3, 1);
    for (let no = 2; no <= 4_096; no += 1) lines.has(3, no);
    for (let no = 1; no <= 10_000; no += 1) lines.has(4, no);
    expect(lines.has(3, 1)).toBe(true);
  });
});
