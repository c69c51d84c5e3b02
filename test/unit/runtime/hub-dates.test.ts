import { beforeEach, describe, expect, test } from 'vitest';
import { HubDates } from '../../../src/runtime/hub-dates.ts';
import type { Delivery } from '../../../src/runtime/ports.ts';
import { StreamPositions } from '../../../src/runtime/stream-positions.ts';

const BEGINS = 1_800_000_000_000;
const HOUR_MS = 3_600_000;
const STREAM = 'DEVICES-depot';
/** A hub whose clock is right may be ahead by so much, and is read in whole ms. */
const LATEST_MS = 52;

let now = BEGINS;
let isWrong: (storedAt: number) => boolean;
let hurries: number;
let uncertainMs: number;
let wrong: number;

beforeEach(() => {
  now = BEGINS;
  isWrong = () => false;
  hurries = 0;
  uncertainMs = 0;
  wrong = 0;
});

function datesBehind(...positions: readonly { position: number; storedAt: number }[]): HubDates {
  return new HubDates({
    clock: { now: () => now, monotonic: () => now, after: () => () => undefined },
    hubClock: {
      get uncertainMs() {
        return uncertainMs;
      },
      isDatedWrong: (storedAt) => isWrong(storedAt),
      hurry: () => (hurries += 1),
    },
    limits: { serverErrorMs: 50 },
    telemetry: { datedWrong: ({ messages }) => (wrong += messages) },
    partitions: new Map(
      positions.map((at, partition) => [
        partition,
        { positions: new StreamPositions([{ stream: STREAM, made: 'm', ...at }]) },
      ]),
    ),
  });
}

function stored(sequence: number, receivedAt: number): Delivery {
  const payload = new Uint8Array();
  return { partition: 0, stream: STREAM, sequence, receivedAt, site: 'depot', device: 'cp-1', payload };
}

/** When each was received that was stored so, all heard now. */
function receivedAt(dates: HubDates, ...messages: readonly Delivery[]): readonly number[] {
  return dates.received(messages).map((message) => message.receivedAt - BEGINS);
}

describe('a message', () => {
  test('was received when the hub stored it, however long ago that is', () => {
    const batch = [stored(1, BEGINS - 2 * HOUR_MS), stored(2, BEGINS - HOUR_MS), stored(3, BEGINS + 52)];
    expect(datesBehind().received(batch)).toBe(batch);
    expect(hurries).toBe(0);
  });

  test('that is dated later than it is heard was received when it is heard, and so is what follows while that is dated before it', () => {
    const dates = datesBehind();
    expect(receivedAt(dates, stored(1, BEGINS + HOUR_MS))).toEqual([LATEST_MS]);
    now += 1_000;
    expect(receivedAt(dates, stored(2, now))).toEqual([1_000]);
    expect(hurries).toBe(1);
  });

  test('that is dated before what the hub had stored earlier was received when it is heard, and clocks are compared', () => {
    const dates = datesBehind();
    expect(receivedAt(dates, stored(1, BEGINS - 30_000), stored(2, BEGINS - HOUR_MS))).toEqual([
      -30_000,
      LATEST_MS,
    ]);
    expect(hurries).toBe(1);
    // Not for each of them.
    now += 10;
    expect(receivedAt(dates, stored(3, BEGINS - HOUR_MS + 10))).toEqual([10 + LATEST_MS]);
    expect(hurries).toBe(1);
    now += 1_000;
    expect(receivedAt(dates, stored(4, BEGINS - HOUR_MS + 1_010))).toEqual([1_010 + LATEST_MS]);
    expect(hurries).toBe(2);
  });

  test('that is dated before the one in which a partition stood as the node began is dated wrong as well, unless it comes before that in the stream', () => {
    const known = { position: 10, storedAt: BEGINS - 60_000 };
    const dates = datesBehind({ position: 4, storedAt: BEGINS - 90_000 }, known);
    const batch = [stored(5, BEGINS - 80_000), stored(11, BEGINS - HOUR_MS)];
    expect(receivedAt(dates, ...batch)).toEqual([-80_000, LATEST_MS]);
  });

  test('of a cluster whose servers differ by no more than they may is believed', () => {
    const batch = [stored(1, BEGINS - 1_000), stored(2, BEGINS - 1_050)];
    expect(datesBehind().received(batch)).toBe(batch);
  });

  test('is no later than it may be now where that is known to a round trip only', () => {
    uncertainMs = 400;
    const batch = [stored(1, BEGINS + 450)];
    expect(datesBehind().received(batch)).toBe(batch);
    isWrong = () => true;
    expect(receivedAt(datesBehind(), stored(1, BEGINS))).toEqual([LATEST_MS + 400]);
  });

  test('is dated wrong where the hub’s clock is known to be, and keeps what it said', () => {
    const dates = datesBehind();
    isWrong = (storedAt) => storedAt >= BEGINS - 1_000;
    const [old, present] = dates.received([stored(1, BEGINS - 5_000), stored(2, BEGINS - 1_000)]);
    expect(old).toEqual(stored(1, BEGINS - 5_000));
    expect(present).toEqual({ ...stored(2, BEGINS + LATEST_MS), storedAt: BEGINS - 1_000 });
    expect(wrong).toBe(1);
    expect(hurries).toBe(0);
  });

  test('that is read again was received when it is heard where it was dated wrong before, and else when the hub stored it', () => {
    const dates = datesBehind();
    dates.received([stored(1, BEGINS - 9_000), stored(2, BEGINS - HOUR_MS), stored(3, BEGINS - HOUR_MS)]);
    now += 20_000;
    dates.received([stored(4, now)]);
    expect(dates.receivedAgain(stored(1, BEGINS - 9_000)).receivedAt).toBe(BEGINS - 9_000);
    expect(dates.receivedAgain(stored(3, BEGINS - HOUR_MS))).toEqual({
      ...stored(3, now + LATEST_MS),
      storedAt: BEGINS - HOUR_MS,
    });
    expect(dates.receivedAgain(stored(4, now)).receivedAt).toBe(now);
    expect(dates.receivedAgain(stored(5, now + HOUR_MS)).receivedAt).toBe(now + LATEST_MS);
  });
});

describe('what a stream holds', () => {
  test('that was made anew is not dated by what another one of the name held', () => {
    const dates = datesBehind();
    dates.received([stored(7, BEGINS)]);
    dates.skip({ stream: STREAM, from: 8, to: 0 });
    expect(receivedAt(dates, stored(1, BEGINS - HOUR_MS))).toEqual([-HOUR_MS]);
  });

  test('since it lost its tail was stored after all that was read', () => {
    const dates = datesBehind();
    dates.received([stored(7, BEGINS)]);
    dates.skip({ stream: STREAM, from: 8, to: 5, isTail: true });
    expect(receivedAt(dates, stored(6, BEGINS - HOUR_MS))).toEqual([LATEST_MS]);
    // So it is for a node that reads nothing before it finds that out.
    const begun = datesBehind({ position: 7, storedAt: BEGINS });
    begun.skip({ stream: STREAM, from: 8, to: 5, isTail: true });
    expect(receivedAt(begun, stored(6, BEGINS - HOUR_MS))).toEqual([LATEST_MS]);
  });
});
