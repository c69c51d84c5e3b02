/**
 * What the hub does for readers of its streams: consumers that send what they are asked for, say that they wait, and forget who
 * is gone. They may lose what they send on the way, vanish, or say nothing more although they are there.
 */
import { nanos } from '@nats-io/nats-core';
import type { MemoryHub } from '../../../src/memory/hub.ts';
import type { MessageStream, StoredMessage } from '../../../src/memory/message-stream.ts';
import type { MadeConsumer, PullRequest } from '../../../src/nats/stream-source.ts';
import type { WorldRecord } from '../record.ts';
import type { Chance } from './chance.ts';
import type { Cancel, Schedule } from './schedule.ts';

/** A message of the hub to an inbox: one of the stream, or a status. */
export type Sent =
  | { readonly type: 'message'; readonly ack: string; readonly message: StoredMessage }
  | { readonly type: 'status'; readonly code: number; readonly description: string };

/** Brings something to an inbox. False: nobody listens there any more. */
export type Deliver = (inbox: string, sent: Sent) => boolean;

interface Request {
  readonly reply: string;
  readonly cancelExpiry: Cancel;
  left: number;
}

interface Consumer {
  readonly name: string;
  readonly stream: MessageStream;
  readonly wants: (subject: string) => boolean;
  readonly deliver: Deliver;
  next: number;
  sent: number;
  /** How many messages it has yet to send, of those up to `counted`. */
  pending: number;
  counted: number;
  requests: Request[];
  cancelHeartbeat: Cancel;
  isSilent: boolean;
}

/** What a request says whose consumer is not there. */
const GONE = { type: 'status', code: 409, description: 'Consumer Deleted' } as const;

export class Consumers {
  readonly #schedule: Schedule;
  readonly #chance: Chance;
  readonly #record: WorldRecord;
  readonly #consumers = new Map<string, Consumer>();
  #made = 0;
  /** This part of what consumers send never arrives. */
  lossPart = 0;

  constructor(parts: {
    readonly hub: MemoryHub;
    readonly schedule: Schedule;
    readonly chance: Chance;
    readonly record: WorldRecord;
  }) {
    this.#schedule = parts.schedule;
    this.#chance = parts.chance;
    this.#record = parts.record;
    for (const streams of [parts.hub.reports, parts.hub.changes])
      streams.onAppend(() => {
        for (const consumer of [...this.#consumers.values()]) this.#serve(consumer);
      });
  }

  /** Makes a consumer for whoever is reached by `deliver`. */
  make(
    stream: MessageStream,
    from: { readonly startSequence: number; readonly subjects: readonly string[] },
    deliver: Deliver,
  ): MadeConsumer {
    this.#made += 1;
    const name = `consumer-${String(this.#made)}`;
    const wants = wanted(from.subjects);
    const cancelHeartbeat = (): void => undefined;
    const consumer: Consumer = {
      name,
      stream,
      wants,
      deliver,
      cancelHeartbeat,
      isSilent: false,
      next: from.startSequence,
      sent: 0,
      requests: [],
      pending: 0,
      counted: from.startSequence - 1,
    };
    this.#consumers.set(name, consumer);
    count(consumer);
    return { name, pending: consumer.pending };
  }

  /** How many messages a consumer has sent. Throws where there is none. */
  sentBy(name: string): number {
    const consumer = this.#consumers.get(name);
    if (consumer === undefined) throw new Error('consumer not found');
    return consumer.sent;
  }

  /** Whoever is reached by `deliver` asks a consumer for messages. */
  pull(
    name: string,
    request: PullRequest,
    asker: { readonly reply: string; readonly deliver: Deliver },
  ): void {
    const consumer = this.#consumers.get(name);
    const { reply } = asker;
    if (consumer === undefined) {
      asker.deliver(reply, { type: 'status', code: 503, description: 'No Responders' });
      return;
    }
    const cancelExpiry = this.#schedule.after(request.expires / nanos(1), () => {
      consumer.requests = consumer.requests.filter((other) => other.reply !== reply);
      this.#say(consumer, reply, { type: 'status', code: 408, description: 'Request Timeout' });
    });
    consumer.requests.push({ reply, cancelExpiry, left: request.batch });
    this.#serve(consumer);
    this.#beat(consumer, request.idle_heartbeat / nanos(1));
  }

