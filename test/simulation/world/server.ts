/**
 * A node of the runtime on a machine of its own: the production `Node` behind ports that lead into the world. Every call
 * of a port is a step between which it may crash or stand still.
 */
import { kinds } from '../../../machines/kinds.ts';
import { MemoryBus } from '../../../src/memory/bus.ts';
import { MemoryFeed } from '../../../src/memory/feed.ts';
import type { MemoryHub } from '../../../src/memory/hub.ts';
import { type LinkState, MemoryLink } from '../../../src/memory/link.ts';
import type { MemoryStore } from '../../../src/memory/store.ts';
import { StreamsFeed } from '../../../src/nats/feed.ts';
import { Publisher } from '../../../src/nats/publisher.ts';
import { ClockWatch } from '../../../src/runtime/clock-watch.ts';
import type { RuntimeLimits } from '../../../src/runtime/limits.ts';
import { Node } from '../../../src/runtime/node.ts';
import type { BackendRequest, Bus, Clock, Feed, Store, TimeSource } from '../../../src/runtime/ports.ts';
import type { Telemetry } from '../../../src/runtime/telemetry.ts';
import { decode } from '../../../src/wire/codec.ts';
import { siteStream } from '../../../src/wire/subjects.ts';
import type { Heard, ReadingRecord, WorldRecord } from '../record.ts';
import type { Trace } from '../trace.ts';
import type { Chance } from './chance.ts';
import type { ServerClock } from './clocks.ts';
import type { Consumers } from './consumers.ts';
import type { Network } from './network.ts';
import { Process } from './process.ts';
import { publishing, type StreamTrouble } from './publishing.ts';
import { readingSource } from './reading.ts';
import type { Schedule } from './schedule.ts';
import { SITE } from './site.ts';
import type { Standby } from './standby.ts';
import { storeLink, type StoreTrouble } from './store-link.ts';
import { REFUSED_BY_STORE, THORN } from './thorn.ts';

export interface ServerOptions {
  readonly name: string;
  readonly schedule: Schedule;
  readonly network: Network;
  readonly hub: MemoryHub;
  readonly hubClock: Clock;
  /** Those of the hub, where its streams are read by consumers. */
  readonly consumers: Consumers | null;
  readonly storeClock: ServerClock;
  readonly store: MemoryStore;
  readonly standby: Standby | null;
  readonly trouble: StoreTrouble & StreamTrouble;
  readonly clock: ServerClock;
  /** Clocks may be farther from each other than they may be. */
  readonly hasWrongClocks: boolean;
  readonly limits: RuntimeLimits;
  readonly chance: Chance;
  readonly record: WorldRecord;
  readonly trace: Trace;
  /** It has gone off, for whatever reason. */
  readonly died: () => void;
}

/** The time of another server is waited for this long, ms. */
const ASK_TIME_MS = 1_000;

/** What a node asks, and waits for. */
export type Call = 'commit' | 'renew' | 'acquire' | 'load' | 'publish';

interface Machine {
  readonly process: Process;
  readonly link: MemoryLink;
  readonly bus: MemoryBus;
  readonly publisher: Publisher;
  readonly node: Node;
}

export class Server {
  readonly name: string;
  readonly clock: ServerClock;
  /** This part of what its connection may lose is lost. */
  lossPart = 0.002;
  readonly #options: ServerOptions;
  #machine: Machine | null = null;
  /** What happens as soon as it has asked something of the sort. */
  readonly #ambushes = new Map<Call, () => void>();
  #linkState: LinkState = 'up';

  constructor(options: ServerOptions) {
    this.name = options.name;
    this.clock = options.clock;
    this.#options = options;
  }

