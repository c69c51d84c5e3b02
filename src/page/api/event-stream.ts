/**
 * Server-sent events, read with `fetch`: the browser's own EventSource sends no bearer token, and does not notice a connection that
 * died without a word.
 *
 * I1 After a break it goes on behind the last event that was handed over, by `Last-Event-ID`.
 * I2 It is `live` only while bytes arrive: the node writes something every second, more than twice as often as {@link SILENCE_MS}.
 * I3 After `stop` nothing is called any more.
 */
import { EventParser, type StreamEvent } from './event-parser.ts';
import { authorized } from './request.ts';

/** How the stream is. */
export type StreamState =
  | { readonly type: 'connecting' }
  | { readonly type: 'live' }
  /**
   * Gone; tried again by itself. `reason` is a sentence; `isLocked`: the node is there, and asks for a token. `heardAt` is when anything was
   * heard last, by the monotonic clock, ms; `null` for never.
   */
  | {
      readonly type: 'lost';
      readonly reason: string;
      readonly isLocked: boolean;
      readonly heardAt: number | null;
    };

/** What a stream is told. */
export interface StreamOptions {
  readonly path: string;
  readonly onEvent: (event: StreamEvent) => void;
  readonly onState: (state: StreamState) => void;
}

/** Nothing heard for this long, and the connection counts as dead, ms: also one that is not answered yet, which may still be. */
export const SILENCE_MS = 2_500;

/** An answer that has not begun by then does not come, ms: the node looks into the store and asks the hub before. */
const ANSWER_MS = 8_000;

/** Waits between attempts, ms: the last one again and again. */
const RETRY_MS = [250, 500, 1_000, 2_000, 4_000] as const;

/** Opens a stream; the returned function ends it. */
export function openEventStream({ path, onEvent, onState }: StreamOptions): () => void {
  const ended = new AbortController();
  let lastId: string | null = null;
  let attempts = 0;
  let heardAt: number | null = null;

  const lose = (error: unknown): void => {
    onState({ type: 'lost', reason: sentenceOf(error), isLocked: error instanceof Locked, heardAt });
  };

  const attempt = async (): Promise<never> => {
    const silence = new Silence(() => lose(new Error(unheardFor(SILENCE_MS))));
    const heard = (): void => {
      heardAt = performance.now();
      silence.heard();
    };
    try {
      const id: Record<string, string> = lastId === null ? {} : { 'last-event-id': lastId };
      const response = await fetch(path, {
        headers: authorized({ accept: 'text/event-stream', ...id }),
        signal: AbortSignal.any([ended.signal, silence.signal]),
        cache: 'no-store',
      });
      if (response.status === 401) throw new Locked('the node asks for a token');
      if (response.status === 404) throw new Absent(`the node has no ${path}`);
      if (!response.ok || response.body === null) {
        throw new Error(`the node answered ${String(response.status)} to ${path}`);
      }
      heard();
      const parser = new EventParser((event, eventId) => {
        if (eventId !== null) lastId = eventId;
        onEvent(event);
      });
      const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
      let isLive = false;
      for (let read = await reader.read(); !read.done; read = await reader.read()) {
        heard();
        if (!isLive) {
          isLive = true;
          attempts = 0;
          onState({ type: 'live' });
        }
        parser.push(read.value);
      }
      throw new Error('the node ended the connection');
    } catch (error) {
      if (silence.signal.aborted) throw new Error(unheardFor(silence.limitMs), { cause: error });
      throw error;
    } finally {
      silence.end();
    }
  };

  const run = async (): Promise<void> => {
    onState({ type: 'connecting' });
    for (;;) {
      const error: unknown = await attempt().catch((reason: unknown) => reason);
      if (ended.signal.aborted) return;
      if (!(error instanceof Absent)) lose(error);
      const waitMs = RETRY_MS[Math.min(attempts, RETRY_MS.length - 1)] ?? 0;
      attempts += 1;
      await new Promise<void>((resolve) => setTimeout(resolve, waitMs));
      if (isAborted(ended.signal)) return;
    }
  };
  void run();
  return () => {
    ended.abort();
  };
}

/** How long nothing was heard on a stream that is asked for, or read. */
class Silence {
  readonly #over = new AbortController();
  readonly #late: ReturnType<typeof setTimeout>;
  #timer: ReturnType<typeof setTimeout>;
  #limitMs = ANSWER_MS;

  /** `onLate` is called once where nothing was heard for {@link SILENCE_MS} of what may be answered yet. */
  constructor(onLate: () => void) {
    this.#late = setTimeout(onLate, SILENCE_MS);
    this.#timer = this.#begin();
  }

  /** Aborted when it has lasted too long. */
  get signal(): AbortSignal {
    return this.#over.signal;
  }

  /** As long as it may last, ms. */
  get limitMs(): number {
    return this.#limitMs;
  }

  heard(): void {
    this.end();
    this.#limitMs = SILENCE_MS;
    this.#timer = this.#begin();
  }

  end(): void {
    clearTimeout(this.#late);
    clearTimeout(this.#timer);
  }

  #begin(): ReturnType<typeof setTimeout> {
    return setTimeout(() => this.#over.abort(), this.#limitMs);
  }
}

/** The node is there, and shows nothing without a token. */
class Locked extends Error {}

/** The node is there, and does not know the device: whoever asks for that is told so. */
class Absent extends Error {}

function unheardFor(ms: number): string {
  return `nothing was heard for ${String(ms / 1_000)} s`;
}

/** Asked anew: a wait lies between. */
function isAborted(signal: AbortSignal): boolean {
  return signal.aborted;
}

/** A fetch that fails says `TypeError: Failed to fetch`: that is not for people. */
function sentenceOf(error: unknown): string {
  if (error instanceof TypeError) return 'the node does not answer';
  return error instanceof Error ? error.message : String(error);
}
