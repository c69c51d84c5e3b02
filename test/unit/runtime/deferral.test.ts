import { describe, expect, test } from 'vitest';
import { RANGES_MAX } from '../../../actors/sequence.ts';
import { bornTwin, type Twin } from '../../../actors/twin.ts';
import { chargePoint } from '../../../machines/charge-point.ts';
import { Backlog } from '../../../src/runtime/backlog.ts';
import { Deferral } from '../../../src/runtime/deferral.ts';
import { DEFAULT_LIMITS } from '../../../src/runtime/limits.ts';
import type { PartitionState } from '../../../src/runtime/partition-state.ts';
import type { Delivery } from '../../../src/runtime/ports.ts';

const HOUR_MS = 3_600_000;
const { deviceRangesMax, newestEveryMs } = DEFAULT_LIMITS;

const deferral = new Deferral({ limits: DEFAULT_LIMITS, isMailboxBusy: () => true, known: () => undefined });

/** A partition in which one device says something, and nothing that is set aside is read. */
class Bench {
  readonly backlog = new Backlog([]);
  readonly heardAt: number[] = [];
  #sequence = 0;

  say(at: number, isAboveRate: boolean): void {
    this.#sequence += 1;
    const payload = new Uint8Array([0x80]);
    const where = {
      stream: 's',
      partition: 1,
      sequence: this.#sequence,
      receivedAt: at,
      site: 'depot',
      device: 'cp-1',
    };
    const delivery: Delivery = { ...where, payload };
    const partition = { backlog: this.backlog } as unknown as PartitionState;
    if (deferral.waits(partition, { type: 'delivery', delivery, isAboveRate })) this.passOver();
    else {
      this.backlog.pass(delivery, at);
      this.heardAt.push(at);
    }
  }

  passOver(): void {
    this.#sequence += 1;
    const [from, to] = [this.#sequence, this.#sequence];
    this.backlog.setAside({ stream: 's', site: 'depot', device: 'cp-1', from, to, messages: 1 });
  }
}

describe('a device above its rate of which nothing is read', () => {
  test('is heard for hours, and never leaves as many holes as its twin cannot keep', () => {
    const bench = new Bench();
    for (let at = 0; at < 4 * HOUR_MS; at += newestEveryMs) {
      bench.passOver();
      bench.say(at, true);
    }
    expect(bench.backlog.size).toBeLessThanOrEqual(deviceRangesMax);
    expect(deviceRangesMax).toBeLessThan(RANGES_MAX / 2);
    expect(bench.heardAt.filter((at) => at < 10_000).length).toBeGreaterThanOrEqual(4);
    expect(Math.max(...bench.heardAt)).toBeGreaterThan(HOUR_MS / 10);
  });

  test('leaves no more of them when it is above its rate only by turns', () => {
    const bench = new Bench();
    for (let at = 0; at < 4 * HOUR_MS; at += 5_000) {
      bench.passOver();
      for (let more = 1; more < 5; more += 1) bench.say(at + more, false);
    }
    expect(bench.backlog.size).toBeLessThanOrEqual(deviceRangesMax);
  });
});

test('a device that is back at its rate is heard at once, though much of it is set aside', () => {
  const bench = new Bench();
  bench.passOver();
  bench.say(0, true);
  bench.passOver();
  for (const at of [1, 2, 3]) bench.say(at, false);
  expect(bench.heardAt).toEqual([0, 1, 2, 3]);
});

describe('a buffer that a device empties while others wait', () => {
  const atEase = bornTwin({ device: 'cp-1', kind: chargePoint, site: 'depot' });
  const buffer: Delivery = {
    stream: 's',
    partition: 1,
    sequence: 1,
    receivedAt: 0,
    site: 'depot',
    device: 'cp-1',
    payload: Buffer.from(`[${' '.repeat(DEFAULT_LIMITS.backlogBytesMin)}]`),
  };
  const waits = (twin: Twin | Error | undefined): boolean => {
    const partition = { backlog: new Backlog([]) } as unknown as PartitionState;
    const known = (): typeof twin => twin;
    const asked = new Deferral({ limits: DEFAULT_LIMITS, isMailboxBusy: () => true, known });
    return asked.waits(partition, { type: 'delivery', delivery: buffer, isAboveRate: false });
  };

  test('is set aside where it only fills history', () => {
    expect(waits(atEase)).toBe(true);
    expect(waits(undefined)).toBe(true);
  });

  test.each([
    ['commanded', { open: [{}] }],
    ['asked about', { waiting: [{}] }],
    ['held', { hold: {} }],
    ['doubted', { suspicions: [{}] }],
  ])('is decided in its turn where its device is %s, and it may say what becomes of that', (_, given) => {
    expect(waits({ ...atEase, ...given } as Twin)).toBe(false);
  });

  test('is decided in its turn where its device broke in the store', () => {
    expect(waits(new Error('broken'))).toBe(false);
  });
});