  switchOn(): void {
    if (this.#machine !== null) return;
    const { schedule, record, trace, limits, name, hub, hubClock, chance } = this.#options;
    trace.line(name, () => 'is switched on');
    const process = new Process(schedule, () => this.#die(machine));
    const link = new MemoryLink(hubClock, {
      delayMs: () => (chance.hits(0.1) ? 0.01 : chance.exponential(10)),
      isLost: () => chance.hits(this.lossPart),
    });
    const bus = new MemoryBus({ hub, link, clock: hubClock });
    const publisher = new Publisher(publishing({ ...this.#options, process, link }), () => undefined);
    const { clock, started } = this.#clockWatch(process, link);
    const ports = {
      clock,
      clockProblem: () => clock.problem,
      hubClock: clock,
      feed: this.#feed(process, link, clock),
      bus: this.#bus(process, bus, publisher),
    };
    const store = this.#watched(storeLink({ ...this.#options, node: name, process }));
    const node = new Node({
      ...ports,
      store,
      node: name,
      kinds,
      limits,
      telemetry: this.#telemetry(process),
    });
    const machine: Machine = { process, link, bus, publisher, node };
    this.#machine = machine;
    this.setLink(this.#linkState);
    const start = (): void => {
      node.start().catch((error: unknown) => {
        record.faults.push({ at: schedule.now, what: `${name} did not start: ${String(error)}` });
      });
    };
    void started.then(start);
  }

  /** What becomes of its connection to the hub, also of the next one. */
  setLink(state: LinkState): void {
    this.#linkState = state;
    const link = this.#machine?.link;
    if (state === 'cut') link?.cut();
    else if (state === 'up') link?.heal();
    else link?.freeze(state);
  }

  /** Dies at once. */
  kill(): void {
    this.#machine?.process.kill();
  }

  /** Dies after so many steps of anything it does. */
  killAfter(steps: number): void {
    this.#machine?.process.killAfter(steps);
  }

  /** Stands still until it is resumed. It will wake up believing that what it held is still its own. */
  pause(): void {
    this.#options.trace.line(this.name, () => 'stands still');
    this.#machine?.process.pause();
  }

  resume(): void {
    const machine = this.#machine;
    if (machine?.process.isPaused !== true) return;
    const { record, trace } = this.#options;
    const { partitions, isSure } = machine.node.status;
    if (partitions.length > 0 && !isSure) record.count('lease-ran-out-asleep');
    trace.line(this.name, () => `goes on${isSure ? '' : ', its leases not renewed in time'}`);
    machine.process.resume();
  }

  /** Does something, once, just after it has asked something of the sort, whose answer is then on its way. */
  lieInWaitFor(call: Call, strike: () => void): void {
    this.#ambushes.set(call, strike);
  }

  #asked<T>(call: Call, answer: Promise<T>): Promise<T> {
    const strike = this.#ambushes.get(call);
    this.#ambushes.delete(call);
    strike?.();
    return answer;
  }

  #watched(store: Store): Store {
    return {
      ...store,
      commit: (commit) => this.#asked('commit', store.commit(commit)),
      renew: (request) => this.#asked('renew', store.renew(request)),
      acquire: (request) => this.#asked('acquire', store.acquire(request)),
      load: (partitions, sink) => this.#asked('load', store.load(partitions, sink)),
    };
  }

  /** Stops in order, and is off then. */
  stop(): void {
    const machine = this.#machine;
    if (machine === null) return;
    this.#options.trace.line(this.name, () => 'is told to stop');
    const { process, node } = machine;
    process.enter(() => void node.stop().then(() => process.kill()));
  }

  /** The connection breaks with the process: the hub knows at once. */
  #die(machine: Machine): void {
    const { record, trace } = this.#options;
    if (machine.process.hasDiedInStep) record.count('node-died-in-a-step');
    trace.line(this.name, () => 'is off');
    machine.link.cut();
    machine.bus.stop();
    machine.publisher.stop();
    for (const believers of record.believers.values()) believers.delete(this.name);
    for (const reading of record.readings)
      if (reading.node === this.name) reading.endedAt ??= this.#options.schedule.now;
    this.#machine = null;
    this.#options.died();
  }

  #noteTaken(partitions: readonly number[]): void {
    const { record } = this.#options;
    const { owners, underWay, believers } = record;
    const isTakeover = partitions.some((partition) => (owners.get(partition) ?? this.name) !== this.name);
    if (isTakeover) record.count('takeover');
    const taken = new Set(partitions);
    const isUnderACommit = [...underWay].some((commit) =>
      commit.partitions.some(({ partition }) => taken.has(partition)),
    );
    if (isUnderACommit) record.visited.add('taken-under-a-commit');
    for (const partition of partitions) {
      owners.set(partition, this.name);
      const all = (believers.get(partition) ?? new Set()).add(this.name);
      believers.set(partition, all);
      if (all.size > 1) record.visited.add('split-brain');
    }
  }

  #noteGivenUp(partitions: readonly number[], reason: string): void {
    const { visited, believers } = this.#options.record;
    if (reason === 'fenced') visited.add('fenced');
    else if (reason.startsWith('the store refused the data')) visited.add('searching');
    for (const partition of partitions) believers.get(partition)?.delete(this.name);
  }

  // ----------------------------------------------------------------------------------------------------------- ports

  #clock(process: Process): Clock {
    const { schedule, clock } = this.#options;
    const startedAt = schedule.now;
    return {
      now: () => clock.now(),
      monotonic: () => schedule.now - startedAt,
      after: (delayMs, work) => schedule.after(delayMs, () => process.enter(work)),
    };
  }