  /** The connection over which a consumer was asked is gone. */
  forget(deliver: Deliver): void {
    for (const consumer of [...this.#consumers.values()])
      if (consumer.deliver === deliver) this.#remove(consumer);
  }

  /** Some consumers are removed; those who wait for them may be told. */
  vanish(chance: Chance): void {
    for (const consumer of [...this.#consumers.values()]) {
      if (chance.hits(0.3)) continue;
      const { requests } = consumer;
      this.#remove(consumer);
      if (chance.hits(0.5)) for (const { reply } of requests) consumer.deliver(reply, GONE);
    }
  }

  /** Some consumers say nothing more, neither messages nor that they wait, for good. */
  fallSilent(chance: Chance): void {
    for (const consumer of this.#consumers.values()) consumer.isSilent ||= chance.hits(0.7);
  }

  /** They do again what they should. */
  heal(): void {
    this.lossPart = 0;
    for (const consumer of this.#consumers.values()) {
      consumer.isSilent = false;
      this.#serve(consumer);
    }
  }

  #serve(consumer: Consumer): void {
    count(consumer);
    if (isMute(consumer)) return;
    for (;;) {
      const [request] = consumer.requests;
      const message = consumer.stream.next(consumer.next, consumer.wants);
      if (request === undefined || message === undefined) return;
      consumer.next = message.sequence + 1;
      consumer.sent += 1;
      consumer.pending -= 1;
      request.left -= 1;
      if (request.left === 0) {
        request.cancelExpiry();
        consumer.requests.shift();
      }
      const { name, sent, pending } = consumer;
      const where = ['REPORTS', name, 1, message.sequence, sent, nanos(message.storedAt), pending];
      this.#say(consumer, request.reply, { type: 'message', ack: `$JS.ACK.${where.join('.')}`, message });
    }
  }

  #say(consumer: Consumer, reply: string, sent: Sent): void {
    if (isMute(consumer) || !this.#consumers.has(consumer.name)) return;
    if (this.#chance.hits(this.lossPart)) {
      if (sent.type === 'message') this.#record.count('delivery-lost');
      return;
    }
    if (consumer.deliver(reply, sent)) return;
    for (const request of consumer.requests) if (request.reply === reply) request.cancelExpiry();
    consumer.requests = consumer.requests.filter((other) => other.reply !== reply);
  }

  /** Says that what is asked for is waited for, as long as it is. */
  #beat(consumer: Consumer, everyMs: number): void {
    consumer.cancelHeartbeat();
    consumer.cancelHeartbeat = this.#schedule.after(everyMs, () => {
      const [request] = consumer.requests;
      if (request === undefined) return;
      this.#say(consumer, request.reply, { type: 'status', code: 100, description: 'Idle Heartbeat' });
      this.#beat(consumer, everyMs);
    });
  }

  #remove(consumer: Consumer): void {
    this.#consumers.delete(consumer.name);
    consumer.cancelHeartbeat();
    for (const { cancelExpiry } of consumer.requests) cancelExpiry();
    consumer.requests = [];
  }
}

/** Without JetStream no consumer says anything either. */
function isMute({ isSilent, stream }: Consumer): boolean {
  return isSilent || stream.refusal === 'away';
}

/** Counts what the stream has stored since it was counted last. */
function count(consumer: Consumer): void {
  const { stream, wants } = consumer;
  while (consumer.counted < stream.lastSequence) {
    consumer.counted += 1;
    const subject = stream.at(consumer.counted)?.subject;
    if (subject !== undefined && wants(subject)) consumer.pending += 1;
  }
}

/** The filter of a consumer; none lets everything through. */
export function wanted(filters: readonly string[]): (subject: string) => boolean {
  const parts = filters.map((filter) => filter.split('.'));
  return (subject) => {
    const tokens = subject.split('.');
    return parts.length === 0 || parts.some((part) => matches(part, tokens));
  };
}

function matches(filter: readonly string[], tokens: readonly string[]): boolean {
  const isOpen = filter.at(-1) === '>';
  const fixed = isOpen ? filter.slice(0, -1) : filter;
  const isLongEnough = isOpen ? tokens.length > fixed.length : tokens.length === fixed.length;
  return isLongEnough && fixed.every((token, index) => token === '*' || token === tokens[index]);
}
