/**
 * Follows what becomes known of twins and commands: the stream CHANGES, from now or from a place kept earlier. Outages of
 * the hub lose nothing, because the stream keeps it and the reader knows its place.
 */
import type { ChangedBody, ForgottenBody, OutcomeBody } from '../contract/reply-bodies.ts';
import type { TwinDocument } from '../contract/twin-document.ts';
import { openChanges } from '../nats/changes-reader.ts';
import type { StreamMessage } from '../nats/stream-message.ts';
import type { StreamSource } from '../nats/stream-source.ts';
import { type ChangePlace, placeText } from '../wire/change-place.ts';
import { PublishedLines } from './published-lines.ts';
import { readPublished } from '../wire/published.ts';
import { parseChangeSubject } from '../wire/subjects.ts';

/** More devices than this are picked out here instead of by the hub. */
const FILTERED_DEVICES_MAX = 100;

/** Where an event stands: `sequence` in the stream, and `place`, which says in which stream as well. Watch from there to go on after it. */
interface Standing {
  readonly sequence: number;
  readonly place: string;
}

/** Something that became known. */
export type WatchEvent =
  | (ChangedBody<TwinDocument> & Standing & { readonly type: 'changed' })
  | (OutcomeBody & Standing & { readonly type: 'outcome' })
  /** The device is forgotten: nothing of it is there any more. */
  | (ForgottenBody & Standing & { readonly type: 'forgotten' })
  /**
   * What is not to be read any more: read the devices anew. Whoever watches was away for longer than the stream keeps (`from` to `to` cannot
   * be read), or, where `to` lies before `from`, the stream was made anew, or has lost its tail. `place` is where watching goes on.
   */
  | { readonly type: 'gone'; readonly from: number; readonly to: number; readonly place: string };

/** What to watch. */
export interface WatchOptions {
  /** Default: all. */
  readonly devices?: readonly string[];
  /**
   * Where to begin: behind the `place` of an event. Default: now. A `sequence` alone is taken too, and then nobody can tell that the
   * stream was made anew, or has lost its tail, if it has grown beyond that meanwhile.
   */
  readonly after?: string | number;
}

/** Events in the order of the stream. Iterate over it once; leaving the loop ends it. */
export interface Watch extends AsyncIterable<WatchEvent> {
  /** So many messages of the stream were passed over, because no version of Corral can have written them. */
  readonly unreadable: number;
  stop(): Promise<void>;
}

/** Begins to watch; what happens after it has resolved is not missed. */
export async function watchChanges(
  source: StreamSource,
  after: ChangePlace,
  devices: readonly string[] | null,
): Promise<Watch> {
  const queue = new EventQueue();
  const published = new PublishedLines();
  let unreadable = 0;
  const wanted = devices === null ? null : new Set(devices);
  const isFiltered = devices !== null && devices.length <= FILTERED_DEVICES_MAX;
  const reader = await openChanges({
    source,
    after,
    devices: isFiltered ? devices : null,
    onNotice: () => undefined,
    sink: {
      deliver: (batch, made) => {
        for (const message of batch) {
          const event = eventOf(message, made);
          if (event === null) unreadable += 1;
          if (event === null || published.has(event.partition, event.no)) continue;
          if (wanted === null || wanted.has(event.device)) queue.push(event);
        }
        return queue.drained();
      },
      hearing: () => undefined,
      gone: ({ from, to, made }) =>
        queue.push({ type: 'gone', from, to, place: placeText({ made, sequence: to }) }),
      ended: (cause) => queue.close(cause),
    },
  });
  const stop = async (): Promise<void> => {
    queue.close();
    await reader.stop();
  };
  return {
    stop,
    get unreadable() {
      return unreadable;
    },
    [Symbol.asyncIterator]: () => iterate(queue, stop),
  };
}

async function* iterate(
  queue: EventQueue,
  stop: () => Promise<void>,
): AsyncGenerator<WatchEvent, void, undefined> {
  try {
    for (let event = await queue.next(); event !== null; event = await queue.next()) yield event;
  } finally {
    await stop();
  }
}

function eventOf(
  { subject, sequence, storedAt, payload }: StreamMessage,
  made: string,
): Exclude<WatchEvent, { type: 'gone' }> | null {
  const where = parseChangeSubject(subject);
  const read = where === null ? null : readPublished(where, payload);
  if (read?.ok !== true) return null;
  const { published } = read;
  const standing = { sequence, place: placeText({ made, sequence, storedAt }) };
  switch (published.type) {
    case 'changed':
      return { ...published.body, ...standing, type: 'changed' };
    case 'outcome':
      return { ...published.body, ...standing, type: 'outcome' };
    case 'forgotten':
      return { ...published.body, ...standing, type: 'forgotten' };
  }
}

/** Events between the reader and the loop over them; the reader waits until they are taken. */
class EventQueue {
  #events: WatchEvent[] = [];
  #isClosed = false;
  #failure: unknown = undefined;
  #wakeTaker: () => void = () => undefined;
  #wakeReader: () => void = () => undefined;

  push(event: WatchEvent): void {
    this.#events.push(event);
    this.#wakeTaker();
  }

  /** The next event; `null` when the queue was closed. Throws when it was closed for a cause. */
  async next(): Promise<WatchEvent | null> {
    for (;;) {
      if (this.#failure !== undefined) throw new Error('watching has ended', { cause: this.#failure });
      if (this.#isClosed) return null;
      const event = this.#events.shift();
      if (event !== undefined) return event;
      this.#wakeReader();
      await new Promise<void>((resolve) => {
        this.#wakeTaker = resolve;
      });
    }
  }

  /** Resolves when all events were taken, or nobody takes them any more. */
  drained(): Promise<void> {
    if (this.#events.length === 0 || this.#isClosed) return Promise.resolve();
    return new Promise((resolve) => {
      this.#wakeReader = resolve;
    });
  }

  /** Nothing follows; with a `cause`, whoever takes the next event is told. */
  close(cause?: unknown): void {
    this.#failure = cause;
    this.#isClosed = true;
    this.#wakeTaker();
    this.#wakeReader();
  }
}
