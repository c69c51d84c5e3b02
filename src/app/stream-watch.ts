/**
 * Watches how full the streams of sites are. Above a share it is said which, and what every partition has committed is taken from
 * the stream, so that a site that fills its bound within days is not refused for days. What is not committed stays: then the site is
 * refused alone, and its devices keep what they have to say.
 *
 * Several nodes may do so at once: what one has taken, another finds gone.
 */
import type { Logger } from 'pino';
import { writeEvent } from '../telemetry/log-events.ts';
import type { HubConnection } from '../nats/connect.ts';
import { purgeThrough, reportStreamStates, type StreamState } from '../nats/stream-state.ts';
import type { FleetReader } from '../history/ports.ts';
import { committedThrough } from '../runtime/committed-through.ts';
import type { Node } from '../runtime/node.ts';

/** Above this share of its bytes a stream is called full, and trimmed. */
export const FULL_SHARE = 0.7;
/** Down to about this share: what is left is at hand for whoever looks at the bytes of dead letters. */
export const TRIMMED_SHARE = 0.5;
/** How often the streams are looked at, ms: a site that fills the last third of its stream within that is refused for as long. */
const LOOK_EVERY_MS = 2_000;

/** What watching takes. */
export interface StreamWatchOptions {
  readonly hub: HubConnection;
  readonly store: Pick<FleetReader, 'leases'>;
  readonly node: Pick<Node, 'settle'>;
  readonly log: Logger;
}

/** See the head of this file. */
export class StreamWatch {
  readonly #options: StreamWatchOptions;
  #states: readonly StreamState[] = [];
  readonly #full = new Set<string>();
  #timer: NodeJS.Timeout | null = null;
  #looking: Promise<void> = Promise.resolve();
  #isStopped = false;

  constructor(options: StreamWatchOptions) {
    this.#options = options;
  }

  /** Streams that have a bound, as they stood when they were looked at last, with the share of it that they take. */
  get shares(): readonly { readonly stream: string; readonly share: number }[] {
    return this.#states.flatMap(({ stream, bytes, bytesMax }) =>
      bytesMax === null ? [] : { stream, share: bytes / bytesMax },
    );
  }

  start(): void {
    const again = (): void => {
      this.#looking = this.look().finally(() => {
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

  /** Looks once. */
  async look(): Promise<void> {
    const { hub, log } = this.#options;
    const states = await reportStreamStates(hub);
    if (states === null) return;
    this.#states = states;
    this.#tell();
    for (const state of states) {
      if (!this.#full.has(state.stream)) continue;
      try {
        await this.#trim(state);
      } catch (error) {
        const cause = error instanceof Error ? error.message : String(error);
        writeEvent(log, 'stream-not-trimmed', { stream: state.stream, cause });
      }
    }
  }

  #tell(): void {
    const { log } = this.#options;
    for (const { stream, share } of this.shares) {
      const percent = Math.round(100 * share);
      if (share >= FULL_SHARE && !this.#full.has(stream)) {
        this.#full.add(stream);
        writeEvent(log, 'stream-full', { stream, percent });
      }
      if (share < FULL_SHARE && this.#full.delete(stream))
        writeEvent(log, 'stream-has-room', { stream, percent });
    }
  }

  async #trim(state: StreamState): Promise<void> {
    const { hub, store, node, log } = this.#options;
    const { stream, bytes, bytesMax, firstSequence, lastSequence } = state;
    // Partitions without messages of their own there have not moved: they do for the next look.
    node.settle(stream);
    const committed = committedThrough(await store.leases(), state);
    // As if all were of one size: what is left above the share goes with the next look.
    const share = 1 - (TRIMMED_SHARE * (bytesMax ?? Infinity)) / bytes;
    const wanted = firstSequence + Math.ceil((lastSequence - firstSequence + 1) * share) - 1;
    const through = Math.min(committed, wanted);
    if (through < firstSequence) return;
    const messages = await purgeThrough(hub, stream, through);
    writeEvent(log, 'stream-trimmed', { stream, through, messages });
  }
}
