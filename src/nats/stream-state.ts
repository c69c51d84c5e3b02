/**
 * How far a stream has got.
 */
import { jetstreamManager } from '@nats-io/jetstream';
import type { HubConnection } from './connect.ts';

/** How long the hub may take to say it, ms. */
const ANSWER_MS = 1_000;

/** The sequence of the last message of a stream of the runtime's own account; `null` while the hub cannot be asked. */
export async function lastSequenceOf(hub: HubConnection, stream: string): Promise<number | null> {
  if (!hub.isConnected()) return null;
  try {
    const manager = await jetstreamManager(hub.nats, { checkAPI: false, timeout: ANSWER_MS });
    return (await manager.streams.info(stream)).state.last_seq;
  } catch {
    // It is away, or too busy to say: whoever asked learns that it is not known.
    return null;
  }
}
