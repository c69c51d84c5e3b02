/** How far a partition has got is written with what was set aside below it, and a flood has nobody else's commit write that. */
import { describe, expect, test } from 'vitest';
import { Backlog } from '../../../src/runtime/backlog.ts';
import { takeProgress } from '../../../src/runtime/partition-state.ts';
import type { BacklogRange } from '../../../src/runtime/ports.ts';
import { StreamPositions } from '../../../src/runtime/stream-positions.ts';

const LOUD = 'DEVICES-harbour';
const QUIET = 'DEVICES-depot';

const range = (from: number, to = from): BacklogRange => ({
  stream: LOUD,
  site: 'harbour',
  device: 'cp-1',
  from,
  to,
  messages: to - from + 1,
});

/** A partition of which nothing is unwritten. */
class Partition {
  readonly positions = new StreamPositions([]);
  readonly backlog = new Backlog([]);

  passOver(from: number, to: number, storedAt: number): void {
    this.backlog.passOver(range(from, to));
    this.positions.pass(LOUD, to, storedAt);
  }

  take(): ReturnType<typeof takeProgress> {
    return takeProgress(this);
  }
}

const at = (stream: string, position: number) => expect.objectContaining({ stream, position }) as unknown;

describe('what a commit writes of how far a partition has got', () => {
  test('what is passed over in one stream is not written because something is decided in another', () => {
    const partition = new Partition();
    partition.passOver(1, 300, 1_000);
    partition.positions.move(QUIET, 7, 1_000);
    expect(partition.positions.isDue).toBe(false);
    expect(partition.take()).toEqual({ positions: [at(QUIET, 7)], backlog: null });
    expect(partition.take()).toEqual({ positions: [], backlog: null });
  });

  test('something decided beyond it in the same stream has all of it written', () => {
    const partition = new Partition();
    partition.passOver(1, 300, 1_000);
    partition.positions.move(LOUD, 301, 1_001);
    expect(partition.take()).toEqual({ positions: [at(LOUD, 301)], backlog: [range(1, 300)] });
    expect(partition.take()).toEqual({ positions: [], backlog: null });
  });

  test('and so has something decided before it in the same commit', () => {
    const partition = new Partition();
    partition.positions.move(LOUD, 1, 1_000);
    partition.passOver(2, 300, 1_000);
    expect(partition.take()).toEqual({ positions: [at(LOUD, 300)], backlog: [range(2, 300)] });
  });

  test('what is read again of the backlog is written with every position', () => {
    const partition = new Partition();
    partition.backlog.setAside(range(1, 2));
    partition.positions.move(LOUD, 2, 1_000);
    partition.take();
    partition.passOver(3, 9, 1_001);
    partition.backlog.read([...[...partition.backlog.byDevice()][0]!][0]!, { through: 1, isMessage: true });
    const backlog = [{ ...range(2, 9), messages: 8 }];
    expect(partition.take()).toEqual({ positions: [at(LOUD, 9)], backlog });
  });

  test('a single message that is set aside is written with its position', () => {
    const partition = new Partition();
    partition.positions.move(LOUD, 1, 1_000);
    partition.backlog.setAside(range(1));
    expect(partition.take()).toEqual({ positions: [at(LOUD, 1)], backlog: [range(1)] });
  });

  test('after half a second of its stream it is written anyway', () => {
    const partition = new Partition();
    partition.passOver(1, 300, 1_000);
    partition.passOver(301, 600, 1_499);
    expect(partition.positions.isDue).toBe(false);
    partition.passOver(601, 900, 1_500);
    expect(partition.positions.isDue).toBe(true);
    expect(partition.take()).toEqual({ positions: [at(LOUD, 900)], backlog: [range(1, 900)] });
    expect(partition.positions.isDue).toBe(false);
  });

  test('the last commit of an orderly stop writes everything', () => {
    const partition = new Partition();
    partition.passOver(1, 300, 1_000);
    partition.positions.hasten();
    expect(partition.take()).toEqual({ positions: [at(LOUD, 300)], backlog: [range(1, 300)] });
  });
});
