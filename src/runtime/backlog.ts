/**
 * Messages that were set aside while others waited: the buffers that devices empty after an outage. Each is read from the stream
 * again, the oldest first, and takes its place in the mailbox behind what waits there by then. So a thousand devices that
 * come back at once do not keep anybody from being heard, and go on while everybody is heard.
 *
 * Invariants:
 * I1  a message up to a partition's position is decided, or in its backlog; both are committed together.
 * I2  what is read of all backlogs and not decided is at most one message longer than HELD_BYTES_MAX.
 */
import type { PartitionState } from './partition-state.ts';
import type { Clock, Delivery, FeedReading } from './ports.ts';

/** A message of a backlog, as it was read again; `delivery` is `null` when the stream no longer holds it. */
export interface SetAside {
  readonly type: 'set-aside';
  readonly partition: number;
  readonly sequence: number;
  readonly delivery: Delivery | null;
}

/** What the reader of backlogs is given. */
export interface BacklogOptions {
  readonly clock: Clock;
  readonly partitions: ReadonlyMap<number, PartitionState>;
  readonly read: FeedReading['read'];
  readonly offer: (work: SetAside) => void;
}

/** As much waits in the mailbox that small messages share commits, and live devices wait for one large one at most. */
const HELD_BYTES_MAX = 256 * 1024;
/** Before a hub that did not answer is asked again, ms. */
const RETRY_MS = 500;

/** Reads the backlogs of one host. */
export class BacklogReader {
  readonly #options: BacklogOptions;
  /** Sequences that are offered and not taken. */
  readonly #offered = new Set<number>();
  #heldBytes = 0;
  #isReading = false;
  #isStopped = false;

  constructor(options: BacklogOptions) {
    this.#options = options;
  }

  /** Reads what may be read: call it whenever something was set aside or taken. */
  proceed(): void {
    if (this.#isReading || this.#isStopped) return;
    this.#isReading = true;
    void this.#readOn();
  }

  /** What was offered has been taken from the mailbox. */
  taken({ sequence, delivery }: SetAside): void {
    this.#offered.delete(sequence);
    this.#heldBytes -= delivery?.payload.length ?? 0;
  }

  stop(): void {
    this.#isStopped = true;
  }

  async #readOn(): Promise<void> {
    try {
      for (let next = this.#oldest(); next !== null && !this.#isStopped; next = this.#oldest()) {
        const delivery = await this.#options.read(next.sequence);
        this.#offered.add(next.sequence);
        this.#heldBytes += delivery?.payload.length ?? 0;
        this.#options.offer({ type: 'set-aside', ...next, delivery });
      }
      this.#isReading = false;
    } catch {
      // The hub is away, or the connection to it: what is set aside waits.
      this.#options.clock.after(RETRY_MS, () => {
        this.#isReading = false;
        this.proceed();
      });
    }
  }

  /** The message that is to be read next; `null` when there is none, or enough is held. */
  #oldest(): { readonly partition: number; readonly sequence: number } | null {
    if (this.#heldBytes >= HELD_BYTES_MAX) return null;
    let oldest: { readonly partition: number; readonly sequence: number } | null = null;
    for (const { partition, backlog } of this.#options.partitions.values()) {
      const sequence = backlog.find((candidate) => !this.#offered.has(candidate));
      if (sequence !== undefined && sequence < (oldest?.sequence ?? Infinity))
        oldest = { partition, sequence };
    }
    return oldest;
  }
}
