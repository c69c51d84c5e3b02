/**
 * Where a stream has lost its tail is found by the times at which the hub stored what was read.
 */
import { describe, expect, test } from 'vitest';
import { lostTail } from '../../../src/nats/lost-tail.ts';
import type { ReadMark } from '../../../src/runtime/lost-tail.ts';

/** A stream that holds these times, from a sequence on; `null` where a message was erased. */
class Held {
  readonly first: number;
  readonly times: readonly (number | null)[];

  constructor(times: readonly (number | null)[], first = 1) {
    this.first = first;
    this.times = times;
  }

  get last(): number {
    return this.first + this.times.length - 1;
  }

  at(sequence: number): ReadMark | null {
    const storedAt = this.times[sequence - this.first] ?? null;
    return storedAt === null ? null : { sequence, storedAt };
  }

  lostTo(reached: number, ...marks: readonly ReadMark[]): Promise<number | null> {
    const { first, last } = this;
    return lostTail({
      marks,
      allFrom: Infinity,
      reached,
      first,
      last,
      next: (sequence) => {
        for (let at = sequence; at <= last; at += 1) {
          const found = this.at(at);
          if (found !== null) return Promise.resolve(found);
        }
        return Promise.resolve(null);
      },
    });
  }
}

const mark = (sequence: number, storedAt: number): ReadMark => ({ sequence, storedAt });

describe('a stream as it was read', () => {
  test.each([0, 1, -1])('has lost nothing, though the hub rounds a time by %d ms', async (rounded) => {
    expect(await new Held([100, 200, 300]).lostTo(3, mark(3, 300 + rounded))).toBeNull();
  });

  test('has lost nothing where one message was erased, or what was read has aged out', async () => {
    expect(await new Held([100, null, 300]).lostTo(2, mark(2, 200))).toBeNull();
    expect(await new Held([600, 700], 6).lostTo(7, mark(5, 100), mark(7, 700))).toBeNull();
  });

  test('has lost nothing where it ends where it was read to, and its end beyond that', async () => {
    expect(await new Held([100, 200, 300]).lostTo(3)).toBeNull();
    expect(await new Held([100, 200, 300]).lostTo(4)).toBe(3);
  });
});

describe('a stream that has lost its tail', () => {
  test('is as it was read up to the last message that was stored before the first one that is missing', async () => {
    const held = new Held([100, 200, 900, 1_000, 1_100]);
    expect(await held.lostTo(4, mark(3, 300), mark(4, 400))).toBe(2);
    expect(await held.lostTo(4, mark(4, 400), mark(3, 300)), 'in whatever order they are known').toBe(2);
  });

  test('keeps what was stored at the very time of the message that is missing', async () => {
    expect(await new Held([100, 200, 200, 900]).lostTo(4, mark(4, 200))).toBe(3);
  });

  test('is told by its first message, too', async () => {
    expect(await new Held([900, 1_000]).lostTo(1, mark(1, 100))).toBe(0);
    expect(await new Held([900, 1_000], 6).lostTo(6, mark(6, 100))).toBe(5);
  });

  test('is as it was up to the first message that is missing, whatever later ones are missing, too', async () => {
    const held = new Held([100, 200, 350, 900]);
    expect(await held.lostTo(4, mark(3, 300), mark(4, 400))).toBe(2);
  });

  test('and has not grown again is as it was read to its end', async () => {
    expect(await new Held([100, 200]).lostTo(3, mark(3, 300))).toBe(2);
  });

  test('is read again from its beginning where the clock of the hub was set back over the loss', async () => {
    expect(await new Held([100, 200, 250, 260], 1).lostTo(4, mark(3, 300))).toBe(0);
    expect(await new Held([100, 200, 250, 260], 6).lostTo(9, mark(8, 300))).toBe(5);
  });

  test('is searched across what was erased', async () => {
    expect(await new Held([100, null, null, 200, null, 900, null]).lostTo(6, mark(6, 300))).toBe(4);
  });
});
