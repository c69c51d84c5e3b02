/**
 * The feed port on the streams of reports: one for each site.
 */
import type { Clock, Delivery, Feed, FeedReading, StreamStart } from '../runtime/ports.ts';
import { systemClock } from '../system/system-clock.ts';
import { PARTITIONS } from '../wire/partition.ts';
import { storableText } from '../wire/storable-text.ts';
import { deviceReports, parseReportSubject, partitionReports } from '../wire/subjects.ts';
import type { HubConnection } from './connect.ts';
import type { SiteStreams } from './site-streams.ts';
import type { StreamMessage } from './stream-message.ts';
import { type ReaderNotice, StreamReader } from './stream-reader.ts';
import { type StreamSource, streamSource } from './stream-source.ts';

/** Something an operator may want to know. */
export type FeedNotice =
  | ReaderNotice
  /** A message whose subject the mapping of `nats.conf` cannot have written: it is passed over. */
  | {
      readonly type: 'foreign-subject';
      readonly stream: string;
      readonly subject: string;
      readonly sequence: number;
    };

/** What a feed needs. */
export interface StreamsFeedOptions {
  readonly source: StreamSource;
  readonly streams: Pick<SiteStreams, 'names' | 'onChange'>;
  readonly onNotice: (notice: FeedNotice) => void;
}

/** What one on NATS needs. */
export interface NatsFeedOptions extends Omit<StreamsFeedOptions, 'source'> {
  readonly hub: HubConnection;
  /** By which it is told how far behind the streams a reader is: the hub's, where this machine's is another. Default: this machine's. */
  readonly clock?: Clock;
}

/** A feed; `open` may be called for several sets of partitions. */
export class StreamsFeed implements Feed {
  readonly #options: StreamsFeedOptions;

  constructor(options: StreamsFeedOptions) {
    this.#options = options;
  }

  /** Throws when the connection is closed. */
  async open(reading: Parameters<Feed['open']>[0]): Promise<FeedReading> {
    const readers = new StreamReaders(this.#options, reading);
    await readers.open();
    return readers;
  }
}

/** A feed over a connection to the hub. */
export class NatsFeed extends StreamsFeed {
  constructor({ hub, clock = systemClock, ...options }: NatsFeedOptions) {
    super({ ...options, source: { ...streamSource(hub), clock } });
  }
}

/** A reader of one stream, and what it said last. */
interface OpenReader {
  readonly opened: Promise<StreamReader>;
  isHearing: boolean;
}

/** A reader for each stream of reports; it hears when all of them do. */
class StreamReaders implements FeedReading {
  readonly #options: StreamsFeedOptions;
  readonly #reading: Parameters<Feed['open']>[0];
  readonly #starts: ReadonlyMap<string, StreamStart>;
  readonly #readers = new Map<string, OpenReader>();
  #unlisten: () => void = () => undefined;
  #isHearing = false;
  #isStopped = false;

  constructor(options: StreamsFeedOptions, reading: Parameters<Feed['open']>[0]) {
    this.#options = options;
    this.#reading = reading;
    this.#starts = new Map(reading.starts.map((start) => [start.stream, start]));
  }

  /** Begins to read what streams there are, and goes on with those that there will be. */
  async open(): Promise<void> {
    const { streams } = this.#options;
    this.#reading.sink.opens(streams.names);
    this.#unlisten = streams.onChange((names) => {
      void this.#follow(names);
    });
    await this.#follow(streams.names);
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#unlisten();
    await Promise.all([...this.#readers.values()].map(async ({ opened }) => (await opened).stop()));
  }

  async read(...[range, max]: Parameters<FeedReading['read']>): ReturnType<FeedReading['read']> {
    const reader = this.#readers.get(range.stream);
    // A stream that is no more holds nothing.
    if (reader === undefined) return { deliveries: [], through: range.to };
    const { messages, through } = await readAgain(await reader.opened, range, max);
    return { deliveries: deliveriesOf(range.stream, messages, this.#options.onNotice), through };
  }

  async #follow(names: readonly string[]): Promise<void> {
    for (const [name, { opened }] of this.#readers) {
      if (names.includes(name)) continue;
      this.#readers.delete(name);
      void opened.then((reader) => reader.stop()).then(() => this.#reading.sink.readThrough(name));
    }
    const opened: Promise<StreamReader>[] = [];
    for (const name of names) {
      if (this.#readers.has(name)) continue;
      const reader = this.#reader(name);
      this.#readers.set(name, reader);
      opened.push(reader.opened);
    }
    this.#tellHearing();
    await Promise.all(opened);
  }

  #reader(stream: string): OpenReader {
    const { source, onNotice } = this.#options;
    const { partitions, sink } = this.#reading;
    const start = this.#starts.get(stream);
    const isWholeStream = partitions.length === PARTITIONS;
    const opened = StreamReader.open({
      source,
      stream,
      subjects: isWholeStream ? [] : partitions.map(partitionReports),
      isWholeStream,
      after: start?.after ?? 0,
      reached: start?.reached ?? 0,
      streams: start?.made ?? [],
      marks: start?.marks ?? [],
      onNotice,
      share: () => this.#readers.size,
      sink: {
        deliver: async (messages) => {
          const batch = deliveriesOf(stream, messages, onNotice);
          if (batch.length > 0) await sink.deliver(batch);
        },
        hearing: (isHearing) => {
          reader.isHearing = isHearing;
          this.#tellHearing();
        },
        gone: ({ made: _, ...range }) => sink.gap({ stream, ...range }),
        reads: (made) => sink.streamIdentified({ stream, made }),
        readThrough: () => sink.readThrough(stream),
        // The runtime's sink only fills a mailbox; were it to fail, the node would say that it hears no more.
        ended: () => undefined,
      },
    });
    const reader: OpenReader = { opened, isHearing: false };
    return reader;
  }

  #tellHearing(): void {
    const isHearing =
      this.#readers.size > 0 && [...this.#readers.values()].every((reader) => reader.isHearing);
    if (this.#isHearing === isHearing || this.#isStopped) return;
    this.#isHearing = isHearing;
    this.#reading.sink.caughtUp(isHearing);
  }
}

/** See `FeedReading.read`. */
async function readAgain(
  reader: StreamReader,
  ...[{ partition, site, device, from, to }, max]: Parameters<FeedReading['read']>
): Promise<{ readonly messages: readonly StreamMessage[]; readonly through: number }> {
  if (from === to) {
    const message = await reader.read(from);
    return { messages: message === null ? [] : [message], through: to };
  }
  const subject = deviceReports(partition, site, device);
  const next = await reader.readNext({ subject, from, ...max });
  const messages = next.filter(({ sequence }) => sequence <= to);
  const isAll = messages.length < next.length || next.length === 0;
  return { messages, through: isAll ? to : (messages.at(-1)?.sequence ?? to) };
}

function deliveriesOf(
  stream: string,
  messages: readonly StreamMessage[],
  onNotice: (notice: FeedNotice) => void,
): Delivery[] {
  const deliveries: Delivery[] = [];
  for (const { subject, sequence, storedAt, payload } of messages) {
    const where = parseReportSubject(subject);
    if (where === null || where.partition >= PARTITIONS) {
      onNotice({ type: 'foreign-subject', stream, subject, sequence });
      continue;
    }
    const { partition, site } = where;
    // A token may hold anything but blanks and dots, and a dead letter keeps it.
    const device = storableText(where.device);
    deliveries.push({ partition, stream, sequence, receivedAt: storedAt, site, device, payload });
  }
  return deliveries;
}
