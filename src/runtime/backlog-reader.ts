/**
 * Reads what was set aside again from the stream, and puts it into the mailbox behind what waits there by then: a little of one
 * device, then of the next. So a thousand devices that come back at once do not keep anybody from being heard, one that says far
 * too much keeps none of them waiting, and all go on while everybody is heard.
 *
 * Invariants:
 * I1  of a device everything is offered in the order of the stream, and once.
 * I2  what is read of all backlogs and not decided is at most HELD_MESSAGES_MAX, and one message longer than HELD_BYTES_MAX.
 */
import type { OpenRange } from './backlog.ts';
import type { HubDates } from './hub-dates.ts';
import type { PartitionState } from './partition-state.ts';
import type { Clock, Delivery, FeedReading } from './ports.ts';

/** A range of a backlog was read up to `through`: there stands a message, or nothing that the stream still holds. */
export interface SetAside {
  readonly type: 'set-aside';
  readonly partition: number;
  readonly range: OpenRange;
  readonly through: number;
  readonly delivery: Delivery | null;
}

/** What the reader of backlogs is given. */
export interface BacklogOptions {
  readonly clock: Clock;
  readonly partitions: ReadonlyMap<number, PartitionState>;
  readonly read: FeedReading['read'];
  readonly dates: Pick<HubDates, 'receivedAgain'>;
  readonly offer: (work: SetAside) => void;
  /** Whether somebody says more than he may. */
  readonly isSomebodyLoud: () => boolean;
}

/** As much waits in the mailbox that small messages share commits, and live devices wait for one large one at most. */
const HELD_BYTES_MAX = 256 * 1024;
/** The same for their number: live devices wait for a fraction of a batch. */
const HELD_MESSAGES_MAX = 500;
/** A round of deciding and committing that takes longer keeps live devices waiting, ms: then the past has to wait longer. */
const BUSY_ROUND_MS = 100;
/** What is held of all backlogs while rounds take that long. */
const BUSY_MESSAGES_MAX = 200;
/** While somebody says too much, a round that takes longer keeps live devices waiting, ms. */
const LOUD_ROUND_MS = 5;
/** What is held of all backlogs then. */
const LOUD_MESSAGES_MAX = 20;
/** And the pause between two questions to the hub, ms: what was set aside because of him must not become the next flood. */
const LOUD_PAUSE_MS = 100;
/** Before a hub that did not answer is asked again, ms. */
const RETRY_MS = 500;

/** A range, and the partition it is of. */
interface Place {
  readonly partition: number;
  readonly range: OpenRange;
}

/** Reads the backlogs of one host. */
export class BacklogReader {
  readonly #options: BacklogOptions;
  /** How far a range has been read, which is further than it has been decided. */
  readonly #readThrough = new WeakMap<OpenRange, number>();
  /** Of each device with something to read, what comes next; the first is read next. */
  #round: Place[] = [];
  #messagesMax = HELD_MESSAGES_MAX;
  /** Rounds take long while somebody says too much. */
  #isLoud = false;
  #heldMessages = 0;
  #heldBytes = 0;
  #isReading = false;
  #isStopped = false;

  constructor(options: BacklogOptions) {
    this.#options = options;
  }

  /** Reads what may be read: call it whenever something was set aside or taken, with what the last round took, ms. */
  proceed(roundMs: number): void {
    this.#isLoud = roundMs > LOUD_ROUND_MS && this.#options.isSomebodyLoud();
    const most = roundMs > BUSY_ROUND_MS ? BUSY_MESSAGES_MAX : HELD_MESSAGES_MAX;
    this.#messagesMax = this.#isLoud ? LOUD_MESSAGES_MAX : most;
    this.#proceed();
  }

  #proceed(): void {
    if (this.#isReading || this.#isStopped) return;
    this.#isReading = true;
    void this.#readOn();
  }

  /** What was offered has been taken from the mailbox. */
  taken({ delivery }: SetAside): void {
    if (delivery === null) return;
    this.#heldMessages -= 1;
    this.#heldBytes -= delivery.payload.length;
  }

  stop(): void {
    this.#isStopped = true;
  }

  async #readOn(): Promise<void> {
    try {
      for (let next = this.#next(); next !== null && !this.#isStopped; next = this.#next()) {
        await this.#read(next);
        if (this.#isLoud) await this.#pause();
      }
      this.#isReading = false;
    } catch {
      // The hub is away, or the connection to it: what is set aside waits.
      this.#options.clock.after(RETRY_MS, () => {
        this.#isReading = false;
        this.#proceed();
      });
    }
  }

  #pause(): Promise<void> {
    return new Promise((resolve) => void this.#options.clock.after(LOUD_PAUSE_MS, resolve));
  }

  async #read({ partition, range }: Place): Promise<void> {
    const { stream, site, device, to } = range;
    const { deliveries, through } = await this.#options.read(
      { partition, stream, site, device, from: this.#unread(range), to },
      { messages: this.#messagesMax - this.#heldMessages, bytes: HELD_BYTES_MAX - this.#heldBytes },
    );
    this.#readThrough.set(range, through);
    const offer = (at: number, delivery: Delivery | null): void =>
      this.#options.offer({ type: 'set-aside', partition, range, through: at, delivery });
    for (const delivery of deliveries) {
      this.#heldMessages += 1;
      this.#heldBytes += delivery.payload.length;
      offer(delivery.sequence, this.#options.dates.receivedAgain(delivery));
    }
    if (through > (deliveries.at(-1)?.sequence ?? -1)) offer(through, null);
  }

  /** What is to be read next; `null` when there is nothing, or enough is held. */
  #next(): Place | null {
    if (this.#heldBytes >= HELD_BYTES_MAX || this.#heldMessages >= this.#messagesMax) return null;
    if (this.#round.length === 0) this.#round = this.#newRound();
    for (let next = this.#round.shift(); next !== undefined; next = this.#round.shift()) {
      const { partition, range } = next;
      const isThere = this.#options.partitions.get(partition)?.backlog.has(range) === true;
      if (isThere && this.#unread(range) <= range.to) return next;
      if (this.#round.length === 0) this.#round = this.#newRound();
    }
    return null;
  }

  /** Something of each device that has something to read, what came first at the head. */
  #newRound(): Place[] {
    const round: Place[] = [];
    for (const { partition, backlog } of this.#options.partitions.values()) {
      for (const ranges of backlog.byDevice()) {
        for (const range of ranges) {
          if (this.#unread(range) > range.to) continue;
          round.push({ partition, range });
          break;
        }
      }
    }
    return round.sort((a, b) => this.#unread(a.range) - this.#unread(b.range));
  }

  #unread(range: OpenRange): number {
    return Math.max(range.from, (this.#readThrough.get(range) ?? -1) + 1);
  }
}
