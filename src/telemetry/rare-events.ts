/**
 * Log lines about what may happen ten thousand times a second: the first at once, and then one a while, with how many there were.
 * Whoever makes them happen must not fill the disk with them.
 */
import type { Logger } from 'pino';
import { type LogEventId, writeEvent } from './log-events.ts';
import type { Clock } from '../runtime/ports.ts';

/** Between two lines of the same kind about the same site, ms. */
const EVERY_MS = 60_000;
/** Sites that are told apart; beyond them those that were told of longest ago begin anew. */
const SITES_MAX = 1_000;

/** Lines of one node, by what they say and by site. */
export class RareLines {
  readonly #log: Logger;
  readonly #clock: Clock;
  readonly #last = new Map<string, { at: number; since: number }>();

  constructor(log: Logger, clock: Clock) {
    this.#log = log;
    this.#clock = clock;
  }

  /** So many things happened at a site; `fields` tell of the last. */
  note(event: LogEventId, site: string, count: number, fields: Readonly<Record<string, unknown>>): void {
    const key = `${event} ${site}`;
    const at = this.#clock.monotonic();
    const known = this.#last.get(key);
    if (known !== undefined && at - known.at < EVERY_MS) {
      known.since += count;
      return;
    }
    writeEvent(this.#log, event, { site, ...fields, messages: count + (known?.since ?? 0) });
    this.#last.delete(key);
    this.#last.set(key, { at, since: 0 });
    for (const oldest of this.#last.keys()) {
      if (this.#last.size <= SITES_MAX) break;
      this.#last.delete(oldest);
    }
  }
}
