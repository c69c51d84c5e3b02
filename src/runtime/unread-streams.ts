/**
 * Which streams hold something that was stored before the partitions were taken and is not decided yet. The store may have been set back, so
 * that it does not know what was commanded since; the streams do, in what devices said of it. So nothing new is begun with a device before
 * the stream of its site was read to where it ended then.
 *
 * Invariants:
 * I1  before the feed has said what streams there are, all of them are unread.
 * I2  a stream that was read through stays so for as long as the partitions are held.
 */
import { siteStream } from '../wire/subjects.ts';

/** Of one host: begins with everything unread. */
export class UnreadStreams {
  #openedAt: number | null = null;
  readonly #unread = new Set<string>();
  readonly #readAt = new Map<string, number>();

  /** Reading begins: these streams are there. One that is made later held nothing then. */
  open(streams: readonly string[], now: number): void {
    if (this.#openedAt !== null) return;
    this.#openedAt = now;
    for (const stream of streams) this.#unread.add(stream);
  }

  /** What it held when reading began is decided. */
  readThrough(stream: string, now: number): void {
    if (this.#unread.delete(stream)) this.#readAt.set(stream, now);
  }

  /** Since when that is so of the stream of a site, ms epoch; `null` while it is not. */
  readThroughAt(site: string): number | null {
    const stream = siteStream(site);
    return this.#unread.has(stream) ? null : (this.#readAt.get(stream) ?? this.#openedAt);
  }

  /** Why nothing but a report may be asked of the devices of a site, as a sentence; `null` when there is nothing about it. */
  problemWith(site: string): string | null {
    if (this.readThroughAt(site) !== null) return null;
    return `what the hub had stored of the site ${site} when this node took the partition is not read yet`;
  }
}