  /** Where no clock of the world is farther from another than it may be, none may ever be found to be. */
  #clockWatch(
    process: Process,
    link: MemoryLink,
  ): { readonly clock: ClockWatch; readonly started: Promise<void> } {
    const { limits, hubClock, storeClock, record, schedule, name, hasWrongClocks, trace } = this.#options;
    const watch = new ClockWatch({
      clock: this.#clock(process),
      serverErrorMs: limits.serverErrorMs,
      everyMs: limits.clockCheckMs,
      onChange: (difference) => {
        const what = `${name} takes a clock for wrong: ${JSON.stringify(difference)}`;
        trace.line(name, () => what);
        if (difference.wrong === 'hub' || difference.wrong === 'both')
          record.visited.add(`wrong-${difference.wrong}`);
        if (hasWrongClocks) record.count('wrong-clock-noticed');
        else record.faults.push({ at: schedule.now, what });
      },
    });
    const sources: readonly TimeSource[] = [
      { server: 'hub', now: async () => hubClock.now() },
      { server: 'store', now: async () => storeClock.now() },
    ];
    const started = watch.start(hasWrongClocks ? this.#overNetwork(process, link) : sources);
    return { clock: watch, started };
  }

  /** The clocks of hub and store as they are asked over connections. */
  #overNetwork(process: Process, link: MemoryLink): readonly TimeSource[] {
    const { hubClock, storeClock, schedule, network, name, record } = this.#options;
    const entering = async <T>(answer: Promise<T>): Promise<T> => {
      try {
        return await answer;
      } finally {
        await new Promise<void>((resolve) => process.enter(resolve));
      }
    };
    const askHub = (): Promise<number> =>
      new Promise((resolve, reject) => {
        const cancel = schedule.after(ASK_TIME_MS, () => reject(new Error('the hub did not answer')));
        link.send('delivery', () => {
          const [now, toldAt] = [hubClock.now(), schedule.now];
          link.receive('delivery', () => {
            cancel();
            record.hubTimes.push({ node: name, toldAt, heardAt: schedule.now });
            resolve(now);
          });
        });
      });
    return [
      { server: 'hub', now: () => entering(askHub()) },
      {
        server: 'store',
        now: () => entering(network.ask(name, 'store', ASK_TIME_MS, async () => storeClock.now())),
      },
    ];
  }

  #feed(process: Process, link: MemoryLink, clock: Clock): Feed {
    const { record, schedule } = this.#options;
    const feed = this.#readerOf(process, link, clock);
    return {
      open: async ({ sink, ...options }) => {
        const noted = this.#noteReading();
        const reading = await feed.open({
          ...options,
          sink: {
            deliver: (batch) =>
              new Promise((resolve) => process.enter(() => void sink.deliver(batch).then(resolve))),
            caughtUp: (isHearing) => process.enter(() => sink.caughtUp(isHearing)),
            gap: (range) => process.enter(() => sink.gap(range)),
            streamIdentified: (stream) => process.enter(() => sink.streamIdentified(stream)),
            opens: (streams) =>
              process.enter(() => {
                if (!streams.includes(siteStream(SITE))) noted.readThroughAt = schedule.now;
                sink.opens(streams);
              }),
            readThrough: (stream) =>
              process.enter(() => {
                noted.readThroughAt ??= schedule.now;
                sink.readThrough(stream);
              }),
          },
        });
        return {
          stop: async () => {
            noted.endedAt ??= schedule.now;
            await reading.stop();
          },
          read: (range, max) => {
            record.count('read-again');
            return process.call(() => reading.read(range, max));
          },
        };
      },
    };
  }

  #noteReading(): ReadingRecord {
    const { record, schedule, hub } = this.#options;
    const heldAtFirst = hub.reports.named(siteStream(SITE))?.lastSequence ?? 0;
    const openedAt = schedule.now;
    const noted = { node: this.name, openedAt, heldAtFirst, readThroughAt: null, endedAt: null };
    record.readings.push(noted);
    return noted;
  }

  #readerOf(process: Process, link: MemoryLink, clock: Clock): Feed {
    const { hub, schedule, record, consumers } = this.#options;
    if (consumers !== null) {
      const streams = { names: [siteStream(SITE)], onChange: () => () => undefined };
      return new StreamsFeed({
        source: readingSource({ hub, link, consumers, process, clock }),
        streams,
        onNotice: (notice) => {
          if (notice.type === 'consumer-ended' && notice.reason === 'lost-in-transit')
            record.count('loss-noticed');
        },
      });
    }
    const itsClock: Clock = {
      now: () => clock.now(),
      monotonic: () => schedule.now,
      after: (delayMs, work) => schedule.after(delayMs, work),
    };
    return new MemoryFeed({ hub, link, clock: itsClock });
  }

  /** What is published goes the way of the real publisher. */
  #bus(process: Process, bus: MemoryBus, publisher: Publisher): Bus {
    const { name, trace, record, schedule, clock } = this.#options;
    const heard = new Map<string, Heard>();
    return {
      sendCommand: (site, device, payload) => {
        if (!process.leave()) return;
        trace.line(name, () => `sends ${device} ${textOf(payload)}`);
        bus.sendCommand(site, device, payload);
      },
      publish: (messages, signal) =>
        this.#asked(
          'publish',
          process.call(() => publisher.publish(messages, signal)),
        ),
      reply: (to, payload, error) => {
        if (!process.leave()) return;
        trace.line(name, () => `answers ${to.subject} ${textOf(payload)}`);
        const request = heard.get(to.subject);
        if (request === undefined) throw new Error(`an answer to ${to.subject}, which nobody asked`);
        record.said.push({
          node: name,
          request,
          at: schedule.now,
          atServer: clock.now(),
          body: bodyOf(payload),
        });
        bus.reply(to, payload, error);
      },
      serve: (partition, handle) =>
        bus.serve(partition, (request) => {
          process.enter(() => {
            trace.line(name, () => `hears ${request.replyTo.subject} ${describe(request)}`);
            heard.set(request.replyTo.subject, heardOf(request, schedule.now));
            handle(request);
          });
        }),
    };
  }

  #telemetry(process: Process): Telemetry {
    const { record, schedule, name, trace } = this.#options;
    const ignore = (): void => undefined;
    const fault = (what: string): void => {
      if (!process.isDead) record.faults.push({ at: schedule.now, what: `${name}: ${what}` });
    };
    return {
      report: ignore,
      unreadable: ignore,
      deadLetterLeft: ignore,
      missing: ignore,
      clockOutOfBounds: ignore,
      refused: ignore,
      sent: ignore,
      outcome: ignore,
      transition: ignore,
      committed: ignore,
      forgotten: ignore,
      sourceChanged: ({ change }) => record.count(`source-${change}`),
      snapshotReplayed: () => record.count('replay-found'),
      datedWrong: ({ messages }) => record.count('dated-wrong', messages),
      passedOver: ({ messages }) => record.count('passed-over', messages),
      storeUnavailable: (cause) => trace.line(name, () => `cannot commit: ${cause.message}`),
      deadLetter: ({ reason, detail, device }) => {
        const isRightly = reason === 'forgotten' || (reason === REFUSED_BY_STORE && device === THORN);
        if (!isRightly) fault(`dead letter of ${device}: ${reason}, ${detail}`);
      },
      quarantined: ({ device, cause }) =>
        fault(`${device} could not decide: ${cause.stack ?? cause.message}`),
      streamGone: (range) => {
        record.visited.add('stream-gone');
        if (process.isDead) return;
        record.gone.push({ node: name, at: schedule.now, range });
        if (range.isTail) record.count('tail-noticed');
      },
      ownership: ({ event, partitions, reason }) => {
        trace.line(name, () => `${event} ${partitions.length} partitions: ${reason}`);
        if (event === 'taken') this.#noteTaken(partitions);
        else this.#noteGivenUp(partitions, reason);
      },
      hearing: (isHearing) => {
        if (!isHearing) record.visited.add('not-hearing');
        trace.line(name, () => (isHearing ? 'hears' : 'does not hear'));
      },
    };
  }
}

function heardOf({ device, operation, payload }: BackendRequest, at: number): Heard {
  const { id, args, ifVersion } = bodyOf(payload);
  return {
    device,
    operation: operation.type,
    at,
    name: operation.type === 'command' ? operation.name : null,
    id: typeof id === 'string' ? id : null,
    ifVersion: typeof ifVersion === 'number' ? ifVersion : null,
    args: (args ?? {}) as Heard['args'],
  };
}

function bodyOf(payload: Uint8Array): Readonly<Record<string, unknown>> {
  const decoded = decode(payload);
  if (!decoded.ok) throw new Error(`a message that cannot be read: ${decoded.detail}`);
  return decoded.value as Record<string, unknown>;
}

function describe({ device, operation, payload }: BackendRequest): string {
  const what = operation.type === 'command' ? operation.name : operation.type;
  return `${device} ${what} ${textOf(payload)}`;
}

function textOf(payload: Uint8Array): string {
  return JSON.stringify(bodyOf(payload));
}
