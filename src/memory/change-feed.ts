/**
 * The change feed on the hub in memory.
 */
import type { ChangeFeed, ChangeSink, PublishedChange } from '../runtime/change-feed.ts';
import { parseChangeSubject } from '../wire/subjects.ts';
import type { MemoryHub } from './hub.ts';
import type { StoredMessage } from './message-stream.ts';

/** How many changes are delivered at once, at most. */
const BATCH = 100;

/** Follows the changes of a hub. */
export class MemoryChangeFeed implements ChangeFeed {
  readonly #hub: MemoryHub;

  constructor(hub: MemoryHub) {
    this.#hub = hub;
  }

  async last(): ReturnType<ChangeFeed['last']> {
    const { name: made, lastSequence: sequence } = this.#hub.changes;
    return { made, sequence, storedAt: this.#hub.changes.at(sequence)?.storedAt };
  }

  async open(options: Parameters<ChangeFeed['open']>[0]): ReturnType<ChangeFeed['open']> {
    const reader = new Reader(this.#hub, options);
    return { stop: () => reader.stop() };
  }
}

/** Reads for one sink. */
class Reader {
  readonly #changes: MemoryHub['changes'];
  readonly #device: string | null;
  readonly #sink: ChangeSink;
  readonly #unlisten: () => void;
  #made: string | null;
  #next: number;
  /** When the message before that was stored; `undefined` where none was read. */
  #storedAt: number | undefined;
  #isStopped = false;
  #reading: Promise<void> | null = null;

  constructor(hub: MemoryHub, { after, device, sink }: Parameters<ChangeFeed['open']>[0]) {
    this.#changes = hub.changes;
    this.#device = device;
    this.#sink = sink;
    this.#made = after.made;
    this.#next = after.sequence + 1;
    this.#storedAt = after.storedAt;
    this.#unlisten = hub.changes.onAppend(() => this.#read());
    sink.hearing(true);
    this.#read();
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#unlisten();
    await this.#reading;
  }

  #read(): void {
    this.#reading ??= Promise.resolve()
      .then(() => this.#readOn())
      .catch((cause: unknown) => {
        const wasStopped = this.#isStopped;
        this.#isStopped = true;
        this.#unlisten();
        if (!wasStopped) this.#sink.ended(cause);
      })
      .finally(() => (this.#reading = null));
  }

  async #readOn(): Promise<void> {
    for (;;) {
      if (this.#isStopped) return;
      const made = this.#findPosition();
      if (this.#next > this.#changes.lastSequence) return;
      const from = this.#next - this.#changes.firstSequence;
      const batch = this.#changes.messages.slice(from, from + BATCH);
      this.#next += batch.length;
      this.#storedAt = batch.at(-1)?.storedAt;
      const wanted = batch.flatMap((message) => this.#changeOf(message, made));
      if (wanted.length > 0) await this.#sink.deliver(wanted);
    }
  }

  /** Finds out whether the stream still holds what comes next, has lost its tail, or is another stream of the same name. */
  #findPosition(): string {
    const { name, firstSequence, lastSequence } = this.#changes;
    const from = this.#next;
    const isShorter = from > lastSequence + 1;
    const isAnew = this.#made === null ? isShorter : this.#made !== name;
    this.#made = name;
    if (isAnew || from < firstSequence) this.#skip({ from, to: firstSequence - 1 });
    else if (isShorter || this.#isOther())
      this.#skip({ from, to: this.#lastBefore(this.#storedAt ?? Infinity), isTail: true });
    return name;
  }

  /** Another message stands where the last that was read stood. */
  #isOther(): boolean {
    const standing = this.#changes.at(this.#next - 1);
    return standing !== undefined && this.#storedAt !== undefined && standing.storedAt !== this.#storedAt;
  }

  /** The sequence of the last message that is not younger. */
  #lastBefore(storedAt: number): number {
    const { messages, lastSequence } = this.#changes;
    const since = messages.find((message) => message.storedAt > storedAt);
    return (since?.sequence ?? lastSequence + 1) - 1;
  }

  #skip(range: { readonly from: number; readonly to: number; readonly isTail?: true }): void {
    this.#next = range.to + 1;
    this.#storedAt = undefined;
    this.#sink.gone({ ...range, made: this.#changes.name });
  }

  #changeOf({ sequence, storedAt, subject, payload }: StoredMessage, made: string): PublishedChange[] {
    const what = parseChangeSubject(subject);
    if (what === null || (this.#device !== null && what.device !== this.#device)) return [];
    return [{ ...what, made, sequence, storedAt, payload: payload.slice() }];
  }
}
