/**
 * Backends that are kept waiting for a command's outcome. They live in this process alone: one that is lost with it asks
 * again with the same id, and the ledger answers.
 */
import type { LedgerEntry } from '../../actors/ledger.ts';
import type { ReplyAddress } from '../../actors/twin.ts';
import type { Cancel, Clock } from './ports.ts';

interface Waiter {
  readonly to: ReplyAddress;
  readonly cancel: Cancel;
}

/** The requests of one host that wait, by device and command id. */
export class Waiters {
  readonly #clock: Clock;
  readonly #waiting = new Map<string, Waiter[]>();
  #count = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get count(): number {
    return this.#count;
  }

  /** Keeps a requester waiting for the outcome of a device's command; `giveUp` is called at `until` unless it came. */
  add(options: {
    readonly device: string;
    readonly id: string;
    readonly to: ReplyAddress;
    readonly until: number;
    readonly giveUp: () => void;
  }): void {
    const key = keyOf(options);
    const cancel = this.#clock.after(Math.max(0, options.until - this.#clock.now()), () => {
      this.#remove(key, waiter);
      options.giveUp();
    });
    const waiter: Waiter = { to: options.to, cancel };
    this.#waiting.set(key, [...(this.#waiting.get(key) ?? []), waiter]);
    this.#count += 1;
  }

  /** The outcome is known: returns who waited for it. */
  take(entry: LedgerEntry): readonly ReplyAddress[] {
    const key = keyOf(entry);
    const waiting = this.#waiting.get(key) ?? [];
    this.#waiting.delete(key);
    this.#count -= waiting.length;
    for (const { cancel } of waiting) cancel();
    return waiting.map(({ to }) => to);
  }

  /** Stops all timers. */
  clear(): void {
    for (const waiting of this.#waiting.values()) for (const { cancel } of waiting) cancel();
    this.#waiting.clear();
    this.#count = 0;
  }

  #remove(key: string, waiter: Waiter): void {
    const others = (this.#waiting.get(key) ?? []).filter((other) => other !== waiter);
    if (others.length === 0) this.#waiting.delete(key);
    else this.#waiting.set(key, others);
    this.#count -= 1;
  }
}

function keyOf({ device, id }: { readonly device: string; readonly id: string }): string {
  return `${device} ${id}`;
}
