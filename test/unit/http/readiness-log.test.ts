import { expect, test } from 'vitest';
import { ReadinessLog } from '../../../src/http/readiness-log.ts';

/** What is written when it is asked so many seconds after the start, in this order. */
function written(
  ...asked: readonly (readonly [second: number, status: 'ready' | 'not'])[]
): readonly string[] {
  let now = 1_000_000;
  const startedAt = now;
  const log = new ReadinessLog({ monotonic: () => now });
  const lines: string[] = [];
  const write =
    (level: string) =>
    (fields: object): void =>
      void lines.push(`${level} ${(fields as { line: string }).line}`);
  const writer = { info: write('info'), warn: write('warn') } as unknown as Parameters<ReadinessLog['is']>[0];
  for (const [second, status] of asked) {
    now = startedAt + 1_000 * second;
    if (status === 'ready') log.is(writer, 'ready');
    else log.isNot(writer, 'feed: catching up');
  }
  return lines;
}

test('a node that has just started is not warned of, and once', () => {
  expect(written([0, 'not'], [10, 'not'], [20, 'ready'])).toEqual([
    'info node-not-ready-yet',
    'info node-ready',
  ]);
});

test('one that is still not ready when it should be is, however rarely it is asked', () => {
  expect(written([1, 'not'], [31, 'not'], [60, 'not'])).toEqual([
    'info node-not-ready-yet',
    'warn node-not-ready',
  ]);
  expect(written([300, 'not'])).toEqual(['warn node-not-ready']);
});

test('one that was ready is warned of at once', () => {
  expect(written([2, 'ready'], [4, 'not'], [6, 'ready'])).toEqual([
    'info node-ready',
    'warn node-not-ready',
    'info node-ready',
  ]);
});
