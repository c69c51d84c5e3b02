/**
 * Publishes committed journal lines to their streams, in order, and knows how far it got. Lines whose publication was not
 * confirmed before a crash are published again by the next owner under the same id, which the stream drops if it has them. So whoever
 * owns the partitions no more leaves them to it.
 *
 * Invariants:
 * I1  a line is published only after its commit.
 * I2  a partition's `published` moves only over lines the stream has confirmed, in order.
 * I3  once it is stopped nothing is handed to the bus, and what was and is not confirmed is not sent again.
 */
import type { Kind } from '../../machines/kind.ts';
import { twinDocument } from '../../actors/document.ts';
import { encodeChanged, encodeDeadLetter, encodeForgotten, encodeOutcome } from '../wire/reply.ts';
import { deadLetter, twinChanged, twinOutcome } from '../wire/subjects.ts';
import type { WrittenEntry } from './batch.ts';
import type { PartitionState } from './partition-state.ts';
import type { Bus, Publication } from './ports.ts';
import type { Traces } from './traces.ts';

/** What a publisher is given. */
export interface PublisherOptions {
  readonly bus: Bus;
  readonly partitions: ReadonlyMap<number, PartitionState>;
  readonly kindNamed: (name: string) => Kind | undefined;
  readonly serverErrorMs: number;
  readonly backlogMax: number;
  readonly traces: Traces;
}

/** Publishes one host's journal lines, one batch after another. */
export class Publisher {
  readonly #options: PublisherOptions;
  #backlog = 0;
  #isBroken = false;
  readonly #ending = new AbortController();
  #tail: Promise<void> = Promise.resolve();

  constructor(options: PublisherOptions) {
    this.#options = options;
  }

  /** Publishes lines after all those before; once it is stopped, none. */
  publish(entries: readonly WrittenEntry[]): void {
    if (entries.length === 0 || this.#ending.signal.aborted) return;
    const messages = entries.map((written) => this.#message(written));
    this.#backlog += entries.length;
    this.#tail = this.#tail.then(() => this.#publishNow(messages, entries));
  }

  /** Resolves when so few lines wait that more may be decided. */
  async room(): Promise<void> {
    while (this.#backlog > this.#options.backlogMax) await this.#tail;
  }

  /** Resolves when everything handed over was confirmed or given up. */
  async drained(): Promise<void> {
    await this.#tail;
  }

  /** Gives up what is not confirmed: the partitions' next owner publishes it, before lines of its own. */
  stop(): void {
    this.#ending.abort();
  }

  /** A bus that was stopped rejects, as for a publisher that was: from there on nothing counts as published, and the next owner publishes it. */
  async #publishNow(messages: readonly Publication[], entries: readonly WrittenEntry[]): Promise<void> {
    try {
      if (!this.#isBroken) await this.#options.bus.publish(messages, this.#ending.signal);
    } catch {
      this.#isBroken = true;
    }
    this.#backlog -= entries.length;
    if (this.#isBroken) return;
    for (const { journalEntry } of entries) {
      const state = this.#options.partitions.get(journalEntry.partition);
      if (state !== undefined) state.published = Math.max(state.published, journalEntry.no);
    }
  }

  #message({ journalEntry, twin, commandId }: WrittenEntry): Publication {
    const { traces } = this.#options;
    const id = `${String(journalEntry.partition)}-${String(journalEntry.no)}`;
    switch (journalEntry.type) {
      case 'transition': {
        const { device, recordedAt } = journalEntry.transition;
        const kind = twin === null ? undefined : this.#options.kindNamed(twin.kind);
        const document =
          twin === null || kind === undefined
            ? { device }
            : twinDocument({ twin, kind, now: recordedAt, serverErrorMs: this.#options.serverErrorMs });
        const payload = encodeChanged(journalEntry, document, 'json');
        return { subject: twinChanged(device), id, payload, trace: traces.of(device, commandId) };
      }
      case 'outcome': {
        const { device } = journalEntry.entry;
        const payload = encodeOutcome(journalEntry, 'json');
        return { subject: twinOutcome(device), id, payload, trace: traces.of(device, commandId) };
      }
      case 'dead-letter': {
        const subject = deadLetter(journalEntry.deadLetter.reason, journalEntry.partition);
        return { subject, id, payload: encodeDeadLetter(journalEntry, 'json'), trace: null };
      }
      case 'forgotten': {
        const subject = twinChanged(journalEntry.forgetting.device);
        return { subject, id, payload: encodeForgotten(journalEntry, 'json'), trace: null };
      }
    }
  }
}
