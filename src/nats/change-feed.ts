/**
 * The change feed on the stream CHANGES, which is kept in the account JOURNAL.
 */
import { jetstreamManager } from '@nats-io/jetstream';
import type { ChangeFeed, ChangeSink, PublishedChange } from '../runtime/ports.ts';
import { parseChangeSubject, STREAMS, twinChanged, twinOutcome } from '../wire/subjects.ts';
import type { HubConnection } from './connect.ts';
import { JOURNAL_API } from './hub.ts';
import type { StreamMessage } from './stream-message.ts';
import { type ReaderNotice, StreamReader } from './stream-reader.ts';

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

  async lastSequence(): Promise<number> {
    const { hub } = this.#options;
    if (!hub.isConnected()) throw new Error('the hub is away');
    const api = { checkAPI: false, apiPrefix: JOURNAL_API, timeout: ANSWER_MS };
    const manager = await jetstreamManager(hub.nats, api);
    return (await manager.streams.info(STREAMS.changes.name)).state.last_seq;
  }

  async open(options: {
    readonly after: number;
    readonly device: string | null;
    readonly sink: ChangeSink;
  }): Promise<{ stop(): Promise<void> }> {
    const { after, device, sink } = options;
    const reader = await StreamReader.open({
      ...this.#options,
      apiPrefix: JOURNAL_API,
      stream: STREAMS.changes.name,
      subjects: device === null ? STREAMS.changes.subjects : [twinChanged(device), twinOutcome(device)],
      isWholeStream: device === null,
      after,
      sink: {
        deliver: (batch) => sink.deliver(batch.flatMap(changeOf)),
        hearing: (isHearing) => sink.hearing(isHearing),
        gone: (range) => sink.gone(range),
        ended: (cause) => sink.ended(cause),
        reads: () => undefined,
      },
    });
    return { stop: () => reader.stop() };
  }
}

function changeOf({ sequence, subject, payload }: StreamMessage): readonly PublishedChange[] {
  const what = parseChangeSubject(subject);
  return what === null ? [] : [{ ...what, sequence, payload }];
}
