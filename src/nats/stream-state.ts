/**
 * How far the streams of reports have got, and how full they are.
 */
import { type JetStreamManager, jetstreamManager } from '@nats-io/jetstream';
import { isReportStream } from '../wire/subjects.ts';
import type { HubConnection } from './connect.ts';

/** How long the hub may take to say it, ms. */
const ANSWER_MS = 1_000;

/** A stream as it stands. */
export interface StreamState {
  readonly stream: string;
  /** Which one of this name, by the time of its creation. */
  readonly made: string;
  /** The sequence of the oldest message that it holds. */
  readonly firstSequence: number;
  /** The sequence of its last message; 0 before there was one. */
  readonly lastSequence: number;
  readonly bytes: number;
  /** How many bytes it may have; `null` where nobody bounded it. */
  readonly bytesMax: number | null;
}

/** The streams of reports of the runtime's own account; `null` while the hub cannot be asked. */
export async function reportStreamStates(hub: HubConnection): Promise<readonly StreamState[] | null> {
  if (!hub.isConnected()) return null;
  try {
    const manager = await jetstreamManager(hub.nats, { checkAPI: false, timeout: ANSWER_MS });
    return await statesOf(manager, isReportStream);
  } catch {
    // It is away, or too busy to say: whoever asked learns that it is not known.
    return null;
  }
}

/** The streams of an account that are wanted. Rejects when it cannot be asked. */
export async function statesOf(
  manager: JetStreamManager,
  wants: (stream: string) => boolean,
): Promise<readonly StreamState[]> {
  const states: StreamState[] = [];
  for await (const { config, created: made, state } of manager.streams.list()) {
    if (!wants(config.name)) continue;
    const bytesMax = config.max_bytes > 0 ? config.max_bytes : null;
    const { first_seq: firstSequence, last_seq: lastSequence, bytes } = state;
    states.push({ stream: config.name, made, firstSequence, lastSequence, bytes, bytesMax });
  }
  return states;
}

/** Takes everything up to a sequence from a stream; resolves with how many messages that were. Rejects when the hub refuses. */
export async function purgeThrough(hub: HubConnection, stream: string, through: number): Promise<number> {
  const manager = await jetstreamManager(hub.nats, { checkAPI: false, timeout: ANSWER_MS });
  return (await manager.streams.purge(stream, { seq: through + 1 })).purged;
}

/** By stream, the sequence of its last message; `null` while the hub cannot be asked. */
export async function lastSequences(hub: HubConnection): Promise<ReadonlyMap<string, number> | null> {
  const states = await reportStreamStates(hub);
  return states && new Map(states.map(({ stream, lastSequence }) => [stream, lastSequence]));
}
