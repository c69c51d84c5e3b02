import { expect, test } from 'vitest';
import { uptimeClock } from '../../../src/device/uptime-clock.ts';

test('uptime begins at 0, counts whole ms, and never falls', () => {
  const clock = uptimeClock();
  let last = clock.uptime();
  expect(last).toBeLessThan(1_000);
  for (let count = 0; count < 20_000; count += 1) {
    const now = clock.uptime();
    expect(Number.isInteger(now)).toBe(true);
    expect(now).toBeGreaterThanOrEqual(last);
    last = now;
  }
});

test('work is done when its time has come by the same clock, and not before', async () => {
  const clock = uptimeClock();
  const setAt = clock.uptime();
  const doneAt = await new Promise<number>((resolve) => clock.after(30, () => resolve(clock.uptime())));
  expect(doneAt - setAt).toBeGreaterThanOrEqual(30);
});

test('work that was cancelled is not done, work beyond the longest timer of Node neither at once', async () => {
  const clock = uptimeClock();
  const done: string[] = [];
  clock.after(1, () => done.push('cancelled'))();
  const cancel = clock.after(2 ** 40, () => done.push('far away'));
  await new Promise<void>((resolve) => clock.after(20, resolve));
  cancel();
  expect(done).toEqual([]);
});
