/**
 * The feed port on the stream DEVICES.
 */
import type { Delivery, Feed, FeedReading } from '../runtime/ports.ts';
import { PARTITIONS } from '../wire/partition.ts';
import { storableText } from '../wire/storable-text.ts';
import { deviceReports, parseReportSubject, partitionReports, STREAMS } from '../wire/subjects.ts';
import type { HubConnection } from './connect.ts';
import type { StreamMessage } from './stream-message.ts';
import { type ReaderNotice, StreamReader } from './stream-reader.ts';

/** Something an operator may want to know. */
export type FeedNotice =
  | ReaderNotice
  /** A message in DEVICES whose subject the mapping of `nats.conf` cannot have written: it is passed over. */
  | { readonly type: 'foreign-subject'; readonly subject: string; readonly sequence: number };

/** What a feed needs. */
export interface NatsFeedOptions {
  readonly hub: HubConnection;
  readonly onNotice: (notice: FeedNotice) => void;
}

/** A feed; `open` may be called for several sets of partitions. */
export class NatsFeed implements Feed {
  readonly #options: NatsFeedOptions;

  constructor(options: NatsFeedOptions) {
    this.#options = options;
  }

  /** Throws when the connection is closed. */
  async open({
    partitions,
    after,
    reached = after,
    streams = [],
    sink,
  }: Parameters<Feed['open']>[0]): Promise<FeedReading> {
    const { hub, onNotice } = this.#options;
    const isWholeStream = partitions.length === PARTITIONS;
    const reader = await StreamReader.open({
      hub,
      stream: STREAMS.devices.name,
      subjects: isWholeStream ? STREAMS.devices.subjects : partitions.map(partitionReports),
      isWholeStream,
      after,
      reached,
      streams,
      onNotice,
      sink: {
        deliver: async (messages) => {
          const batch = deliveriesOf(messages, onNotice);
          if (batch.length > 0) await sink.deliver(batch);
        },
        hearing: (isHearing) => sink.hearing(isHearing),
        gone: (range) => sink.gone(range),
        reads: (stream) => sink.reads(stream),
        // The runtime's sink only fills a mailbox; were it to fail, the node would say that it hears no more.
        ended: () => undefined,
      },
    });
    return {
      stop: () => reader.stop(),
      read: async (range, max) => {
        const { messages, through } = await readAgain(reader, range, max);
        return { deliveries: deliveriesOf(messages, onNotice), through };
      },
    };
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
  messages: readonly StreamMessage[],
  onNotice: (notice: FeedNotice) => void,
): Delivery[] {
  const deliveries: Delivery[] = [];
  for (const { subject, sequence, storedAt, payload } of messages) {
    const where = parseReportSubject(subject);
    if (where === null || where.partition >= PARTITIONS) {
      onNotice({ type: 'foreign-subject', subject, sequence });
      continue;
    }
    const { partition, site } = where;
    // A token may hold anything but blanks and dots, and a dead letter keeps it.
    const device = storableText(where.device);
    deliveries.push({ partition, sequence, receivedAt: storedAt, site, device, payload });
  }
  return deliveries;
}
