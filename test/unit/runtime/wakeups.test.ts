import { describe, expect, test } from 'vitest';
import { Wakeups } from '../../../src/runtime/wakeups.ts';
import type { Clock } from '../../../src/runtime/ports.ts';

const T0 = 1_700_000_000_000;

/** A process that may stand still, or whose machine may sleep: what is due meanwhile happens when it goes on. */
class StallingClock implements Clock {
  #wall = T0;
  #monotonic = 0;
  #timers: { readonly at: number; readonly work: () => void }[] = [];

  now(): number {
    return this.#wall;
  }

  monotonic(): number {
    return this.#monotonic;
  }

  after(delayMs: number, work: () => void): () => void {
    const timer = { at: this.#monotonic + delayMs, work };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  }

  pass(ms: number): void {
    this.#wall += ms;
    this.#monotonic += ms;
    for (const timer of this.#timers.filter(({ at }) => at <= this.#monotonic)) {
      this.#timers = this.#timers.filter((other) => other !== timer);
      timer.work();
    }
  }

  /** The machine's monotonic clock stands still meanwhile. */
  sleep(ms: number): void {
    this.#wall += ms;
  }
}

describe('wake-ups', () => {
  interface Woken {
    readonly devices: readonly string[];
    readonly lateMs: number;
  }

  function begin(): { clock: StallingClock; wakeups: Wakeups; woken: Woken[] } {
    const clock = new StallingClock();
    const woken: Woken[] = [];
    const wakeups = new Wakeups(clock, (devices, lateMs) => woken.push({ devices, lateMs }));
    return { clock, wakeups, woken };
  }

  test('come in time, and say so', () => {
    const { clock, wakeups, woken } = begin();
    wakeups.arm('a', T0 + 1_000);
    clock.pass(999);
    expect(woken).toEqual([]);
    clock.pass(1);
    expect(woken).toEqual([{ devices: ['a'], lateMs: 0 }]);
  });

  test('that were due while the process stood still say how late they come', () => {
    const { clock, wakeups, woken } = begin();
    wakeups.arm('a', T0 + 1_000);
    wakeups.arm('b', T0 + 60_000);
    clock.pass(120_000);
    expect(woken).toEqual([{ devices: ['a', 'b'], lateMs: 119_000 }]);
  });

  test('that were due while the machine slept do too, though its monotonic clock stood still', () => {
    const { clock, wakeups, woken } = begin();
    wakeups.arm('a', T0 + 1_000);
    clock.pass(500);
    clock.sleep(60_000);
    clock.pass(500);
    expect(woken).toEqual([{ devices: ['a'], lateMs: 60_000 }]);
  });

  test('that were asked for at a time long past are not late: nothing stood still', () => {
    const { clock, wakeups, woken } = begin();
    wakeups.arm('a', T0 - 3_600_000);
    clock.pass(0);
    expect(woken).toEqual([{ devices: ['a'], lateMs: 0 }]);
  });
});
