/**
 * The way on which a program reads streams: the lowest port of the production reader, over the program's link to the hub.
 */
import { headers } from '@nats-io/nats-core';
import type { MemoryHub } from '../../../src/memory/hub.ts';
import type { MemoryLink } from '../../../src/memory/link.ts';
import type { MessageStream, StoredMessage } from '../../../src/memory/message-stream.ts';
import type { Listening } from '../../../src/nats/listen.ts';
import type { StreamMessage } from '../../../src/nats/stream-message.ts';
import type { StreamSource } from '../../../src/nats/stream-source.ts';
import type { Clock } from '../../../src/runtime/ports.ts';
import { STREAMS } from '../../../src/wire/subjects.ts';
import { type Consumers, type Deliver, type Sent, wanted } from './consumers.ts';
import type { Process } from './process.ts';

/** An answer that takes longer does not come, ms. */
const API_TIMEOUT_MS = 2_000;
const PAYLOAD_MAX = 1024 * 1024;

export interface ReadingOptions {
  readonly hub: MemoryHub;
  readonly link: MemoryLink;
  readonly consumers: Consumers;
  readonly process: Process;
  /** Of the program. */
  readonly clock: Clock;
}

/** The port of one process. */
export function readingSource({ hub, link, consumers, process, clock }: ReadingOptions): StreamSource {
  const inboxes = new Map<string, Listening['handle']>();
  let made = 0;
  const ask = <T>(question: () => T): Promise<T> =>
    new Promise((resolve, reject) => {
      const cancel = clock.after(API_TIMEOUT_MS, () => reject(new Error('timeout')));
      const answered = (settle: () => void): void => {
        link.receive('delivery', () => {
          process.enter(() => {
            cancel();
            settle();
          });
        });
      };
      const asked = async (): Promise<T> => question();
      link.send('delivery', () => {
        asked().then(
          (answer) => answered(() => resolve(answer)),
          (error: unknown) => answered(() => reject(new Error(String(error)))),
        );
      });
    });
  const deliver: Deliver = (inbox, sent) => {
    const base = inbox.slice(0, inbox.lastIndexOf('.'));
    if (!inboxes.has(base)) return false;
    link.receive('delivery', () => {
      process.enter(() => inboxes.get(base)?.(heardOf(inbox, sent)));
    });
    return true;
  };
  const streamNamed = (name: string): MessageStream => {
    const stream = name === STREAMS.changes.name ? hub.changes : hub.reports.named(name);
    if (stream === undefined) throw new Error('stream not found');
    if (stream.refusal === 'away') throw new Error('no JetStream');
    return stream;
  };
  link.onChange((state) => {
    if (state === 'cut') consumers.forget(deliver);
  });
  return {
    clock,
    isConnected: () => link.state !== 'cut',
    isClosed: () => process.isDead,
    onChange: (listener) => {
      let wasConnected = link.state !== 'cut';
      return link.onChange((state) => {
        const isConnected = state !== 'cut';
        if (isConnected === wasConnected) return;
        wasConnected = isConnected;
        process.enter(() => listener(isConnected));
      });
    },
    payloadMax: () => PAYLOAD_MAX,
    standing: (stream) =>
      ask(() => {
        const { name: created, firstSequence, lastSequence } = streamNamed(stream);
        return { created, firstSequence, lastSequence };
      }),
    message: (stream, { seq, next_by_subj: subject }) =>
      ask(() => {
        const found = streamNamed(stream);
        const message = subject === undefined ? found.at(seq) : found.next(seq, wanted([subject]));
        return message === undefined ? null : copyOf(message);
      }),
    batch: ({ stream, subject, from, messages, bytes }) =>
      ask(() => batchOf(streamNamed(stream), wanted([subject]), { from, messages, bytes })),
    makeConsumer: (stream, from) => ask(() => consumers.make(streamNamed(stream), from, deliver)),
    sentBy: (_, consumer) => ask(() => consumers.sentBy(consumer)),
    newInbox: () => `inbox-${String((made += 1))}`,
    listen: ({ subject, handle }) => {
      const base = subject.slice(0, -'.*'.length);
      inboxes.set(base, handle);
      return { unsubscribe: () => void inboxes.delete(base) };
    },
    pull: (_, consumer, request, reply) => {
      link.send('delivery', () => consumers.pull(consumer, request, { reply, deliver }));
    },
  };
}

function batchOf(
  stream: MessageStream,
  wants: (subject: string) => boolean,
  { from, messages, bytes }: { readonly from: number; readonly messages: number; readonly bytes: number },
): readonly StreamMessage[] {
  const batch: StreamMessage[] = [];
  let size = 0;
  for (
    let next = stream.next(from, wants);
    next !== undefined;
    next = stream.next(next.sequence + 1, wants)
  ) {
    batch.push(copyOf(next));
    size += next.payload.length;
    if (batch.length >= messages || size >= bytes) break;
  }
  return batch;
}

function copyOf(message: StoredMessage): StreamMessage {
  return { ...message, payload: message.payload.slice() };
}

function heardOf(subject: string, sent: Sent): Parameters<Listening['handle']>[0] {
  if (sent.type === 'message') {
    // Who listens on the inbox gets the message under the subject that it was published on.
    const { subject: published, payload } = sent.message;
    return { subject: published, reply: sent.ack, payload: payload.slice(), headers: null };
  }
  return { subject, reply: null, payload: new Uint8Array(), headers: headers(sent.code, sent.description) };
}
