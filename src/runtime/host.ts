/**
 * Hosts the twins of the partitions a node took together: reads their reports, lets them decide, commits, and acts.
 *
 *   mailbox -> turns -> batch -> store.commit -> effects
 *
 * While one batch commits, the next one is decided. A host is crash-only: when a commit fails for good it ends, and its
 * partitions are taken and loaded again, exactly as after a crash of the node.
 *
 * Invariants:
 * I1  nothing leaves this process before the transaction it rests on is committed.
 * I2  at most one commit is in flight; batches commit in the order in which they were decided.
 * I3  a host that has ended neither decides, commits, publishes nor answers.
 */
import type { Kind } from '../../machines/kind.ts';
import { Effects } from './effects.ts';
import { BacklogReader } from './backlog-reader.ts';
import { Batch, type MessageIdentity } from './batch.ts';
import { feedSink } from './feed-sink.ts';
import { giveUpRequests } from './given-up.ts';
import { type HubClock, HubDates } from './hub-dates.ts';
import { Intake } from './intake.ts';
import type { RuntimeLimits } from './limits.ts';
import { isRequest, Mailbox, replyAddress } from './mailbox.ts';
import type { PartitionState } from './partition-state.ts';
import type { Bus, Clock, Feed, InventoryEntry, Store } from './ports.ts';
import { Publisher } from './publisher.ts';
import { isDecidedAlone, type RefusedMessages } from './refused-messages.ts';
import { republish } from './republish.ts';
import { doesRemember } from './request-replies.ts';
import { fail, requestHandler } from './requests.ts';
import type { KnownSources } from './sources.ts';
import { StallWatch } from './stall-watch.ts';
import { startsOf } from './stream-positions.ts';
import type { Telemetry } from './telemetry.ts';
import { Traces } from './traces.ts';
import { Decider } from './decider.ts';
import { Wakeups } from './wakeups.ts';

/** What a host is given. */
export interface HostOptions {
  readonly kinds: readonly Kind[];
  readonly clock: Clock;
  readonly store: Store;
  readonly feed: Feed;
  readonly bus: Bus;
  readonly limits: RuntimeLimits;
  readonly telemetry: Telemetry;
  readonly partitions: readonly PartitionState[];
  /** False once a lease may have run out without having been renewed. */
  readonly mayAnswer: () => boolean;
  /** Why no command may be accepted because of what time it is, as a sentence; `null` when there is nothing about it. */
  readonly clockProblem: () => string | null;
  /** What is known of the hub's clock, by which messages are dated. */
  readonly hubClock: HubClock;
  readonly refusedByStore: RefusedMessages;
}

/** Why a host ended. */
export type HostEnd =
  | { readonly type: 'stopped' }
  /** Another node owns one of the partitions. */
  | { readonly type: 'fenced'; readonly partitions: readonly number[] }
  /**
   * The store refused for good what was decided on these messages, or on wake-ups and requests beside them. `isAlone`: nothing but the one
   * message was decided.
   */
  | {
      readonly type: 'refused';
      readonly messages: readonly MessageIdentity[];
      readonly isAlone: boolean;
      readonly cause: Error;
    };

class HostEnded extends Error {
  readonly end: HostEnd;

  constructor(end: HostEnd) {
    super(`host ended: ${end.type}`);
    this.end = end;
  }
}

/** Hosts the twins of some partitions, from the moment they are loaded until it ends. */
export class Host {
  readonly #options: HostOptions;
  readonly #partitions: ReadonlyMap<number, PartitionState>;
  readonly #mailbox: Mailbox;
  readonly #decider: Decider;
  readonly #intake: Intake;
  readonly #dates: HubDates;
  readonly #publisher: Publisher;
  readonly #effects: Effects;
  readonly #wakeups: Wakeups;
  readonly #stallWatch: StallWatch;
  readonly #traces = new Traces();
  #commitInFlight: Promise<void> = Promise.resolve();
  /** Batches that are not acted upon yet: the one that is given to the store, and the one that is filled meanwhile. */
  #given: Batch | null = null;
  #filling: Batch | null = null;
  /** By the monotonic clock; `null` while none is under way. */
  #commitBeganAt: number | null = null;
  #commitProblem: string | null = null;
  #state: 'open' | 'stopping' | 'ended' = 'open';

