/**
 * Drawing is dear, so it is bounded: one machine at a time, in a thread of its own, and not for ever.
 */
import { once } from 'node:events';
import type { Worker } from 'node:worker_threads';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { car } from '../../machines/car.ts';
import { chargePoint } from '../../machines/charge-point.ts';
import { LAYOUT_MS, MachineLayouts } from '../../src/http/machine-layouts.ts';
import { StandingClock } from './http-node.ts';

describe('laying out machines', () => {
  let atOnce = 0;
  let most = 0;
  let threads = 0;
  const count = (thread: Worker): void => {
    threads += 1;
    atOnce += 1;
    most = Math.max(most, atOnce);
    thread.once('exit', () => (atOnce -= 1));
  };
  beforeEach(() => {
    atOnce = most = threads = 0;
    process.on('worker', count);
  });
  afterEach(() => void process.off('worker', count));

  test('takes one thread for each kind, one at a time, however many ask', async () => {
    const layouts = new MachineLayouts(new StandingClock());
    const kinds = [chargePoint, car, chargePoint, car, chargePoint];
    const drawn = await Promise.all(kinds.map((kind) => layouts.of(kind)));
    expect(drawn[2]).toBe(drawn[0]);
    expect(drawn[3]).toBe(drawn[1]);
    expect([threads, most]).toEqual([2, 1]);
  });

  test('is given up after a time, and begun anew for who asks again', async () => {
    const clock = new StandingClock();
    const layouts = new MachineLayouts(clock);
    const begun = once(process, 'worker');
    const first = layouts.of(car);
    const [thread] = (await begun) as [Worker];
    const ended = once(thread, 'exit');
    clock.move(LAYOUT_MS);
    await expect(first).rejects.toMatchObject({ code: 'not-drawn' });
    await ended;
    const again = await layouts.of(car);
    expect(again.boxes.size).toBeGreaterThan(3);
    expect(clock.waiting).toBe(0);
  });
});
