/**
 * A backend as anybody might write it, in any language with a NATS client: plain request and reply, and nothing of `src`.
 */
import { randomUUID } from 'node:crypto';
import { NoRespondersError, type NatsConnection, RequestError, TimeoutError } from '@nats-io/nats-core';
import { connect } from '@nats-io/transport-node';
import { Packr } from 'msgpackr';
import type { Hub, HubUser } from '../../tools/dev/hub.ts';
import { until } from '../nodes/node.ts';
import type { RawEncoding } from '../devices/raw-device.ts';

/** A body of a reply, as far as tests look into it. */
export type RawBody = Readonly<Record<string, unknown>>;

/** What a request came to. */
export type RawAnswer =
  | {
      readonly type: 'reply';
      readonly body: RawBody;
      /** Of the service error headers; `null` where there are none. */
      readonly errorCode: number | null;
      readonly encoding: RawEncoding;
    }
  /** The hub said at once that nobody listens: it was certainly not sent. */
  | { readonly type: 'no-responders' }
  | { readonly type: 'timeout' };

/** A request for a command. */
export interface RawRequest {
  readonly id?: string;
  readonly args?: RawBody;
  readonly waitMs?: number;
  readonly ifVersion?: number;
  readonly by?: string;
}

const packr = new Packr({ useRecords: false });
/** Who waits in vain says so before the test is ended, ms: longer than any request may ask to wait. */
const TIMEOUT_MS = 100_000;
/** A document is asked for again when nobody has answered for this long, ms. */
const AGAIN_MS = 1_000;

/** A connection in a role of the hub. */
export class RawBackend {
  readonly nats: NatsConnection;
  encoding: RawEncoding = 'json';

  /** Connects as `backend`, or as another user of the hub. */
  static async connect(hub: Hub, user: HubUser = 'backend'): Promise<RawBackend> {
    const { host, username, password } = new URL(hub.url(user));
    return new RawBackend(
      await connect({
        servers: host,
        user: username,
        pass: password,
        name: `test ${user}`,
        maxReconnectAttempts: -1,
        reconnectTimeWait: 100,
      }),
    );
  }

  private constructor(nats: NatsConnection) {
    this.nats = nats;
  }

  /** Asks; whatever it comes to is an answer. */
  async ask(subject: string, body: RawBody, timeoutMs = TIMEOUT_MS): Promise<RawAnswer> {
    const bytes = this.encoding === 'json' ? JSON.stringify(body) : packr.pack(body);
    try {
      const message = await this.nats.request(subject, bytes, { timeout: timeoutMs });
      const encoding = message.data[0] === 0x7b ? 'json' : 'msgpack';
      const read = encoding === 'json' ? message.json<RawBody>() : (packr.unpack(message.data) as RawBody);
      const code = message.headers?.get('Nats-Service-Error-Code') ?? '';
      return { type: 'reply', body: read, errorCode: code === '' ? null : Number(code), encoding };
    } catch (error) {
      const cause = error instanceof RequestError ? error.cause : error;
      if (cause instanceof NoRespondersError) return { type: 'no-responders' };
      if (cause instanceof TimeoutError) return { type: 'timeout' };
      throw error;
    }
  }

  /** The body of a reply; anything else is an error. */
  async askFor(subject: string, body: RawBody, timeoutMs?: number): Promise<RawBody> {
    const answer = await this.ask(subject, body, timeoutMs);
    if (answer.type === 'reply') return answer.body;
    throw new Error(`${subject} came to ${answer.type}`);
  }

  /** The twin's document. */
  get(device: string): Promise<RawBody> {
    return this.askFor(`twin.${device}.get`, {});
  }

  /** Waits until the twin's document is as wanted, and returns it. While nobody answers, it asks again. */
  async untilDocument(
    device: string,
    what: string,
    isWanted: (document: RawBody) => boolean,
  ): Promise<RawBody> {
    const document = await until(`of ${device} ${what}`, async () => {
      const seen = await this.ask(`twin.${device}.get`, {}, AGAIN_MS);
      return seen.type === 'reply' && isWanted(seen.body)
        ? { done: true, value: seen.body }
        : { done: false, seen: JSON.stringify(seen) };
    });
    return document!;
  }

  /** Commands a device; the id is a fresh one unless given. */
  command(device: string, name: string, request: RawRequest = {}): Promise<RawBody> {
    return this.askFor(`twin.${device}.command.${name}`, { id: randomUUID(), ...request });
  }

  /** How a command stands. */
  ledger(device: string, id: string): Promise<RawBody> {
    return this.askFor(`twin.${device}.ledger`, { id });
  }

  close(): Promise<void> {
    return this.nats.close();
  }
}
