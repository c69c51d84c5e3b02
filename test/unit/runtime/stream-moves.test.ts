/**
 * Partitions without messages of their own follow a stream through what was taken of it, however far another one of them stands.
 */
import { describe, expect, test } from 'vitest';
import { kinds } from '../../../machines/kinds.ts';
import { MemoryStore } from '../../../src/memory/store.ts';
import { Batch } from '../../../src/runtime/batch.ts';
import { openPartitions, type PartitionState } from '../../../src/runtime/partition-state.ts';
import { StreamMoves } from '../../../src/runtime/stream-moves.ts';

const STREAM = 'DEVICES-depot';

/** Partitions as their owner before has left them in the stream. */
async function left(...positions: readonly number[]): Promise<readonly PartitionState[]> {
  const store = new MemoryStore({ kinds, clock: { now: () => 0 }, serverErrorMs: 50, retentionDays: 30 });
  const leases = await store.acquire({
    node: 'node-1',
    limit: positions.length,
    ttlMs: 60_000,
    epochAtLeast: 1,
  });
  const states = await openPartitions(leases, {
    kinds,
    store,
    residentMax: 10,
    residentBytesMax: Infinity,
    sourcesMax: 10,
  });
  for (const [index, position] of positions.entries()) states[index]!.positions.move(STREAM, position);
  return states;
}

function movesOf(states: readonly PartitionState[]): StreamMoves {
  const partitions = new Map(states.map((state) => [state.partition, state]));
  return new StreamMoves({ partitions, telemetry: { streamGone: () => undefined } });
}

const positionsOf = (states: readonly PartitionState[]): readonly number[] =>
  states.map(({ positions }) => positions.of(STREAM));

describe('a partition without messages of its own', () => {
  test('follows through what was taken, and not to where another one was left', async () => {
    const states = await left(50, 10, 40);
    const moves = movesOf(states);
    for (const sequence of [11, 12, 13]) moves.take(STREAM, sequence);
    moves.follow(new Batch(), 2);
    expect(positionsOf(states)).toEqual([50, 13, 40]);
    for (let sequence = 14; sequence <= 60; sequence += 1) moves.take(STREAM, sequence);
    moves.follow(new Batch(), 12);
    expect(positionsOf(states)).toEqual([50, 60, 60]);
  });

  test('stays where it is while it lags by no more than it may, and while nothing was taken', async () => {
    const states = await left(50, 10);
    const moves = movesOf(states);
    moves.follow(new Batch(), 0);
    moves.settle(STREAM, new Batch());
    moves.settleAll(new Batch());
    expect(positionsOf(states)).toEqual([50, 10]);
    moves.take(STREAM, 15);
    moves.follow(new Batch(), 5);
    expect(positionsOf(states)).toEqual([50, 10]);
  });

  test.each([
    ['a stream is to be trimmed', (moves: StreamMoves) => moves.settle(STREAM, new Batch())],
    ['the node stops', (moves: StreamMoves) => moves.settleAll(new Batch())],
  ])('follows no farther when %s', async (_, settle) => {
    const states = await left(50, 10);
    const moves = movesOf(states);
    moves.take(STREAM, 11);
    settle(moves);
    expect(positionsOf(states)).toEqual([50, 11]);
  });

  test('follows through what was taken of a stream since that lost its tail, or was made anew', async () => {
    const states = await left(50, 50);
    const moves = movesOf(states);
    moves.take(STREAM, 50);
    moves.skip({ stream: STREAM, from: 51, to: 30, isTail: true }, new Batch());
    moves.settle(STREAM, new Batch());
    expect(positionsOf(states)).toEqual([30, 30]);
    moves.take(STREAM, 31);
    moves.settle(STREAM, new Batch());
    expect(positionsOf(states)).toEqual([31, 31]);
  });

  test('is not moved back by messages that are read again', async () => {
    const states = await left(50, 50);
    const moves = movesOf(states);
    for (const sequence of [60, 55]) moves.take(STREAM, sequence);
    moves.settle(STREAM, new Batch());
    expect(positionsOf(states)).toEqual([60, 60]);
  });
});
