/**
 * The feed port on the hub in memory: reads all streams of reports by position over a link, one batch at a time.
 */
import type { Cancel, Clock, Delivery, Feed, FeedReading, FeedSink, StreamStart } from '../runtime/ports.ts';
import { deviceReports, parseReportSubject } from '../wire/subjects.ts';
import type { MemoryHub } from './hub.ts';
import { type LinkState, type MemoryLink, SILENCE_MAX_MS } from './link.ts';
import type { MessageStream, StoredMessage } from './message-stream.ts';
import { StreamCursor } from './stream-cursor.ts';

/** The most messages delivered at once. */
const BATCH_MAX = 1_000;
/** The sink hears the stream while what it was given last is at most this old, ms: as on NATS. */
const BEHIND_MAX_MS = 2_000;
/** What was asked for comes for so long, ms, though the hub hears no other question: as on NATS. */
const ASKED_MS = 10_000;
/** How long the hub may take to bring one message again, ms. */
const READ_MS_MAX = 2_000;

/** What a feed needs. */
export interface MemoryFeedOptions {
  readonly hub: MemoryHub;
  readonly link: MemoryLink;
  /** Time as the node has it. */
  readonly clock: Clock;
}

/** A node's feed. */
export class MemoryFeed implements Feed {
  readonly #options: MemoryFeedOptions;

  constructor(options: MemoryFeedOptions) {
    this.#options = options;
  }

  async open(reading: Parameters<Feed['open']>[0]): Promise<FeedReading> {
    return new MemoryReader(this.#options, reading);
  }
}

/** A message, and the place of which it is the next. */
interface Found {
  readonly cursor: StreamCursor;
  readonly message: StoredMessage;
}

/** In these nothing is delivered any more, at once or after a while. */
const DOUBT_MS: Readonly<Partial<Record<LinkState, number>>> = {
  frozen: SILENCE_MAX_MS,
  deaf: SILENCE_MAX_MS,
  mute: ASKED_MS + SILENCE_MAX_MS,
};

type Phase = 'waiting' | 'fetching' | 'delivering';

/** Reads for one sink. Fetching and delivering alternate: what the sink has not taken is not fetched. */
class MemoryReader implements FeedReading {
  readonly #options: MemoryFeedOptions;
  readonly #sink: FeedSink;
  readonly #wants: (subject: string) => boolean;
  readonly #unlisten: readonly Cancel[];
  readonly #starts: ReadonlyMap<string, StreamStart>;
  readonly #cursors = new Map<string, StreamCursor>();
  /** By stream, its last sequence when reading began, until everything up to there was delivered; `null` before. */
  #unread: Map<string, number> | null = null;
  #phase: Phase = 'waiting';
  #delivery: Promise<void> = Promise.resolve();
  #isHearing = false;
  #isStopped = false;
  /** Grows with each cut: what was fetched before does not count any more. */
  #connection = 0;
  #cancelDoubt: Cancel = () => undefined;
  /** Since when the hub hears nothing of this program that hears the hub; `null` while it does. */
  #mutedAt: number | null = null;

  constructor(options: MemoryFeedOptions, reading: Parameters<Feed['open']>[0]) {
    this.#options = options;
    this.#sink = reading.sink;
    this.#starts = new Map(reading.starts.map((start) => [start.stream, start]));
    const partitions = new Set(reading.partitions);
    this.#wants = (subject) => partitions.has(parseReportSubject(subject)?.partition ?? -1);
    const { hub, link } = options;
    this.#unlisten = [hub.reports.onAppend(() => this.#fetch()), link.onChange(() => this.#react())];
    this.#react();
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#cancelDoubt();
    for (const unlisten of this.#unlisten) unlisten();
    await this.#delivery;
  }

  read(...[range, max]: Parameters<FeedReading['read']>): ReturnType<FeedReading['read']> {
    const { hub, link, clock } = this.#options;
    return new Promise((resolve, reject) => {
      const giveUp = (): void => reject(new Error('the hub did not answer'));
      const cancel = clock.after(READ_MS_MAX, giveUp);
      const hasLeft = link.receive('delivery', () => {
        cancel();
        resolve(readAgain(hub.reports.named(range.stream), range, max));
      });
      if (hasLeft) return;
      cancel();
      giveUp();
    });
  }

  #react(): void {
    const { state } = this.#options.link;
    if (state === 'cut') {
      this.#connection += 1;
      if (this.#phase === 'fetching') this.#phase = 'waiting';
      this.#setHearing(false);
    }
    this.#mutedAt = state === 'mute' ? this.#options.clock.monotonic() : null;
    this.#doubtIn(state);
    if (state === 'up') {
      this.#cancelDoubt();
      this.#fetch();
    }
  }

  #doubtIn(state: LinkState): void {
    const delayMs = DOUBT_MS[state];
    if (delayMs !== undefined) this.#doubtAfter(delayMs);
  }

