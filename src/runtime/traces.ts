/**
 * Which trace a command belongs to, from its request until nothing more can follow from it. Kept in the memory of the node that
 * took the request, and nowhere else: what another node sends after a takeover is right without it, and only harder to find.
 */
import type { LedgerEntry } from '../contract/ledger-entry.ts';
import type { Trace } from '../wire/trace.ts';

/** Traces kept; beyond it the oldest is forgotten. */
const TRACES_MAX = 50_000;

/** The traces of one host's commands. */
export class Traces {
  readonly #byCommand = new Map<string, Trace>();

  /** The command `id` is asked for under this trace. Asked again, it belongs to the newer one. */
  remember(device: string, id: string, trace: Trace): void {
    const key = keyOf(device, id);
    this.#byCommand.delete(key);
    this.#byCommand.set(key, trace);
    if (this.#byCommand.size <= TRACES_MAX) return;
    const [oldest] = this.#byCommand.keys();
    if (oldest !== undefined) this.#byCommand.delete(oldest);
  }

  /** The trace of a command, or `null`. Most fleets have none at all, and then this costs nothing. */
  of(device: string, id: string | null): Trace | null {
    if (id === null || this.#byCommand.size === 0) return null;
    return this.#byCommand.get(keyOf(device, id)) ?? null;
  }

  /** Forgets a command of which nothing more is awaited. */
  settled({ device, id, closedAt }: LedgerEntry): void {
    if (closedAt !== null && this.#byCommand.size > 0) this.#byCommand.delete(keyOf(device, id));
  }
}

function keyOf(device: string, id: string): string {
  return `${device} ${id}`;
}
