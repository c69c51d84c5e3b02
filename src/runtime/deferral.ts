/**
 * Which messages wait although it is their turn: the present before the past, and nobody more often than a twin can follow.
 */
import type { Twin } from '../../actors/twin.ts';
import { announcesList } from '../wire/codec.ts';
import { canBeSetAside } from './backlog.ts';
import type { RuntimeLimits } from './limits.ts';
import type { DeliveryWork } from './mailbox.ts';
import type { PartitionState } from './partition-state.ts';
import type { Delivery } from './ports.ts';

/** How often the time between two reports that are heard of a device above its rate doubles, until it has as many ranges as it may. */
const DOUBLINGS = 8;

/** What deciding that takes. */
export interface DeferralOptions {
  readonly limits: RuntimeLimits;
  /** Whether something waits behind what is decided now. */
  readonly isMailboxBusy: () => boolean;
  /** The twin of a device that has one or is registered; an error for one that broke in the store. */
  readonly known: (partition: PartitionState, device: string) => Twin | Error | undefined;
}

/** See the head of this file. */
export class Deferral {
  readonly #options: DeferralOptions;

  constructor(options: DeferralOptions) {
    this.#options = options;
  }

  /** Whether the next message of a partition is to be set aside. */
  waits(partition: PartitionState, { delivery, isAboveRate }: DeliveryWork): boolean {
    return this.#wouldLeaveHoles(partition, delivery, isAboveRate) || this.#isBuffer(partition, delivery);
  }

  /**
   * Behind what is set aside of its device, where hearing it would leave one hole too many in what its twin has seen: each is kept
   * until it is filled, and a twin keeps some. So a device above its rate is heard the more rarely the more of them there are.
   */
  #wouldLeaveHoles({ backlog }: PartitionState, delivery: Delivery, isAboveRate: boolean): boolean {
    if (!backlog.isGrowing(delivery)) return false;
    const { deviceRangesMax, newestEveryMs } = this.#options.limits;
    const ranges = backlog.rangesOf(delivery);
    if (ranges >= deviceRangesMax) return true;
    if (!isAboveRate && ranges <= deviceRangesMax / 2) return false;
    const everyMs = newestEveryMs * 2 ** Math.floor((ranges * DOUBLINGS) / deviceRangesMax);
    return Math.abs(delivery.receivedAt - backlog.passedAt(delivery)) < everyMs;
  }

  /** A buffer of a device of which nothing is awaited, promised or doubted: it only fills history. */
  #isBuffer(partition: PartitionState, delivery: Delivery): boolean {
    const { payload, device } = delivery;
    const { limits, isMailboxBusy, known } = this.#options;
    if (payload.length < limits.backlogBytesMin || !announcesList(payload)) return false;
    if (!this.#hasRoomFor(partition, delivery) || !isMailboxBusy()) return false;
    if (!canBeSetAside(delivery)) return false;
    const twin = known(partition, device);
    return twin === undefined || (!(twin instanceof Error) && hasNoObligations(twin));
  }

  #hasRoomFor({ backlog }: PartitionState, delivery: Delivery): boolean {
    const { backlogRangesMax, deviceRangesMax } = this.#options.limits;
    if (backlog.isGrowing(delivery)) return true;
    return backlog.size < backlogRangesMax && backlog.rangesOf(delivery) < deviceRangesMax;
  }
}

/** Nothing that it said before could decide anything. */
function hasNoObligations({ open, waiting, hold, suspicions }: Twin): boolean {
  return open.length === 0 && waiting.length === 0 && hold === null && suspicions.length === 0;
}
