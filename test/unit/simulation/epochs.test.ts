/**
 * What is judged of the positions of a partition: they go back for what the hub has lost, and for nothing else.
 */
import { expect, test } from 'vitest';
import type { StoredMessage } from '../../../src/memory/message-stream.ts';
import type { StreamPosition } from '../../../src/runtime/ports.ts';
import { epochs } from '../../simulation/checkers/epochs.ts';
import { WorldRecord } from '../../simulation/record.ts';
import type { Evidence } from '../../simulation/world/evidence.ts';

/** A message that the hub stored, and one that it was left with. */
type Stored = readonly [sequence: number, storedAt: number];

const STREAM = { stream: 'DEVICES-depot', made: 'made-1' };

/** What happens one after the other: the hub loses messages, or a partition moves. */
function flawsOf(...events: readonly ({ readonly loses: readonly Stored[] } | Move)[]): readonly string[] {
  const record = new WorldRecord();
  for (const [at, event] of events.entries()) {
    if ('loses' in event) record.hubLosses.push({ at, reports: event.loses.map(messageOf), published: [] });
    else record.commits.push(commitOf(event, { at, afterBatch: record.commits.length }));
  }
  return epochs.check({ record, hubClock: null } as Evidence).map(({ text }) => text);
}

type Move = Pick<StreamPosition, 'position' | 'storedAt'>;

const to = (position: number, storedAt?: number): Move => ({ position, storedAt });

function messageOf([sequence, storedAt]: Stored): StoredMessage {
  return { sequence, storedAt, subject: 'report.15.depot.cp-1', payload: new Uint8Array() };
}

function commitOf(
  move: Move,
  { at, afterBatch }: { readonly at: number; readonly afterBatch: number },
): WorldRecord['commits'][number] {
  const advance = { partition: 15, epoch: 1, afterBatch, journal: 0, published: 0, backlog: null };
  const partitions = [{ ...advance, positions: [{ ...STREAM, ...move }] }];
  const commit = { partitions, twins: [], reports: [], ledger: [], journal: [], clocks: [] };
  return { at, node: 'node-1', commit, lostAt: null };
}

test('a position goes back to the end of what the hub is left with, once', () => {
  const loss = {
    loses: [
      [9, 90],
      [10, 100],
    ] as const,
  };
  expect(flawsOf(to(10, 100), loss, to(8), to(9, 190))).toEqual([]);
  expect(flawsOf(to(10, 100), loss, to(8), to(9, 190), to(8))).toHaveLength(1);
  expect(flawsOf(to(10, 100), loss, to(7))).toHaveLength(1);
  expect(flawsOf(to(10, 100), to(8))).toHaveLength(1);
});

test('what was read before a second loss is decided when the partition has gone back for the first, and goes back once more', () => {
  const first = {
    loses: [
      [9, 90],
      [10, 100],
    ] as const,
  };
  const second = {
    loses: [
      [10, 200],
      [11, 210],
    ] as const,
  };
  const read = [to(9, 190), to(11, 211)];
  expect(flawsOf(to(10, 100), first, second, to(8), ...read, to(9))).toEqual([]);
  expect(flawsOf(to(10, 100), first, second, to(8), ...read, to(8))).toHaveLength(1);
});

test('of what stands in the place of what is lost none is gone back for again', () => {
  const first = {
    loses: [
      [9, 90],
      [10, 100],
    ] as const,
  };
  const second = {
    loses: [
      [10, 200],
      [11, 210],
    ] as const,
  };
  expect(flawsOf(to(10, 100), first, second, to(8), to(11, 310), to(9))).toHaveLength(1);
  expect(flawsOf(to(10, 100), first, second, to(8), to(12, 320), to(9))).toHaveLength(1);
});
