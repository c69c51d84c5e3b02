/**
 * Removes consumers of CHANGES that would keep the hub busy without any reader. Whoever may read the stream may make them, and they stay
 * when he is cut off:
 *
 * - one that pushes. No reader can listen where the stream lies, but a server listens there itself (`$SYS.REQ.ACCOUNT.PING.CONNZ` and
 *   the like are in every account), and what is pushed to it is acknowledged by nobody;
 * - one that sends again what nobody acknowledges, faster than any reader needs. It may be asked for messages in the name of a service
 *   (`fleet.find` as the reply subject), which is there when its maker is not, so that each of them is one more request to a node.
 *
 * Several nodes may do so at once: what one has removed, another finds gone.
 */
import { AckPolicy, type ConsumerConfig, jetstreamManager } from '@nats-io/jetstream';
import { millis } from '@nats-io/nats-core';
import { STREAMS } from '../wire/subjects.ts';
import type { HubConnection } from './connect.ts';
import { JOURNAL_API } from './hub.ts';

/** A consumer that may send more messages again in a second is removed; by default one may send 1,000 again in 30 s. */
export const RESENDS_PER_SECOND_MAX = 1_000;
/** How often the consumers are looked at, ms: so long one that is to be removed lasts at most. */
const LOOK_EVERY_MS = 2_000;
/** How long the hub may take to answer, ms. */
const ANSWER_MS = 5_000;

/** Something an operator may want to know. */
export type ConsumerWatchNotice =
  /** Somebody who reads CHANGES made a consumer that nobody may have; it is gone. */
  | { readonly type: 'consumer-removed'; readonly consumer: string; readonly detail: string }
  /** It could not be removed; it is tried again. */
  | { readonly type: 'consumer-stays'; readonly consumer: string; readonly detail: string }
  /** The hub does not list the consumers, as one with a `nats.conf` of an earlier version: all of them stay. */
  | { readonly type: 'consumers-unknown'; readonly detail: string };

/** What removing takes. */
export interface ConsumerWatchOptions {
  readonly hub: HubConnection;
  readonly onNotice: (notice: ConsumerWatchNotice) => void;
}

/** See the head of this file. */
export class ConsumerWatch {
  readonly #options: ConsumerWatchOptions;
  /** Why the consumers could not be listed, as it was said last; `null` while they can be. */
  #unknown: string | null = null;
  #timer: NodeJS.Timeout | null = null;
  #looking: Promise<void> = Promise.resolve();
  #isStopped = false;

  constructor(options: ConsumerWatchOptions) {
    this.#options = options;
  }

  start(): void {
    const again = (): void => {
      this.#looking = this.#look().finally(() => {
        if (!this.#isStopped) this.#timer = setTimeout(again, LOOK_EVERY_MS);
      });
    };
    again();
  }

  /** Ends looking; resolves when the last look has. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    await this.#looking;
  }

  async #look(): Promise<void> {
    const { hub, onNotice } = this.#options;
    if (!hub.isConnected()) return;
    try {
      const options = { checkAPI: false, apiPrefix: JOURNAL_API, timeout: ANSWER_MS };
      const { consumers } = await jetstreamManager(hub.nats, options);
      for await (const { name: consumer, config } of consumers.list(STREAMS.changes.name)) {
        const flaw = consumerFlaw(config);
        if (flaw === null || this.#isStopped) continue;
        try {
          await consumers.delete(STREAMS.changes.name, consumer);
          onNotice({ type: 'consumer-removed', consumer, detail: flaw });
        } catch (error) {
          onNotice({ type: 'consumer-stays', consumer, detail: `${flaw}; ${messageOf(error)}` });
        }
      }
      this.#unknown = null;
    } catch (error) {
      const detail = messageOf(error);
      if (this.#unknown !== detail) onNotice({ type: 'consumers-unknown', detail });
      this.#unknown = detail;
    }
  }
}

/** Why nobody may have a consumer, as the hub tells of it, in a sentence; `null` where somebody may. */
export function consumerFlaw({
  deliver_subject: deliverSubject,
  ack_policy: ackPolicy,
  ack_wait: ackWait = 0,
  backoff = [],
  max_ack_pending: pending = 0,
  max_deliver: deliveries = 0,
}: ConsumerConfig): string | null {
  if (deliverSubject !== undefined)
    return `it pushes to ${deliverSubject}, where no reader can listen: a reader pulls`;
  if (ackPolicy === AckPolicy.None || deliveries === 1) return null;
  const againMs = millis(Math.min(ackWait, ...backoff));
  if (pending > 0 && (pending * 1_000) / againMs <= RESENDS_PER_SECOND_MAX) return null;
  const most = pending > 0 ? String(pending) : 'any number of';
  return `it may send ${most} messages again after ${String(againMs)} ms: at most ${String(RESENDS_PER_SECOND_MAX)} a second are taken`;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
