/**
 * Judges what the feed delivers before it waits anywhere: what is above the rates of its device or site takes no room in the mailbox,
 * so that it does not stop the feed, and nobody waits behind it.
 */
import { canBeSetAside } from './backlog.ts';
import type { RuntimeLimits } from './limits.ts';
import type { PartitionState } from './partition-state.ts';
import type { Delivery, GoneRange } from './ports.ts';
import { Rates, type Verdict } from './rates.ts';

/** What judging takes. */
export interface IntakeOptions {
  readonly limits: RuntimeLimits;
  readonly partitions: ReadonlyMap<number, PartitionState>;
}

/** The way in of one host. */
export class Intake {
  readonly #options: IntakeOptions;
  readonly #rates: Rates;
  /** What was decided or set aside when the host began: it is delivered again where another partition is not so far. */
  readonly #doneTo = new Map<string, Map<number, number>>();

  constructor(options: IntakeOptions) {
    this.#options = options;
    this.#rates = new Rates(options.limits);
  }

  /** Whether somebody says, or said a moment before `at`, ms epoch, more than he may. */
  isSomebodyLoud(at: number): boolean {
    return this.#rates.isSomebodyLoud(at);
  }

  /** Judges the next message of the stream; for `isCrowded` see `Rates.judge`. */
  judge(delivery: Delivery, isCrowded = false): Verdict {
    const partition = this.#options.partitions.get(delivery.partition);
    if (partition === undefined || delivery.sequence <= this.#doneToIn(partition, delivery.stream))
      return 'in-turn';
    const verdict = this.#rates.judge(delivery, isCrowded);
    return verdict === 'above' && !this.#canDefer(partition, delivery) ? 'in-turn' : verdict;
  }

  /** The stream was made anew and counts from there again, or what comes next of it is gone. */
  skip({ stream, from, to }: GoneRange): void {
    if (to >= from - 1) return;
    for (const partition of this.#options.partitions.values()) {
      const doneTo = Math.min(this.#doneToIn(partition, stream), to);
      this.#doneTo.get(stream)?.set(partition.partition, doneTo);
    }
  }

  /** Where the partition stood in a stream when the host first saw anything of that: it is asked before anything of it is decided. */
  #doneToIn({ partition, positions }: PartitionState, stream: string): number {
    let ofStream = this.#doneTo.get(stream);
    if (ofStream === undefined) this.#doneTo.set(stream, (ofStream = new Map<number, number>()));
    let doneTo = ofStream.get(partition);
    if (doneTo === undefined) ofStream.set(partition, (doneTo = positions.of(stream)));
    return doneTo;
  }

  /** What has a place to wait in; for the rest there is none, so it is decided. */
  #canDefer({ backlog }: PartitionState, delivery: Delivery): boolean {
    if (!canBeSetAside(delivery)) return false;
    return backlog.rangesOf(delivery) > 0 || backlog.size < this.#options.limits.backlogRangesMax;
  }
}
