/**
 * The hub as a reader of a stream needs it. This is the lowest port of reading: all that a reader decides (what is a hole, when a
 * consumer is lost, where to go on) lies above it, and runs in worlds without servers as it is.
 */
import {
  AckPolicy,
  type ConsumerConfig,
  DeliverPolicy,
  type JetStreamManager,
  jetstreamManager,
} from '@nats-io/jetstream';
import { nanos, nuid } from '@nats-io/nats-core';
import type { Clock } from '../runtime/ports.ts';
import { systemClock } from '../system/system-clock.ts';
import type { HubConnection } from './connect.ts';
import { type BatchQuestion, readDirectBatch } from './direct-batch.ts';
import { listen, type Listening } from './listen.ts';
import { storedAtOf } from './stored-at.ts';
import type { StreamMessage } from './stream-message.ts';

/** How long the hub may take to answer about streams and consumers, ms. A request that an outage swallowed takes as long. */
const API_TIMEOUT_MS = 2_000;
/** The server forgets a consumer that nobody pulls from after this, ms. */
const INACTIVE_MS = 30_000;
/** Where a connection asks about the streams of its own account. */
const OWN_API = '$JS.API';

/** What the client calls a question that reaches nobody. */
const NOBODY_ANSWERS = 'JetStreamNotEnabled';

/** Messages of another account cannot be asked for one by one: the hub runs an older `nats.conf`. */
export class NobodyMayAsk extends Error {
  override readonly name = 'NobodyMayAsk';
}

/** A stream as it stands. */
export interface StreamStanding {
  /** When it was made, as its server says: no other stream of the name ever has the same. */
  readonly created: string;
  readonly firstSequence: number;
  readonly lastSequence: number;
}

/** A consumer that was made. */
export interface MadeConsumer {
  readonly name: string;
  /** How many messages it had not sent yet. */
  readonly pending: number;
}

/** What a request for messages says: the API's own words. */
export interface PullRequest {
  readonly batch: number;
  readonly max_bytes: number;
  readonly expires: number;
  readonly idle_heartbeat: number;
}

/** See the head of this file. What is asked rejects when the hub is away, or does not answer in time. */
export interface StreamSource {
  readonly clock: Clock;
  /** True while messages can leave. */
  isConnected(): boolean;
  /** The connection was closed, and does not come back. */
  isClosed(): boolean;
  /** Calls `listener` with every change of `isConnected`, until the returned function is called. */
  onChange(listener: (isConnected: boolean) => void): () => void;
  /** Bytes of the largest message; 0 where it is not known. */
  payloadMax(): number;
  standing(stream: string): Promise<StreamStanding>;
  /**
   * The message of a sequence, or the first one of a subject from there on; `null` where there is none. Of the leader: another server of
   * a cluster may not have the message yet.
   */
  message(
    stream: string,
    query: { readonly seq: number; readonly next_by_subj?: string },
  ): Promise<StreamMessage | null>;
  /** Many messages of one subject at once, as one server has them. */
  batch(question: Omit<BatchQuestion, 'apiPrefix'>): Promise<readonly StreamMessage[]>;
  /** Makes a consumer without acks, kept in the server's memory, that sends what it is asked for from a sequence on. */
  makeConsumer(
    stream: string,
    from: { readonly startSequence: number; readonly subjects: readonly string[] },
  ): Promise<MadeConsumer>;
  /** How many messages a consumer has sent. */
  sentBy(stream: string, consumer: string): Promise<number>;
  newInbox(): string;
  listen(listening: Listening): { unsubscribe(): void };
  /** Asks a consumer for messages, which come to the subject `reply`. */
  pull(stream: string, consumer: string, request: PullRequest, reply: string): void;
}

/** The streams that are asked about at `apiPrefix`, which may be another account's; default: the connection's own. */
export function streamSource(hub: HubConnection, apiPrefix = OWN_API): StreamSource {
  const { nats } = hub;
  let asking: Promise<JetStreamManager> | null = null;
  const manager = (): Promise<JetStreamManager> =>
    (asking ??= jetstreamManager(nats, { checkAPI: false, timeout: API_TIMEOUT_MS, apiPrefix }));
  return {
    clock: systemClock,
    isConnected: () => hub.isConnected(),
    isClosed: () => nats.isClosed(),
    onChange: (listener) => hub.onChange(listener),
    payloadMax: () => nats.info?.max_payload ?? 0,
    standing: async (stream) => {
      const { created, state } = await (await manager()).streams.info(stream);
      return { created, firstSequence: state.first_seq, lastSequence: state.last_seq };
    },
    message: async (stream, query) => {
      const stored = await (await manager()).streams.getMessage(stream, query).catch((error: unknown) => {
        if (apiPrefix !== OWN_API && error instanceof Error && error.name === NOBODY_ANSWERS)
          throw new NobodyMayAsk(`nobody answers at ${apiPrefix} what stands in ${stream}`, { cause: error });
        throw error;
      });
      if (stored === null) return null;
      const { seq: sequence, subject, data, timestamp } = stored;
      return { sequence, subject, payload: data, storedAt: storedAtOf(timestamp) };
    },
    batch: (question) => readDirectBatch(hub, { ...question, apiPrefix }),
    makeConsumer: async (stream, from) => {
      const { name, num_pending } = await (await manager()).consumers.add(stream, configOf(from));
      return { name, pending: num_pending };
    },
    sentBy: async (stream, consumer) => {
      const { delivered } = await (await manager()).consumers.info(stream, consumer);
      return delivered.consumer_seq;
    },
    newInbox: () => hub.newInbox(),
    listen: (listening) => listen(hub, listening),
    pull: (stream, consumer, request, reply) =>
      nats.publish(`${apiPrefix}.CONSUMER.MSG.NEXT.${stream}.${consumer}`, JSON.stringify(request), {
        reply,
      }),
  };
}

function configOf({
  startSequence,
  subjects,
}: Parameters<StreamSource['makeConsumer']>[1]): Partial<ConsumerConfig> {
  return {
    name: `corral-${nuid.next()}`,
    ack_policy: AckPolicy.None,
    deliver_policy: DeliverPolicy.StartSequence,
    opt_start_seq: startSequence,
    inactive_threshold: nanos(INACTIVE_MS),
    mem_storage: true,
    num_replicas: 1,
    ...filterOf(subjects),
  };
}

/** A filter that lets everything through costs the server ten times as much for each message as none. */
function filterOf([subject, ...others]: readonly string[]): Partial<ConsumerConfig> {
  if (subject === undefined) return {};
  return others.length === 0 ? { filter_subject: subject } : { filter_subjects: [subject, ...others] };
}
