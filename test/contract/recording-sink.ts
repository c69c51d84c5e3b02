/** A sink that keeps what a feed says, and lets a test wait for it. */
import type { Delivery, FeedSink } from '../../src/runtime/ports.ts';

/** Who waits in vain says so before the test is ended, ms. */
const PATIENCE_MS = 200_000;

/** What a feed said, in order. */
export type Said =
  | { readonly type: 'delivered'; readonly sequence: number }
  | { readonly type: 'hearing'; readonly isHearing: boolean }
  | { readonly type: 'gone'; readonly from: number; readonly to: number }
  | { readonly type: 'reads'; readonly stream: string }
  | { readonly type: 'read-through'; readonly stream: string };

export class RecordingSink implements FeedSink {
  readonly said: Said[] = [];
  readonly deliveries: Delivery[] = [];
  /** The streams that it said were there as reading began. */
  readonly opened: string[] = [];
  isHearing = false;
  /** Batches wait here while the test holds them. */
  #gate: Promise<void> = Promise.resolve();
  #release: () => void = () => undefined;
  #watchers = new Set<() => void>();

  async deliver(batch: readonly Delivery[]): Promise<void> {
    for (const delivery of batch) {
      this.deliveries.push(delivery);
      this.said.push({ type: 'delivered', sequence: delivery.sequence });
    }
    this.#tell();
    await this.#gate;
  }

  caughtUp(isHearing: boolean): void {
    this.isHearing = isHearing;
    this.said.push({ type: 'hearing', isHearing });
    this.#tell();
  }

  gap({ from, to }: { readonly from: number; readonly to: number }): void {
    this.said.push({ type: 'gone', from, to });
    this.#tell();
  }

  streamIdentified({ made }: Parameters<FeedSink['streamIdentified']>[0]): void {
    this.said.push({ type: 'reads', stream: made });
    this.#tell();
  }

  opens(streams: readonly string[]): void {
    this.opened.push(...streams);
    this.#tell();
  }

  readThrough(stream: string): void {
    this.said.push({ type: 'read-through', stream });
    this.#tell();
  }

  /** What it said about messages: delivered or gone. */
  get aboutMessages(): readonly Said[] {
    return this.said.filter(({ type }) => type === 'delivered' || type === 'gone');
  }

  /** The stream it said to read, at last. */
  get stream(): string {
    const last = this.said.findLast((one) => one.type === 'reads');
    if (last === undefined) throw new Error('it has not said which stream it reads');
    return last.stream;
  }

  /** From now on `deliver` does not resolve until `release`. */
  hold(): void {
    this.#gate = new Promise((resolve) => {
      this.#release = resolve;
    });
  }

  release(): void {
    this.#release();
    this.#gate = Promise.resolve();
  }

  /** Resolves when `holds()` does; fails with what was waited for and what was seen. */
  async until(what: string, holds: () => boolean): Promise<void> {
    if (holds()) return;
    await new Promise<void>((resolve, reject) => {
      const watcher = (): void => {
        if (!holds()) return;
        clearTimeout(timer);
        this.#watchers.delete(watcher);
        resolve();
      };
      const timer = setTimeout(() => {
        this.#watchers.delete(watcher);
        const last = JSON.stringify(this.said.slice(-5));
        reject(
          new Error(`waited for ${what}; saw ${String(this.deliveries.length)} deliveries, at last ${last}`),
        );
      }, PATIENCE_MS);
      this.#watchers.add(watcher);
    });
  }

  untilHearing(isHearing: boolean): Promise<void> {
    return this.until(`hearing ${String(isHearing)}`, () => this.isHearing === isHearing);
  }

  untilDelivered(count: number): Promise<void> {
    return this.until(`${String(count)} deliveries`, () => this.deliveries.length >= count);
  }

  get sequences(): readonly number[] {
    return this.deliveries.map(({ sequence }) => sequence);
  }

  #tell(): void {
    for (const watcher of [...this.#watchers]) watcher();
  }
}
