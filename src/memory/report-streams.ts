/**
 * The streams of reports of the hub in memory: one for each site, made when it is first asked for.
 */
import { siteStream } from '../wire/subjects.ts';
import { MessageStream } from './message-stream.ts';

/** For how long a stream of reports remembers ids, ms: as long as those of a real hub. */
const DUPLICATE_WINDOW_MS = 100;

/** See the head of this file. */
export class ReportStreams {
  readonly #streams = new Map<string, MessageStream>();
  readonly #listeners = new Set<() => void>();

  /** The stream of a site. */
  of(site: string): MessageStream {
    const name = siteStream(site);
    const known = this.#streams.get(name);
    if (known !== undefined) return known;
    const stream = new MessageStream({ duplicateWindowMs: DUPLICATE_WINDOW_MS });
    stream.onAppend(() => {
      for (const listener of [...this.#listeners]) listener();
    });
    this.#streams.set(name, stream);
    return stream;
  }

  /** A stream by its name. */
  named(name: string): MessageStream | undefined {
    return this.#streams.get(name);
  }

  /** All there are, by their names. */
  get all(): Iterable<readonly [string, MessageStream]> {
    return this.#streams;
  }

  /** Calls `listener` after each message that is stored in any of them, until the returned function is called. */
  onAppend(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }
}
