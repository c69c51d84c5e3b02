/**
 * The change feed on the stream CHANGES, which is kept in the account JOURNAL.
 */
import { jetstreamManager } from '@nats-io/jetstream';
import type { ChangeFeed, PublishedChange } from '../runtime/change-feed.ts';
import { parseChangeSubject, STREAMS } from '../wire/subjects.ts';
import { lastPlaceOf, openChanges } from './changes-reader.ts';
import type { HubConnection } from './connect.ts';
import { JOURNAL_API } from './hub.ts';
import type { StreamMessage } from './stream-message.ts';
import type { ReaderNotice } from './stream-reader.ts';
import { streamSource } from './stream-source.ts';

/** How long the hub may take to say how far the stream has got, ms. */
const ANSWER_MS = 2_000;

/** What a change feed needs. */
export interface NatsChangeFeedOptions {
  readonly hub: HubConnection;
  readonly onNotice: (notice: ReaderNotice) => void;
}

/** Follows the stream over a connection of the runtime. */
export class NatsChangeFeed implements ChangeFeed {
  readonly #options: NatsChangeFeedOptions;

  constructor(options: NatsChangeFeedOptions) {
    this.#options = options;
  }

  async last(): ReturnType<ChangeFeed['last']> {
    const { hub } = this.#options;
    if (!hub.isConnected()) throw new Error('the hub is away');
    const api = { checkAPI: false, apiPrefix: JOURNAL_API, timeout: ANSWER_MS };
    const manager = await jetstreamManager(hub.nats, api);
    return lastPlaceOf(await manager.streams.info(STREAMS.changes.name));
  }

  async open({ after, device, sink }: Parameters<ChangeFeed['open']>[0]): ReturnType<ChangeFeed['open']> {
    const reader = await openChanges({
      source: streamSource(this.#options.hub, JOURNAL_API),
      onNotice: this.#options.onNotice,
      after,
      devices: device === null ? null : [device],
      sink: {
        deliver: (batch, made) => sink.deliver(batch.flatMap((message) => changeOf(message, made))),
        hearing: (isHearing) => sink.hearing(isHearing),
        gone: (range) => sink.gone(range),
        ended: (cause) => sink.ended(cause),
      },
    });
    return { stop: () => reader.stop() };
  }
}

function changeOf(
  { sequence, storedAt, subject, payload }: StreamMessage,
  made: string,
): readonly PublishedChange[] {
  const what = parseChangeSubject(subject);
  return what === null ? [] : [{ ...what, made, sequence, storedAt, payload }];
}