  /** The hub does not hear what is asked for. */
  #isUnasked(): boolean {
    return this.#mutedAt !== null && this.#options.clock.monotonic() - this.#mutedAt >= ASKED_MS;
  }

  /** Asks the hub for what comes next, over the link and back. */
  #fetch(): void {
    if (this.#phase !== 'waiting' || this.#isStopped || this.#isUnasked()) return;
    const connection = this.#connection;
    this.#phase = 'fetching';
    const hasLeft = this.#options.link.receive('delivery', () => {
      if (connection !== this.#connection || this.#isStopped) return;
      this.#phase = 'waiting';
      this.#read();
    });
    if (!hasLeft) this.#phase = 'waiting';
  }

  #read(): void {
    this.#open();
    this.#findPositions();
    const batch = this.#take();
    if (batch.length === 0) {
      this.#tellReadThrough();
      this.#setHearing(true);
      return;
    }
    this.#phase = 'delivering';
    this.#doubtAfter(BEHIND_MAX_MS);
    this.#delivery = this.#deliver(batch);
  }

  async #deliver(batch: readonly Found[]): Promise<void> {
    await this.#sink.deliver(batch.flatMap(({ cursor, message }) => deliveryOf(cursor.name, message)));
    this.#cancelDoubt();
    this.#phase = 'waiting';
    this.#tellReadThrough();
    const { clock, link } = this.#options;
    const age = clock.now() - (batch.at(-1)?.message.storedAt ?? 0);
    if (link.state === 'up') this.#setHearing(age <= BEHIND_MAX_MS || this.#isAtEnd());
    this.#doubtIn(link.state);
    this.#fetch();
  }

  #open(): void {
    if (this.#unread !== null) return;
    const streams = [...this.#options.hub.reports.all];
    this.#unread = new Map(streams.map(([name, { lastSequence }]) => [name, lastSequence]));
    this.#sink.opens([...this.#unread.keys()]);
  }

  #tellReadThrough(): void {
    if (this.#isStopped) return;
    for (const [name, last] of this.#unread ?? []) {
      if (this.#cursors.get(name)?.isThrough(last) !== true) continue;
      this.#unread?.delete(name);
      this.#sink.readThrough(name);
    }
  }

  #isAtEnd(): boolean {
    return this.#oldest() === undefined;
  }

  #findPositions(): void {
    for (const [name, stream] of this.#options.hub.reports.all) {
      let cursor = this.#cursors.get(name);
      if (cursor === undefined) {
        const start = this.#starts.get(name);
        this.#cursors.set(name, (cursor = new StreamCursor({ name, stream, start, wants: this.#wants })));
      }
      cursor.findPosition(this.#sink);
    }
  }

  #take(): readonly Found[] {
    const batch: Found[] = [];
    while (batch.length < BATCH_MAX) {
      const oldest = this.#oldest();
      if (oldest === undefined) break;
      oldest.cursor.pass(oldest.message);
      batch.push(oldest);
    }
    return batch;
  }

  /** What was stored first of all that comes next. */
  #oldest(): Found | undefined {
    let oldest: Found | undefined;
    for (const cursor of this.#cursors.values()) {
      const message = cursor.peek();
      if (message !== undefined && message.storedAt < (oldest?.message.storedAt ?? Infinity))
        oldest = { cursor, message };
    }
    return oldest;
  }

  #doubtAfter(delayMs: number): void {
    this.#cancelDoubt();
    if (this.#isStopped) return;
    this.#cancelDoubt = this.#options.clock.after(delayMs, () => this.#setHearing(false));
  }

  #setHearing(isHearing: boolean): void {
    if (this.#isHearing === isHearing || this.#isStopped) return;
    this.#isHearing = isHearing;
    this.#sink.caughtUp(isHearing);
  }
}

/** See `FeedReading.read`. */
function readAgain(
  stream: MessageStream | undefined,
  ...[{ stream: name, partition, site, device, from, to }, max]: Parameters<FeedReading['read']>
): Awaited<ReturnType<FeedReading['read']>> {
  const deliveries: Delivery[] = [];
  const wanted = deviceReports(partition, site, device);
  const isWanted = (subject: string): boolean => from === to || subject === wanted;
  let bytes = 0;
  for (let next = from; next <= to;) {
    const message = stream?.next(next, isWanted);
    if (message === undefined || message.sequence > to) break;
    deliveries.push(...deliveryOf(name, message));
    bytes += message.payload.length;
    next = message.sequence + 1;
    if (deliveries.length >= max.messages || bytes >= max.bytes)
      return { deliveries, through: message.sequence };
  }
  return { deliveries, through: to };
}

function deliveryOf(stream: string, { sequence, storedAt, subject, payload }: StoredMessage): Delivery[] {
  const where = parseReportSubject(subject);
  return where === null
    ? []
    : [{ ...where, stream, sequence, receivedAt: storedAt, payload: payload.slice() }];
}
