/**
 * A node: takes partitions that nobody holds, hosts their twins, and keeps its leases. Start, takeover from a dead node and
 * recovery from a failed commit are the same path: take, load, host.
 *
 * Invariants:
 * I1  a partition is hosted only under a lease this node took, and by one host at a time.
 * I2  a node that has not renewed its leases in time answers nobody; what it still commits is fenced by the epoch.
 * I3  a node takes nothing before it knows what time it is (`clock-watch.ts`): it would file, wake twins and end holds by a clock that nobody
 *     has compared. Another node may take what it leaves.
 */
import type { ClockWatch } from './clock-watch.ts';
import { epochAfter } from './epoch.ts';
import { Host, type HostEnd, type HostOptions } from './host.ts';
import { openPartitions } from './partition-state.ts';
import type { Cancel, Lease } from './ports.ts';
import type { KnownSources } from './sources.ts';
import { RefusedMessages } from './refused-messages.ts';
import { PARTITIONS } from '../wire/partition.ts';

/** What a node is given: all that its hosts need, and its name. */
export interface NodeOptions extends Omit<
  HostOptions,
  'partitions' | 'mayAnswer' | 'refusedByStore' | 'hubClock'
> {
  /** Names this node in lease rows and logs. */
  readonly node: string;
  readonly hubClock: KnownClocks;
}

/** What is known of the hub's clock, and whether it is known at all what time it is. */
export type KnownClocks = HostOptions['hubClock'] & Pick<ClockWatch, 'isTimeKnown'>;

/** How a node stands. */
export interface NodeStatus {
  readonly partitions: readonly number[];
  /** All partitions it holds hear everything the stream holds. */
  readonly isHearing: boolean;
  /** Its leases were renewed in time. */
  readonly isSure: boolean;
  /** By stream, the sequence up to which everything is decided, of the partition that is farthest; empty without partitions. */
  readonly positions: ReadonlyMap<string, number>;
  /** Messages that were set aside while others waited, and are not decided yet. */
  readonly backlog: number;
  /** Twins that are to be woken some time. */
  readonly timers: number;
  /** Why partitions could not be taken or leases not renewed, last time; `null` when they could. */
  readonly storeProblem: string | null;
  /** It owns nothing because other nodes hold every partition: it takes over when one of them dies. */
  readonly isStandby: boolean;
  /** Why partitions were given up last; `null` when none was, or some were taken since and are hosted. */
  readonly givenUp: string | null;
  /** For how long the oldest commit under way has been waiting, ms. */
  readonly commitWaitedMs: number;
  /** Why the store did not take a commit that is tried again; `null` when there is none. */
  readonly commitProblem: string | null;
}

/** Partitions taken together, and their host once they are loaded. */
interface Holding {
  readonly leases: readonly Lease[];
  host: Host | null;
  /** Up to where registrations are known; see `Store.registered`. */
  registeredThrough: number | null;
  ended: Promise<void>;
}

/** One process's share of the fleet: as many partitions as it can get. */
export class Node {
  readonly #options: NodeOptions;
  readonly #holdings = new Set<Holding>();
  readonly #refusedByStore = new RefusedMessages();
  /** By the monotonic clock: until then the leases are certainly ours. */
  #sureUntil = -Infinity;
  /** Of all under which it ever took a partition: a store that was set back does not know them. */
  #highestEpoch = 0;
  #storeProblem: string | null = null;
  /** The last question for partitions that nobody holds was answered with none. */
  #areAllHeld = false;
  #givenUp: string | null = null;
  #acquiring: Promise<void> = Promise.resolve();
  #cancels: Cancel[] = [];
  #stopped: Promise<void> | null = null;

  constructor(options: NodeOptions) {
    this.#options = options;
  }

