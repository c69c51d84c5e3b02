/**
 * The client for backends: typed questions, commands and news of twins over NATS.
 *
 *   const corral = await connectCorral({ url: 'nats://backend:secret@hub:4222' });
 *   const { state } = await corral.get('cp-001');
 *   const reservation = await corral.command('cp-001', 'reserve', { holdMs: 600_000 }, { by: 'user 7' });
 */
import { jetstreamManager } from '@nats-io/jetstream';
import { randomUUID } from 'node:crypto';
import { lastPlaceOf } from '../nats/changes-reader.ts';
import { connectToHub, type HubConnection } from '../nats/connect.ts';
import type { HubSecurity } from '../nats/security.ts';
import { systemClock } from '../system/system-clock.ts';
import { type ChangePlace, readPlace } from '../wire/change-place.ts';
import type { Encoding } from '../wire/codec.ts';
import { STREAMS } from '../wire/subjects.ts';
import { natsRequester } from './nats-requester.ts';
import { TwinClient } from './twin-client.ts';
import { streamSource } from '../nats/stream-source.ts';
import { type Watch, watchChanges, type WatchOptions } from './watch.ts';

export type { HubSecurity } from '../nats/security.ts';
export type { Acceptance } from '../wire/acceptance.ts';
export type { CommandResult } from './command-result.ts';
export { CorralBadReply, CorralRefusal, CorralUnreachable } from './errors.ts';
export type { AskOptions, CommandOptions, FindQuery } from './twin-client.ts';
export type { Watch, WatchEvent, WatchOptions } from './watch.ts';

/** How to connect. */
export interface ConnectCorralOptions {
  /** `nats://user:password@host:port`; several servers of one cluster separated by commas. */
  readonly url: string;
  /** How this backend is called in the server's lists. */
  readonly name?: string;
  /** Encoding of requests, and so of replies; default `json`. */
  readonly encoding?: Encoding;
  /** Where replies are received, for users whose permissions name their inbox. */
  readonly inboxPrefix?: string;
  /** Certificates for TLS, and a login by creds or nkey instead of a password in the address: paths of files. */
  readonly security?: HubSecurity;
}

/** A connected client. */
export class Corral extends TwinClient {
  readonly #hub: HubConnection;
  readonly #watches = new Set<Watch>();

  constructor(hub: HubConnection, encoding: Encoding) {
    const requester = natsRequester(hub);
    const random = (): number => Math.random();
    super({ requester, clock: systemClock, newId: randomUUID, random }, encoding);
    this.#hub = hub;
  }

  /**
   * Follows `changed` and `outcome`, from now or from a place in the stream; what happens after it has resolved is not missed. Throws a
   * RangeError for an `after` that is no place.
   */
  async watch({ devices, after }: WatchOptions = {}): Promise<Watch> {
    const place = after === undefined ? await this.#now() : placeGiven(after);
    const watch = await watchChanges(streamSource(this.#hub), place, devices ?? null);
    this.#watches.add(watch);
    return watch;
  }

  /** Ends the connection: questions and watches that are open end with it. */
  async close(): Promise<void> {
    await Promise.all([...this.#watches].map((watch) => watch.stop()));
    await this.#hub.close();
  }

  async #now(): Promise<ChangePlace> {
    const manager = await jetstreamManager(this.#hub.nats, { checkAPI: false });
    return lastPlaceOf(await manager.streams.info(STREAMS.changes.name));
  }
}

function placeGiven(after: string | number): ChangePlace {
  const place = readPlace(String(after));
  if (place === null)
    throw new RangeError(
      `after: expected the place of an event or its sequence, got ${JSON.stringify(after)}`,
    );
  return place;
}

/** Connects. Throws `ConnectError`, one sentence, when it cannot; afterwards outages are survived. */
export async function connectCorral(options: ConnectCorralOptions): Promise<Corral> {
  const { encoding = 'json', ...connecting } = options;
  const hub = await connectToHub({ name: 'corral client', ...connecting });
  return new Corral(hub, encoding);
}
