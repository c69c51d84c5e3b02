import { expect, test } from 'vitest';
import { committedThrough } from '../../../src/runtime/committed-through.ts';
import type { BacklogRange, StreamPosition } from '../../../src/runtime/ports.ts';

const stream = 'DEVICES-depot';
const made = 'on monday';

const at = (position: number, change: Partial<StreamPosition> = {}): StreamPosition => ({
  stream,
  made,
  position,
  ...change,
});
const range = (from: number, change: Partial<BacklogRange> = {}): BacklogRange => ({
  stream,
  site: 'depot',
  device: 'cp-1',
  from,
  to: from + 5,
  messages: 3,
  ...change,
});
const lease = (positions: readonly StreamPosition[], backlog: readonly BacklogRange[] = []) => ({
  positions,
  backlog,
});

test('what every partition has committed is of no more use: up to the lowest of their positions', () => {
  expect(committedThrough([lease([at(9)]), lease([at(7)]), lease([at(8)])], { stream, made })).toBe(7);
});

test('what is set aside in the stream is still to be read, and all behind it', () => {
  expect(committedThrough([lease([at(9)], [range(8), range(4)]), lease([at(9)])], { stream, made })).toBe(3);
});

test('positions and what is set aside in other streams do not count', () => {
  const other = 'DEVICES-harbour';
  const leases = [lease([at(2, { stream: other }), at(9)], [range(1, { stream: other })])];
  expect(committedThrough(leases, { stream, made })).toBe(9);
});

test('a partition that never read the stream, or one of this name that was made before, needs all of it', () => {
  expect(committedThrough([lease([at(9)]), lease([])], { stream, made })).toBe(0);
  expect(committedThrough([lease([at(9)]), lease([at(9, { made: 'on sunday' })])], { stream, made })).toBe(0);
  expect(committedThrough([lease([at(9)]), lease([at(9, { made: null })])], { stream, made })).toBe(0);
  expect(committedThrough([], { stream, made })).toBe(0);
});
