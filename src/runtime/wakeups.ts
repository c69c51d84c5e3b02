/**
 * Wakes twins at the times they asked for. One entry a device in a heap, moved lazily: a twin whose wake-up moved to later
 * (every report moves its silence deadline) costs nothing until the old time comes.
 *
 * Invariants:
 * I1  a device that wants to be woken at t has an entry at or before t.
 * I2  the timer is set for the first entry.
 */
import TinyQueue from 'tinyqueue';
import { startElapsed } from './elapsed.ts';
import type { Cancel, Clock } from './ports.ts';

/** A timer is never set further ahead than this, ms: longer ones overflow in Node. */
const TIMER_MS_MAX = 24 * 3_600_000;

interface Entry {
  readonly at: number;
  readonly device: string;
}

/** The wake-ups of one host's twins. */
export class Wakeups {
  readonly #clock: Clock;
  readonly #onDue: (devices: readonly string[], lateMs: number) => void;
  #heap = new TinyQueue<Entry>([], (a, b) => a.at - b.at);
  readonly #armed = new Map<string, number>();
  #timer: { readonly at: number; readonly cancel: Cancel } | null = null;

  /**
   * `onDue` gets the devices whose time may have come, and how much later they are woken than the timer was set for: above some
   * ms only when the process stood still. Each has to be armed again after its decision.
   */
  constructor(clock: Clock, onDue: (devices: readonly string[], lateMs: number) => void) {
    this.#clock = clock;
    this.#onDue = onDue;
  }

  /** Devices that want to be woken. */
  get count(): number {
    return this.#armed.size;
  }

  /** The device wants to be woken at `at` (ms epoch; `Infinity`: not at all). An earlier entry it has stays. */
  arm(device: string, at: number): void {
    if (at === Infinity || (this.#armed.get(device) ?? Infinity) <= at) return;
    this.#armed.set(device, at);
    this.#heap.push({ at, device });
    this.#setTimer();
  }

  /** Forgets everything. */
  clear(): void {
    this.#timer?.cancel();
    this.#timer = null;
    this.#heap = new TinyQueue<Entry>([], (a, b) => a.at - b.at);
    this.#armed.clear();
  }

  #setTimer(): void {
    const first = this.#heap.peek();
    if (first === undefined || (this.#timer !== null && this.#timer.at <= first.at)) return;
    this.#timer?.cancel();
    const elapsed = startElapsed(this.#clock);
    const delayMs = Math.min(TIMER_MS_MAX, Math.max(0, Math.ceil(first.at - this.#clock.now())));
    const cancel = this.#clock.after(delayMs, () => {
      this.#timer = null;
      this.#fire(elapsed() - delayMs);
    });
    this.#timer = { at: first.at, cancel };
  }

  #fire(lateMs: number): void {
    const now = this.#clock.now();
    const due: string[] = [];
    for (let first = this.#heap.peek(); first !== undefined && first.at <= now; first = this.#heap.peek()) {
      this.#heap.pop();
      if (this.#armed.get(first.device) !== first.at) continue;
      this.#armed.delete(first.device);
      due.push(first.device);
    }
    if (due.length > 0) this.#onDue(due, lateMs);
    this.#setTimer();
  }
}
