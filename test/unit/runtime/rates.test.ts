import { describe, expect, test } from 'vitest';
import type { Delivery } from '../../../src/runtime/ports.ts';
import { Rates, type Verdict } from '../../../src/runtime/rates.ts';
import { fill, fullBucket } from '../../../src/runtime/token-bucket.ts';

const LIMITS = {
  deviceRate: { perSecond: 20, burst: 200 },
  siteRate: { perSecond: 1_000, burst: 2_000 },
  newestEveryMs: 1_000,
};

/** A single report of so many bytes, or a frame, received at `at` ms. */
function message(
  at: number,
  { device = 'cp-1', site = 'depot', bytes = 150, isFrame = false } = {},
): Delivery {
  const payload = new Uint8Array(bytes);
  payload[0] = isFrame ? 0xdc : 0x85;
  return { stream: 's', partition: 1, sequence: 1, receivedAt: at, site, device, payload };
}

/** How often each verdict was given on `count` messages, one each `everyMs` from `from` on. */
function judged(
  rates: Rates,
  options: Parameters<typeof message>[1] & { count: number; everyMs: number; from?: number },
) {
  const { count, everyMs, from = 0, ...rest } = options;
  const verdicts: Record<Verdict, number> = { 'in-turn': 0, newest: 0, above: 0 };
  for (let index = 0; index < count; index += 1)
    verdicts[rates.judge(message(from + index * everyMs, rest))] += 1;
  return verdicts;
}

describe('a token bucket', () => {
  const rate = { perSecond: 20, burst: 200 };

  test('fills with time, up to its burst', () => {
    const bucket = fullBucket(rate, 0);
    bucket.tokens -= 100;
    fill(bucket, rate, 1_000);
    expect(bucket.tokens).toBe(120);
    fill(bucket, rate, 60_000);
    expect(bucket.tokens).toBe(200);
  });

  test('gets nothing for a clock that was set back, and fills from there', () => {
    const bucket = fullBucket(rate, 3_600_000);
    bucket.tokens = 0;
    fill(bucket, rate, 0);
    expect(bucket.tokens).toBe(0);
    fill(bucket, rate, 1_000);
    expect(bucket.tokens).toBe(20);
  });
});

describe('a site of which somebody says too much', () => {
  test('is heard of each device once a second while others would have to wait for more of it', () => {
    const rates = new Rates(LIMITS);
    judged(rates, { count: 1_000, everyMs: 1, device: 'loud' });
    expect(rates.judge(message(1_000, { device: 'calm' }), true)).toBe('newest');
    expect(rates.judge(message(1_500, { device: 'calm' }), true)).toBe('above');
    expect(rates.judge(message(1_500, { device: 'calm' }), false), 'where nobody waits').toBe('in-turn');
  });

  test('is like any other again a second after the last of what was too much', () => {
    const rates = new Rates(LIMITS);
    judged(rates, { count: 1_000, everyMs: 1, device: 'loud' });
    expect(rates.isSomebodyLoud(1_500)).toBe(true);
    expect(rates.isSomebodyLoud(2_100)).toBe(false);
    expect(rates.judge(message(2_100, { device: 'calm' }), true)).toBe('in-turn');
    expect(rates.judge(message(2_200, { device: 'calm' }), true)).toBe('in-turn');
  });

  test('costs no other site anything', () => {
    const rates = new Rates(LIMITS);
    judged(rates, { count: 1_000, everyMs: 1, device: 'loud' });
    expect(judged(rates, { count: 100, everyMs: 0, from: 1_000, site: 'harbour' })['in-turn']).toBe(100);
    expect(rates.judge(message(1_000, { site: 'harbour' }), true)).toBe('in-turn');
  });
});

