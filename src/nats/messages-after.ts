/** How many messages of a stream of reports lie after a sequence, for some partitions: the hub counts them. */
import { AckPolicy, DeliverPolicy, jetstreamManager } from '@nats-io/jetstream';
import { nanos } from '@nats-io/nats-core';
import type { Undecided } from '../runtime/undecided.ts';
import { PARTITIONS } from '../wire/partition.ts';
import { partitionReports } from '../wire/subjects.ts';
import type { HubConnection } from './connect.ts';

/** How long the hub may take to say it, ms. */
const ANSWER_MS = 1_000;
/** The hub forgets a consumer that could not be deleted after this, ms. */
const FORGOTTEN_MS = 5_000;

/**
 * A consumer is made for the count, reads nothing, and is deleted; none where all partitions are meant, since then every message
 * up to `last` counts. `null` while the hub cannot be asked.
 */
export async function messagesAfter(
  hub: HubConnection,
  { stream, after, partitions }: Undecided,
  last: number,
): Promise<number | null> {
  if (partitions.length === PARTITIONS) return Math.max(0, last - after);
  if (!hub.isConnected()) return null;
  try {
    const { consumers } = await jetstreamManager(hub.nats, { checkAPI: false, timeout: ANSWER_MS });
    const { name, num_pending: messages } = await consumers.add(stream, {
      ack_policy: AckPolicy.None,
      deliver_policy: DeliverPolicy.StartSequence,
      opt_start_seq: after + 1,
      filter_subjects: partitions.map(partitionReports),
      inactive_threshold: nanos(FORGOTTEN_MS),
      mem_storage: true,
      num_replicas: 1,
    });
    // Where that fails, the hub forgets it by itself.
    await consumers.delete(stream, name).catch(() => false);
    return messages;
  } catch {
    // It is away, or too busy to say: whoever asked learns that it is not known.
    return null;
  }
}
