/**
 * Changes as they are written to readers of events: made once for all readers who are handed the same list of them.
 */
import type { FastifyBaseLogger } from 'fastify';
import { writeEvent } from '../telemetry/log-events.ts';
import type { PublishedChange } from '../runtime/change-feed.ts';
import { changeEvent } from './change-view.ts';
import type { HttpContext } from './context.ts';
import { eventText } from './event-stream.ts';

/** What making them takes. */
export interface EventTextsOptions {
  readonly counters: Pick<HttpContext['counters'], 'changesUnreadable'>;
  readonly log: FastifyBaseLogger;
}

/** See the head of this file. */
export class EventTexts {
  readonly #options: EventTextsOptions;
  /** As long as the list is kept by somebody. */
  readonly #known = new WeakMap<readonly PublishedChange[], Buffer>();

  constructor(options: EventTextsOptions) {
    this.#options = options;
  }

  /** Of all these changes, one after the other. */
  of(changes: readonly PublishedChange[]): Buffer {
    let text = this.#known.get(changes);
    if (text === undefined) {
      text = Buffer.from(changes.map((change) => this.#textOf(change)).join(''));
      this.#known.set(changes, text);
    }
    return text;
  }

  /** What does not belong into the stream is passed over: a reader that was sent away for it would come back to it for ever. */
  #textOf(change: PublishedChange): string {
    const event = changeEvent(change);
    if (event !== null) return eventText(event);
    const { sequence, type, device } = change;
    this.#options.counters.changesUnreadable.inc();
    writeEvent(this.#options.log, 'change-unreadable', { sequence, type, device });
    return '';
  }
}
