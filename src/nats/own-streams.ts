/**
 * Looks that the streams that are Corral's own, CHANGES and DEADLETTER, are there for as long as the node runs, and makes them anew where
 * they are not: a hub whose disk was replaced has neither, and until it does nothing that becomes known can be published.
 *
 * Several nodes may do so at once. What they have to be is looked at when a node starts (`prepareHub`); the streams of sites are kept by
 * `SiteStreams`.
 */
import { jetstreamManager } from '@nats-io/jetstream';
import type { HubConnection } from './connect.ts';
import { JOURNAL_API } from './hub.ts';
import { CHANGES, DEAD_LETTERS, keepIfMissing, type StreamNotice } from './kept-stream.ts';

/** How often it is looked for them, ms: so long, and a little more, nothing is published on a hub that has lost them. */
const LOOK_EVERY_MS = 2_000;
/** How long the hub may take to answer about a stream, ms. */
const ANSWER_MS = 2_000;

const STREAMS_KEPT = [
  { stream: DEAD_LETTERS, api: {} },
  { stream: CHANGES, api: { apiPrefix: JOURNAL_API } },
] as const;

/** Something an operator may want to know. */
export type OwnStreamsNotice =
  | StreamNotice
  /** It was not there any more, and was made anew: whoever reads it is told so. */
  | { readonly type: 'stream-made-anew'; readonly stream: string }
  /** It is not there, and cannot be made; it is tried again. */
  | { readonly type: 'stream-missing'; readonly stream: string; readonly detail: string };

/** What keeping them takes. */
export interface OwnStreamsOptions {
  readonly hub: HubConnection;
  /** Copies of a stream that is created. Default: 1. */
  readonly replicas?: number;
  readonly onNotice: (notice: OwnStreamsNotice) => void;
}

/** See the head of this file. */
export class OwnStreams {
  readonly #options: OwnStreamsOptions;
  #timer: NodeJS.Timeout | null = null;
  #looking: Promise<void> = Promise.resolve();
  #isStopped = false;

  constructor(options: OwnStreamsOptions) {
    this.#options = options;
  }

  /** Looks every few seconds. */
  start(): void {
    this.#timer = setTimeout(() => {
      this.#looking = this.#look().finally(() => {
        if (!this.#isStopped) this.start();
      });
    }, LOOK_EVERY_MS);
  }

  /** Ends looking; resolves when the last look has. The streams stay. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    await this.#looking;
  }

  async #look(): Promise<void> {
    const { hub, replicas = 1, onNotice } = this.#options;
    for (const { stream, api } of STREAMS_KEPT) {
      if (!hub.isConnected() || this.#isStopped) return;
      try {
        const manager = await jetstreamManager(hub.nats, { checkAPI: false, timeout: ANSWER_MS, ...api });
        const wasMissing = await keepIfMissing(manager, stream, { replicas, onNotice });
        if (wasMissing) onNotice({ type: 'stream-made-anew', stream: stream.name });
      } catch (error) {
        const detail = error instanceof Error ? error.message : String(error);
        onNotice({ type: 'stream-missing', stream: stream.name, detail });
      }
    }
  }
}