  constructor(options: HostOptions) {
    this.#options = options;
    const { clock, limits, bus } = options;
    this.#partitions = new Map(options.partitions.map((state) => [state.partition, state]));
    this.#mailbox = new Mailbox(limits);
    this.#wakeups = new Wakeups(clock, (devices, lateMs) => {
      const at = clock.monotonic() - lateMs;
      for (const device of devices) this.#mailbox.offer({ type: 'wake', device, at });
    });
    this.#stallWatch = new StallWatch(clock, () => this.#mailbox.offer({ type: 'process-stalled' }));
    this.#decider = new Decider({
      ...options,
      wakeups: this.#wakeups,
      partitions: this.#partitions,
      isMailboxBusy: () => !this.#mailbox.isEmpty,
    });
    this.#intake = new Intake({ limits, partitions: this.#partitions });
    this.#dates = new HubDates({ ...options, partitions: this.#partitions });
    const kindNamed = (name: string): Kind | undefined => options.kinds.find((kind) => kind.name === name);
    const { serverErrorMs, publishBacklogMax: backlogMax } = limits;
    this.#publisher = new Publisher({
      bus,
      partitions: this.#partitions,
      kindNamed,
      serverErrorMs,
      backlogMax,
      traces: this.#traces,
    });
    this.#effects = new Effects({ ...options, publisher: this.#publisher, traces: this.#traces });
  }

  get partitions(): readonly number[] {
    return [...this.#partitions.keys()];
  }

  /** Whether the host hears all that the stream holds. */
  get isHearing(): boolean {
    return this.#decider.hearingSince !== null;
  }

  /** For how long the commit under way has been waiting, ms (0 when there is none), and why the store did not take it last time. */
  get commitStatus(): { readonly waitedMs: number; readonly problem: string | null } {
    const beganAt = this.#commitBeganAt;
    const waitedMs = beganAt === null ? 0 : this.#options.clock.monotonic() - beganAt;
    return { waitedMs, problem: this.#commitProblem };
  }

  /** By stream, the sequence up to which everything is decided, of the partition that is farthest. */
  get positions(): ReadonlyMap<string, number> {
    return new Map(startsOf([...this.#partitions.values()]).map(({ stream, reached }) => [stream, reached]));
  }

  /** Messages that are set aside. */
  get backlog(): number {
    return [...this.#partitions.values()].reduce((sum, { backlog }) => sum + backlog.messages, 0);
  }

  /** Twins that are to be woken some time. */
  get timers(): number {
    return this.#wakeups.count;
  }

  /** Runs until it is stopped or cannot go on; resolves with the reason once everything of it has come to rest. */
  async run(): Promise<HostEnd> {
    const { store } = this.#options;
    try {
      this.#decider.armAll();
      this.#stallWatch.start();
      this.register(this.#options.partitions[0]?.moved ?? []);
      await republish({ store, partitions: this.#partitions, publisher: this.#publisher });
      const end = await this.#hearAndDecide();
      return end.type === 'stopped' ? await this.#confirmPublished() : end;
    } finally {
      this.#discard();
    }
  }

  async #hearAndDecide(): Promise<HostEnd> {
    const { feed, bus, store, clock, mayAnswer } = this.#options;
    const reading = await feed.open({
      partitions: this.partitions,
      starts: startsOf([...this.#partitions.values()]),
      sink: feedSink({ mailbox: this.#mailbox, intake: this.#intake, dates: this.#dates }),
    });
    const backlog = new BacklogReader({
      clock,
      partitions: this.#partitions,
      dates: this.#dates,
      read: (range, max) => reading.read(range, max),
      offer: (work) => this.#mailbox.offer(work),
      isSomebodyLoud: () => this.#intake.isSomebodyLoud(clock.now()),
    });
    const handler = requestHandler({
      bus,
      store,
      clock,
      mailbox: this.#mailbox,
      traces: this.#traces,
      mayAnswer,
      remembers: (device, id) => doesRemember(this.#partitions, device, id),
    });
    const stopServing = this.partitions.map((partition) => bus.serve(partition, handler));
    try {
      return await this.#decideAndCommit(backlog);
    } finally {
      this.#mailbox.close();
      backlog.stop();
      await Promise.all(stopServing.map((stop) => stop()));
      await reading.stop();
    }
  }

  /** Has all partitions stand where the stream was read to: nothing of it is needed below that. */
  settle(stream: string): void {
    this.#mailbox.offer({ type: 'settle', stream });
  }

  /** Devices that were registered, or moved, since the partitions were loaded, of these and of others: they are known from now on. */
  register(entries: readonly InventoryEntry[]): void {
    if (entries.length > 0) this.#mailbox.offer({ type: 'registered', entries });
  }

  /** Of whom the store has to be asked, since they speak for devices of these partitions. */
  get sources(): readonly string[] {
    return this.#options.partitions[0]?.sources.ids ?? [];
  }

  /** Takes what is known of sources now. */
  learn(known: KnownSources): void {
    if (this.#options.partitions[0]?.sources.isEmpty === false || known.replays.length > 0)
      this.#mailbox.offer({ type: 'sources', ...known });
  }

  /** Decides what is already waiting, commits it, and ends. */
  stop(): void {
    if (this.#state === 'open') this.#state = 'stopping';
    this.#mailbox.close();
  }

  /** Ends without another commit: the node lost its leases. */
  abandon(): void {
    this.#end();
    this.#mailbox.close();
    this.#giveUpRequests();
  }

  async #decideAndCommit(backlog: BacklogReader): Promise<HostEnd> {
    const { clock } = this.#options;
    let roundMs = 0;
    try {
      for (;;) {
        backlog.proceed(roundMs);
        await this.#mailbox.ready();
        const startedAt = clock.monotonic();
        if (this.#isEnded()) return { type: 'fenced', partitions: this.partitions };
        const batch = (this.#filling = new Batch());
        if (!this.#fill(batch, backlog)) await this.#fillSlowly(batch, backlog);
        await this.#commitInFlight;
        if (!this.#fill(batch, backlog)) await this.#fillSlowly(batch, backlog);
        if (this.#state === 'stopping') this.#decider.finish(batch);
        if (batch.isEmpty && this.#state === 'stopping') return { type: 'stopped' };
        this.#filling = null;
        this.#commitInFlight = this.#commit(batch);
        // Awaited before the next commit; until then a failure must not count as unhandled.
        this.#commitInFlight.catch(() => undefined);
        roundMs = clock.monotonic() - startedAt;
        await this.#publisher.room();
      }
    } catch (error) {
      // What is not published yet is the next owner's to publish, who may have begun.
      this.#publisher.stop();
      if (error instanceof HostEnded) return error.end;
      throw error;
    }
  }

  /**
   * The last commit of an orderly stop: what has been published need not be published again, and all partitions stand where
   * the stream was read to, so that what is gone by the next start can be counted.
   */
  async #confirmPublished(): Promise<HostEnd> {
    await this.#publisher.drained();
    const batch = new Batch();
    for (const partition of this.#partitions.values()) {
      partition.positions.hasten();
      batch.touch(partition);
    }
    this.#decider.settleAll(batch);
    try {
      await this.#commit(batch);
      return { type: 'stopped' };
    } catch (error) {
      if (error instanceof HostEnded) return error.end;
      throw error;
    }
  }

  #isEnded(): boolean {
    return this.#state === 'ended';
  }

  /** Decides until nothing waits or the batch is full; false when that would take longer than may be done at a stretch. */
  #fill(batch: Batch, backlog: BacklogReader): boolean {
    const { clock, limits, refusedByStore } = this.#options;
    const hasRoom = (): boolean =>
      batch.items < limits.batchReportsMax &&
      batch.reportsDecided < limits.batchReportsMax &&
      batch.bytes < limits.batchBytesMax;
    const pauseAt = clock.monotonic() + limits.decideMsMax;
    while (hasRoom()) {
      const { next } = this.#mailbox;
      if (next === undefined || batch.isAlone) return true;
      const isAlone = isDecidedAlone(next, refusedByStore);
      if (isAlone && batch.items > 0) return true;
      const work = this.#mailbox.take() ?? next;
      batch.items += 1;
      batch.isAlone = isAlone;
      if (work.type === 'set-aside') backlog.taken(work);
      this.#decider.decide(work, batch);
      if (clock.monotonic() > pauseAt) return false;
    }
    return true;
  }

  /** Goes on to fill the batch, and lets timers and connections have their turn in between. */
  async #fillSlowly(batch: Batch, backlog: BacklogReader): Promise<void> {
    do await this.#pause(0);
    while (!this.#isEnded() && !this.#fill(batch, backlog));
  }

  async #commit(batch: Batch): Promise<void> {
    this.#given = batch;
    if (!batch.isReadOnly) await this.#write(batch);
    if (this.#isEnded()) throw new HostEnded({ type: 'fenced', partitions: this.partitions });
    this.#given = null;
    this.#effects.run(batch);
  }

  async #write(batch: Batch): Promise<void> {
    const { clock, telemetry, limits } = this.#options;
    this.#decider.follow(batch, limits.idlePositionLagMax);
    const startedAt = clock.monotonic();
    this.#commitBeganAt = startedAt;
    await this.#commitUntilCertain(batch);
    this.#options.refusedByStore.clear(batch.messages);
    this.#commitBeganAt = null;
    this.#commitProblem = null;
    const ms = clock.monotonic() - startedAt;
    const { reportsDecided: reports, twinCount: twins, oldestReceivedAt } = batch;
    const delayMs = oldestReceivedAt === Infinity ? null : clock.now() - oldestReceivedAt;
    telemetry.committed({ reports, twins, ms, delayMs });
  }

  async #commitUntilCertain(batch: Batch): Promise<void> {
    const { store, telemetry, limits } = this.#options;
    const { messages } = batch;
    const commit = batch.toCommit();
    for (;;) {
      if (this.#isEnded()) throw new HostEnded({ type: 'fenced', partitions: this.partitions });
      const result = await store.commit(commit);
      switch (result.type) {
        case 'committed':
          return;
        case 'fenced':
          throw new HostEnded({ type: 'fenced', partitions: result.partitions });
        case 'refused':
          throw new HostEnded({ type: 'refused', messages, isAlone: batch.items === 1, cause: result.cause });
        case 'unavailable':
          telemetry.storeUnavailable(result.cause);
          this.#commitProblem = result.cause.message;
          await this.#pause(limits.commitRetryMs);
      }
    }
  }

  #discard(): void {
    this.#end();
    this.#stallWatch.stop();
    this.#wakeups.clear();
    this.#giveUpRequests();
  }

  #end(): void {
    this.#state = 'ended';
    this.#publisher.stop();
    this.#effects.stop();
  }

  /** Nobody is left waiting for what this host will not do any more. */
  #giveUpRequests(): void {
    const { bus } = this.#options;
    if (this.#given !== null) giveUpRequests(bus, this.#given, !this.#given.isReadOnly);
    if (this.#filling !== null) giveUpRequests(bus, this.#filling, false);
    for (let work = this.#mailbox.take(); work !== undefined; work = this.#mailbox.take()) {
      if (isRequest(work))
        fail(this.#options, work.type, replyAddress(work), 'this node gave up the partition of the device');
    }
  }

  #pause(delayMs: number): Promise<void> {
    return new Promise((resolve) => {
      this.#options.clock.after(delayMs, resolve);
    });
  }
}
