import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { findLostTail, type ReadMark } from '../../../src/runtime/lost-tail.ts';
import { ReadMarks } from '../../../src/runtime/read-marks.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;

/** A stream that was read to its end, then lost its tail, and stored more since. */
interface Streams {
  /** Times of what it held, and of what it stored instead of the last ones, ms. */
  readonly before: readonly number[];
  readonly lost: number;
  readonly since: readonly number[];
}

function standing({ before, lost, since }: Streams): readonly ReadMark[] {
  return [...before.slice(0, before.length - lost), ...since].map((storedAt, index) => ({
    sequence: index + 1,
    storedAt,
  }));
}

/** Where reading goes on, and how many messages were looked at for that. */
function found(streams: Streams, known: ReadMarks['known']): { to: number | null; asked: number } {
  const messages = standing(streams);
  const question = { ...known, reached: streams.before.length, first: 1, last: messages.length };
  const search = findLostTail(question);
  let asked = 0;
  let step = search.next();
  for (; step.done !== true; asked += 1)
    step = search.next(messages.find(({ sequence }) => sequence >= (step.value ?? 0)) ?? null);
  return { to: step.value, asked };
}

/** What a reader remembers that has read all of it. */
function readBy({ before }: Streams): ReadMarks['known'] {
  const marks = new ReadMarks([]);
  for (const [index, storedAt] of before.entries()) marks.pass({ sequence: index + 1, storedAt });
  return marks.known;
}

/** What a node knows that begins: the last message alone. */
function lastOf({ before }: Streams): ReadMarks['known'] {
  return new ReadMarks([{ sequence: before.length, storedAt: before.at(-1)! }]).known;
}

/** Times of messages that are stored one after the other, from `from` on. */
function times(from: number, stepsMs: readonly number[]): number[] {
  const all: number[] = [];
  for (const stepMs of stepsMs) all.push((all.at(-1) ?? from) + stepMs);
  return all;
}

const steps = (max: number) =>
  fc.array(fc.integer({ min: 2, max: 60_000 }), { minLength: 1, maxLength: max });

describe('a stream that has lost its tail', () => {
  test('is read on behind what it still holds, to the message, where its clock was right', () => {
    fc.assert(
      fc.property(steps(200), fc.nat(), steps(50), (older, some, newer) => {
        const before = times(0, older);
        const lost = 1 + (some % before.length);
        const streams = { before, lost, since: times(before.at(-1)!, newer) };
        expect(found(streams, readBy(streams)).to).toBe(before.length - lost);
        expect(found(streams, lastOf(streams)).to).toBe(before.length - lost);
      }),
    );
  });

  test('is read on with what was stored since, to the message, whatever its clock told before or since, by who had read it', () => {
    const clock = fc.constantFrom(-HOUR_MS, -2 * MINUTE_MS, 0, 2 * MINUTE_MS, HOUR_MS);
    const clocks = fc.array(clock, { minLength: 3, maxLength: 3 });
    const wrongBy = (all: readonly number[], at: readonly number[]): number[] =>
      all.map((time, index) => time + at[Math.floor((index * at.length) / all.length)]!);
    fc.assert(
      fc.property(steps(300), fc.nat(), steps(50), clocks, clocks, (older, some, newer, first, then) => {
        const right = times(0, older);
        const lost = 1 + (some % Math.min(199, right.length));
        const since = wrongBy(times(right.at(-1)!, newer), then);
        const streams = { before: wrongBy(right, first), lost, since };
        const kept = right.length - lost;
        // What happens to be stored at the same ms cannot be told.
        fc.pre(!since.some((time, index) => Math.abs(time - (streams.before[kept + index] ?? NaN)) <= 1));
        expect(found(streams, readBy(streams)).to).toBe(kept);
      }),
    );
  });

  test('is read on at what was stored since also by who knows one message alone, where its machine came up with a clock that is behind', () => {
    // Each second a message; of two minutes nothing is left, and three minutes were stored by a clock an hour behind.
    const before = times(0, Array<number>(20_000).fill(1_000));
    const wrong = times(before.at(-1)! - HOUR_MS, Array<number>(180).fill(1_000));
    const right = times(before.at(-1)! + 180_000, Array<number>(500).fill(1_000));
    const justBefore = times(before.at(-1)!, [1, 1, 1, 1]);
    for (const since of [
      wrong.slice(0, 60),
      wrong,
      [...wrong, ...right],
      [...justBefore, ...wrong, ...right],
    ]) {
      const streams = { before, lost: 120, since };
      const { to, asked } = found(streams, lastOf(streams));
      expect(to).toBe(before.length - 120);
      expect(asked).toBeLessThan(1_000);
    }
  });

  test('is read again by who knows one message alone, where that is gone and the hub’s clock was known to be wrong as it was stored', () => {
    const before = times(0, Array<number>(500).fill(MINUTE_MS));
    const wrong = times(before.at(-1)! + HOUR_MS, Array<number>(100).fill(100));
    const since = times(before.at(-1)! + 2 * MINUTE_MS, Array<number>(50).fill(1_000));
    const streams = { before: [...before, ...wrong], lost: 100, since };
    const [mark] = lastOf(streams).marks;
    const known = new ReadMarks([{ ...mark!, isDatedWrong: true }]).known;
    // Nothing tells which of them are new: all are read, and none of those that are is passed over.
    expect(found(streams, known).to).toBe(0);
    // A date that was believed tells.
    const right = { ...streams, before: [...before, ...times(before.at(-1)!, Array<number>(100).fill(100))] };
    expect(found(right, lastOf(right)).to).toBe(500);
  });

  test('that has lost nothing of what was read is read on', () => {
    const before = times(0, [5, 5, 5, 5]);
    const streams = { before, lost: 0, since: [30] };
    expect(found(streams, readBy(streams)).to).toBeNull();
    expect(found(streams, lastOf(streams)).to).toBeNull();
  });
});

describe('what is remembered of a stream', () => {
  test('are its last messages, and some of those before, ever fewer', () => {
    const marks = new ReadMarks([]);
    for (let sequence = 1; sequence <= 100_000; sequence += 1) marks.pass({ sequence, storedAt: sequence });
    const distances = marks.all.map(({ sequence }) => 100_000 - sequence);
    expect(distances.length).toBeLessThanOrEqual(242);
    expect(distances.at(-1)).toBe(0);
    for (let lost = 1; lost < 50_000; lost *= 2)
      expect(distances.some((distance) => distance >= lost && distance <= 3 * lost)).toBe(true);
  });

  test('is not what is read again before them, nor what stands behind a loss', () => {
    const marks = new ReadMarks([{ sequence: 10, storedAt: 10 }]);
    marks.pass({ sequence: 3, storedAt: 3 });
    expect(marks.all).toEqual([{ sequence: 10, storedAt: 10 }]);
    marks.pass({ sequence: 12, storedAt: 12 });
    marks.cut(11);
    expect(marks.all).toEqual([{ sequence: 10, storedAt: 10 }]);
    expect(marks.newest).toEqual({ sequence: 10, storedAt: 10 });
    marks.clear();
    expect([marks.all, marks.newest]).toEqual([[], null]);
  });
});
