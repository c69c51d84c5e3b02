/**
 * Backends that are kept waiting for a command's outcome. They live in this process alone: one that is lost with it asks
 * again with the same id, and the ledger answers.
 *
 * With them goes how their command stands, as far as that is committed: what they are told when the wait is over takes no store.
 */
import type { LedgerEntry } from '../contract/ledger-entry.ts';
import type { ReplyAddress } from '../../actors/twin.ts';
import type { Cancel, Clock } from './ports.ts';

interface Waiter {
  readonly to: ReplyAddress;
  readonly cancel: Cancel;
}

/** Those who wait for one command. */
interface Waiting {
  /** As it was committed last. */
  entry: LedgerEntry;
  readonly waiters: Set<Waiter>;
}

/** Whoever waits, and for what. */
export interface Waited {
  readonly to: ReplyAddress;
  readonly entry: LedgerEntry;
}

/** The requests of one host that wait, by device and command id. */
export class Waiters {
  readonly #clock: Clock;
  readonly #waiting = new Map<string, Waiting>();
  #count = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get count(): number {
    return this.#count;
  }

  /** Keeps a requester waiting for the outcome of a committed command; `giveUp` is called at `until` unless it came. */
  add(options: {
    readonly entry: LedgerEntry;
    readonly to: ReplyAddress;
    readonly until: number;
    readonly giveUp: (waited: Waited) => void;
  }): void {
    const { entry, to, until, giveUp } = options;
    const key = keyOf(entry);
    const waiting = this.#waiting.get(key) ?? { entry, waiters: new Set() };
    this.#waiting.set(key, waiting);
    const cancel = this.#clock.after(Math.max(0, until - this.#clock.now()), () => {
      waiting.waiters.delete(waiter);
      if (waiting.waiters.size === 0) this.#waiting.delete(key);
      this.#count -= 1;
      giveUp({ to, entry: waiting.entry });
    });
    const waiter: Waiter = { to, cancel };
    waiting.waiters.add(waiter);
    this.#count += 1;
  }

  /** The entry is committed as it stands here. */
  learn(entry: LedgerEntry): void {
    const waiting = this.#waiting.get(keyOf(entry));
    if (waiting !== undefined) waiting.entry = entry;
  }

  /** The outcome is known: returns who waited for it. */
  take(entry: LedgerEntry): readonly ReplyAddress[] {
    const key = keyOf(entry);
    const waiting = this.#waiting.get(key);
    if (waiting === undefined) return [];
    this.#waiting.delete(key);
    return this.#released(waiting).map(({ to }) => to);
  }

  /** Nobody waits for anything of this device any more: returns whoever did. */
  takeOf(device: string): readonly Waited[] {
    const own = [...this.#waiting].filter(([, { entry }]) => entry.device === device);
    for (const [key] of own) this.#waiting.delete(key);
    return own.flatMap(([, waiting]) => this.#released(waiting));
  }

  /** Nobody waits any more: returns whoever did. */
  takeAll(): readonly Waited[] {
    const all = [...this.#waiting.values()].flatMap((waiting) => this.#released(waiting));
    this.#waiting.clear();
    return all;
  }

  #released({ entry, waiters }: Waiting): readonly Waited[] {
    this.#count -= waiters.size;
    return [...waiters].map(({ to, cancel }) => {
      cancel();
      return { to, entry };
    });
  }
}

function keyOf({ device, id }: { readonly device: string; readonly id: string }): string {
  return `${device} ${id}`;
}
