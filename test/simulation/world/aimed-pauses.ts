/**
 * Nodes that stand still exactly while something that they asked is on its way: a commit, a renewal of leases, taking partitions, loading
 * them, a publication. What is true when it is asked need not be when the answer is looked at. In a part of the worlds; by chance a pause
 * hardly ever meets one of these.
 */
import type { Happenings } from '../plan.ts';
import type { WorldRecord } from '../record.ts';
import type { Chance } from './chance.ts';
import type { Schedule } from './schedule.ts';
import type { Call, Server } from './server.ts';

/** Between two of them, ms on average. */
const MEAN_MS = 240_000;
const CALLS: readonly Call[] = ['commit', 'renew', 'acquire', 'load', 'publish'];
/** A node stands still for so many times as long as its leases last: some are its own still when it goes on. */
const LEASES = [0.3, 1.1, 3];

export class AimedPauses {
  readonly #schedule: Schedule;
  readonly #chance: Chance;
  readonly #record: WorldRecord;
  readonly #happenings: Happenings;
  readonly #servers: readonly Server[];
  readonly #leaseTtlMs: number;
  #isOver = false;

  constructor(parts: {
    readonly schedule: Schedule;
    readonly chance: Chance;
    readonly record: WorldRecord;
    readonly happenings: Happenings;
    readonly servers: readonly Server[];
    readonly leaseTtlMs: number;
  }) {
    this.#schedule = parts.schedule;
    this.#chance = parts.chance;
    this.#record = parts.record;
    this.#happenings = parts.happenings;
    this.#servers = parts.servers;
    this.#leaseTtlMs = parts.leaseTtlMs;
  }

  /** From now on calls are lain in wait for. */
  begin(): void {
    this.#later(this.#chance.exponential(MEAN_MS), () => {
      const server = this.#chance.pick(this.#servers);
      const forMs = this.#leaseTtlMs * this.#chance.pick(LEASES);
      const call = this.#chance.pick(CALLS);
      const happens = this.#happenings.happens('aimed-pauses');
      server.lieInWaitFor(call, () => {
        if (this.#isOver || !happens) return;
        this.#record.count('pause-in-a-call');
        server.pause();
        this.#later(forMs, () => server.resume());
      });
      this.begin();
    });
  }

  /** Never again; who stands still is woken by whoever ends the storm. */
  end(): void {
    this.#isOver = true;
  }

  #later(delayMs: number, work: () => void): void {
    this.#schedule.after(delayMs, () => {
      if (!this.#isOver) work();
    });
  }
}