describe('a device', () => {
  test('is in its turn at its rate, and for a burst beyond it', () => {
    expect(judged(new Rates(LIMITS), { count: 5_000, everyMs: 50 })).toMatchObject({ 'in-turn': 5_000 });
    expect(judged(new Rates(LIMITS), { count: 200, everyMs: 0 })).toMatchObject({ 'in-turn': 200 });
  });

  test('far above its rate is heard once a second, and the rest can wait', () => {
    const verdicts = judged(new Rates(LIMITS), { count: 300_000, everyMs: 0.1 });
    expect(verdicts['in-turn']).toBeLessThanOrEqual(210);
    expect(verdicts.newest).toBeGreaterThanOrEqual(28);
    expect(verdicts.newest).toBeLessThanOrEqual(30);
  });

  test('just above its rate is passed over for a while, not by turns: each turn would leave a hole', () => {
    const rates = new Rates(LIMITS);
    let changes = 0;
    let before: Verdict = 'in-turn';
    for (let at = 0; at < 120_000; at += 40) {
      const verdict = rates.judge(message(at));
      if (verdict !== 'newest' && verdict !== before) changes += 1;
      if (verdict !== 'newest') before = verdict;
    }
    expect(changes).toBeLessThanOrEqual(3);
  });

  test('is in its turn again once it has been calm for as long as half its burst takes', () => {
    const rates = new Rates(LIMITS);
    judged(rates, { count: 1_000, everyMs: 0 });
    expect(rates.judge(message(500))).toBe('above');
    expect(rates.judge(message(5_600))).toBe('in-turn');
  });

  test('owes nothing for what was not decided', () => {
    const rates = new Rates(LIMITS);
    judged(rates, { count: 100_000, everyMs: 0 });
    expect(rates.judge(message(5_600))).toBe('in-turn');
  });

  test('that empties a buffer pays for its reports: how things were is not its newest state', () => {
    const rates = new Rates(LIMITS);
    const frame = { bytes: 100 * 128, isFrame: true };
    expect(judged(rates, { ...frame, count: 4, everyMs: 0 })).toEqual({ 'in-turn': 2, newest: 0, above: 2 });
    expect(rates.judge(message(2_000, frame))).toBe('above');
    expect(rates.judge(message(2_000))).toBe('newest');
  });

  test('pays for large reports what they cost', () => {
    const verdicts = judged(new Rates(LIMITS), { count: 100, everyMs: 0, bytes: 60_000 });
    expect(verdicts['in-turn']).toBeLessThanOrEqual(4);
  });

  test('is told apart from the same name of another site', () => {
    const rates = new Rates(LIMITS);
    judged(rates, { count: 1_000, everyMs: 0, site: 'harbour' });
    expect(rates.judge(message(0))).toBe('in-turn');
  });
});

describe('a site', () => {
  test('with ten thousand names gets no more than its rate, and another site is not touched', () => {
    const rates = new Rates(LIMITS);
    let heard = 0;
    for (let index = 0; index < 100_000; index += 1) {
      const device = `abuser-${String(index % 10_000)}`;
      if (rates.judge(message(index / 10, { device, site: 'harbour' })) !== 'above') heard += 1;
      if (index % 1_000 === 0) expect(rates.judge(message(index / 10))).toBe('in-turn');
    }
    expect(heard).toBeLessThanOrEqual(2_000 + 10 * 1_000 + 1);
    expect(heard).toBeGreaterThan(10_000);
  });
});

test('only who said much lately has a bucket', () => {
  const rates = new Rates(LIMITS);
  for (let index = 0; index < 100_000; index += 1)
    rates.judge(message(index * 10, { device: `cp-${String(index)}` }));
  expect(rates.size).toBeLessThan(1_100);
});

test('those who have a bucket are bounded by the rate of their site, however fast new names come', () => {
  const rates = new Rates(LIMITS);
  for (let index = 0; index < 200_000; index += 1) rates.judge(message(0, { device: `cp-${String(index)}` }));
  expect(rates.size).toBeLessThanOrEqual(2_000);
});