  get status(): NodeStatus {
    const hosts = [...this.#holdings].map(({ host }) => host);
    const commits = hosts.flatMap((host) => host?.commitStatus ?? []);
    const open = hosts.filter((host) => host !== null);
    return {
      positions: farthest(open.map(({ positions }) => positions)),
      backlog: open.reduce((sum, { backlog }) => sum + backlog, 0),
      timers: open.reduce((sum, { timers }) => sum + timers, 0),
      partitions: hosts.flatMap((host) => host?.partitions ?? []).sort((a, b) => a - b),
      isHearing: hosts.length > 0 && hosts.every((host) => host?.isHearing ?? false),
      isSure: this.#isSure(),
      storeProblem: this.#storeProblem,
      isStandby: this.#holdings.size === 0 && this.#areAllHeld && this.#storeProblem === null,
      givenUp: this.#givenUp,
      commitWaitedMs: Math.max(0, ...commits.map(({ waitedMs }) => waitedMs)),
      commitProblem: commits.find(({ problem }) => problem !== null)?.problem ?? null,
    };
  }

  /** Begins to take partitions; resolves after the first attempt. */
  async start(): Promise<void> {
    const { leaseTtlMs, acquireRetryMs } = this.#options.limits;
    const acquire = (): Promise<void> => (this.#acquiring = this.#acquire());
    await acquire();
    this.#repeat(acquireRetryMs, acquire);
    this.#repeat(leaseTtlMs / 3, () => this.#renew());
  }

  /** Commits what is decided, publishes it, gives the leases back. */
  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  async #stop(): Promise<void> {
    await this.#acquiring;
    for (const { host } of this.#holdings) host?.stop();
    await Promise.all([...this.#holdings].map(({ ended }) => ended));
    for (const cancel of this.#cancels) cancel();
    this.#cancels = [];
  }

  /** See `Host.settle`. */
  settle(stream: string): void {
    for (const { host } of this.#holdings) host?.settle(stream);
  }

  #isSure(): boolean {
    return this.#options.clock.monotonic() < this.#sureUntil;
  }

  /** Does `work` again and again, with a pause of `everyMs` after each time. */
  #repeat(everyMs: number, work: () => Promise<void>): void {
    const { clock } = this.#options;
    const index = this.#cancels.length;
    const arm = (): void => {
      this.#cancels[index] = clock.after(everyMs, () => {
        void work().then(() => {
          if (this.#cancels.length > 0) arm();
        });
      });
    };
    arm();
  }

  async #acquire(): Promise<void> {
    const held = [...this.#holdings].reduce((sum, { leases }) => sum + leases.length, 0);
    if (this.#stopped !== null || held >= PARTITIONS) return;
    const { store, node, limits, clock, hubClock } = this.#options;
    if (!hubClock.isTimeKnown) return;
    const askedAt = clock.monotonic();
    try {
      const epochAtLeast = epochAfter(this.#highestEpoch, clock.now());
      const limit = PARTITIONS - held;
      const leases = await store.acquire({ node, limit, ttlMs: limits.leaseTtlMs, epochAtLeast });
      this.#highestEpoch = Math.max(this.#highestEpoch, ...leases.map(({ epoch }) => epoch));
      this.#storeProblem = null;
      this.#areAllHeld = leases.length === 0;
      if (this.#areAllHeld) return;
      if (this.#holdings.size === 0) this.#sureUntil = askedAt + limits.leaseTtlMs;
      this.#hold(leases);
    } catch (error) {
      this.#storeProblem = `partitions could not be taken: ${messageOf(error)}`;
    }
  }

  async #renew(): Promise<void> {
    if (this.#holdings.size === 0) return;
    const { store, node, limits, clock, clockProblem } = this.#options;
    const ttlMs = limits.leaseTtlMs;
    const askedAt = clock.monotonic();
    try {
      const leases = [...this.#holdings].flatMap((holding) => holding.leases);
      const kept = new Set(await store.renew({ node, ttlMs, leases, refuses: clockProblem() }));
      this.#storeProblem = null;
      this.#sureUntil = askedAt + ttlMs;
      for (const holding of this.#holdings) {
        if (!holding.leases.every(({ partition }) => kept.has(partition))) holding.host?.abandon();
      }
    } catch (error) {
      this.#storeProblem = `leases could not be renewed: ${messageOf(error)}`;
      return;
    }
    await this.#hearOfRegistrations();
  }

  /** Whoever was registered meanwhile is known from then on, as of the site and the kind that were registered. */
  async #hearOfRegistrations(): Promise<void> {
    for (const holding of this.#holdings) {
      const { host, registeredThrough } = holding;
      if (host === null) continue;
      try {
        const { entries, through } = await this.#options.store.registered(registeredThrough);
        host.register(entries);
        holding.registeredThrough = through;
        host.learn(await this.#lookAtSources(host.sources, host.partitions));
      } catch {
        // Asked again with the next renewal, from the same place.
      }
    }
  }

  /** What owners of other partitions know of these sources, and saw of those whose twins are in these partitions. */
  async #lookAtSources(ids: readonly string[], partitions: readonly number[]): Promise<KnownSources> {
    const { store } = this.#options;
    const sources = ids.length === 0 ? [] : await store.sources(ids);
    return { sources, replays: await store.replays(partitions) };
  }

  #hold(leases: readonly Lease[]): void {
    const holding: Holding = { leases, host: null, registeredThrough: null, ended: Promise.resolve() };
    this.#holdings.add(holding);
    holding.ended = this.#hostUntilEnd(holding);
  }

  /** Loads and hosts partitions until their host ends, then gives their leases back: whoever asks next takes them. */
  async #hostUntilEnd(holding: Holding): Promise<void> {
    const { telemetry, store } = this.#options;
    const partitions = holding.leases.map(({ partition }) => partition);
    let reason = 'stopped';
    try {
      const end = await this.#host(holding);
      reason = this.#learnFrom(end);
    } catch (error) {
      reason = `failed: ${messageOf(error)}`;
    }
    telemetry.ownership({ event: 'given-up', partitions, twins: 0, reason });
    this.#givenUp = reason;
    this.#areAllHeld = false;
    try {
      await store.release(holding.leases);
    } catch {
      // The leases run out by themselves.
    }
    this.#holdings.delete(holding);
  }

  async #host(holding: Holding): Promise<HostEnd> {
    const { kinds, store, limits } = this.#options;
    const { twinsResidentMax: residentMax, twinsResidentBytesMax: residentBytesMax, sourcesMax } = limits;
    // Before they are loaded, so that nobody is registered in between and not heard of.
    holding.registeredThrough = (await store.registered(null)).through;
    const states = await openPartitions(holding.leases, {
      kinds,
      store,
      residentMax,
      residentBytesMax,
      sourcesMax,
    });
    const owned = states.map(({ partition }) => partition);
    const known = await this.#lookAtSources(states[0]?.sources.ids ?? [], owned);
    if (this.#stopped !== null) return { type: 'stopped' };
    const host = new Host({
      ...this.#options,
      partitions: states,
      mayAnswer: () => this.#isSure(),
      refusedByStore: this.#refusedByStore,
    });
    host.learn(known);
    holding.host = host;
    this.#givenUp = null;
    const twins = states[0]?.twins.size ?? 0;
    const partitions = host.partitions;
    this.#options.telemetry.ownership({ event: 'taken', partitions, twins, reason: 'nobody held them' });
    return host.run();
  }

  #learnFrom(end: HostEnd): string {
    if (end.type !== 'refused') return end.type;
    const { messages, isAlone, cause } = end;
    if (!isAlone) this.#refusedByStore.suspect(messages);
    else for (const message of messages) this.#refusedByStore.add(message, cause.message);
    return `the store refused the data: ${cause.message}`;
  }
}

function farthest(hosts: readonly ReadonlyMap<string, number>[]): ReadonlyMap<string, number> {
  const positions = new Map<string, number>();
  for (const [stream, position] of hosts.flatMap((host) => [...host]))
    positions.set(stream, Math.max(position, positions.get(stream) ?? 0));
  return positions;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
