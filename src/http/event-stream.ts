/**
 * Server-sent events for one reader (HTML, 9.2): what is written waits while the reader does not read, and a reader that does not
 * read for too long is told so and sent away. It comes back with `Last-Event-ID`, and has lost nothing.
 *
 * Invariants:
 * I1  what is held for a reader is at most what is written at once, or a sign of life, more than HELD_BYTES_MAX.
 * I2  after `end` nothing is written, and `ended` resolves.
 * I3  a sign of life is written only while something could be told: for who is `deaf` longer than DEAF_MS the stream ends.
 */
import { Readable } from 'node:stream';
import type { Cancel, Clock } from '../runtime/ports.ts';
import { type ChangePlace, placeText } from '../wire/change-place.ts';

/** Held for a reader before it is waited for, bytes; besides that there are the buffers of the connection. */
const HELD_BYTES_MAX = 256 * 1024;

/** How long a reader may read nothing while something waits for it, ms. */
export const SLOW_READER_MS = 10_000;

/** How long it then has to read the rest, before the connection is cut, ms. */
const FAREWELL_MS = 5_000;

/** At least this often something is written, ms, so that both sides know that the other one is there. */
export const HEARTBEAT_MS = 1_000;

/** Nothing could have arrived for so long, ms: the reader is sent away, so that it does not take the silence for peace. */
export const DEAF_MS = 5_000;

/** How long a reader waits before it comes back, ms, unless it decides otherwise. */
const RETRY_MS = 1_000;

/** One event. `id` is where reading goes on after it; `null` where it is no place. */
export interface ServerEvent {
  readonly event: string;
  readonly id: ChangePlace | null;
  readonly data: unknown;
}

/** An event as it is written. */
export function eventText({ event, id, data }: ServerEvent): string {
  const place = id === null ? '' : `id: ${placeText(id)}\n`;
  return `${place}event: ${event}\ndata: ${JSON.stringify(data)}\n\n`;
}

/** The stream of events of one reader. */
export class EventStream {
  /** The body of the answer. */
  readonly body: Readable;
  /** Resolves when the reader has gone, or was sent away. */
  readonly ended: Promise<void>;
  readonly #clock: Clock;
  #room: (() => void) | null = null;
  #hasEnded = false;
  #cancelHeartbeat: Cancel = () => undefined;
  /** Ends the stream when nothing is heard by then; `null` while something is. */
  #cancelDeafness: Cancel | null = null;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.body = new Readable({
      highWaterMark: HELD_BYTES_MAX,
      read: () => {
        this.#room?.();
        this.#room = null;
      },
    });
    this.ended = new Promise((resolve) => {
      this.body.once('close', () => {
        this.#stop();
        this.#room?.();
        resolve();
      });
    });
    // A reader that goes away in the middle of an event is no trouble of ours.
    this.body.on('error', () => undefined);
    this.body.push(`retry: ${String(RETRY_MS)}\n\n`);
    this.#beat();
  }

  /** Writes an event and waits for room after it. False: the reader is gone, or was sent away for being slow. */
  async write(event: ServerEvent): Promise<boolean> {
    return this.writeText(eventText(event));
  }

  /** The same for events that are written out already. */
  async writeText(text: string | Buffer): Promise<boolean> {
    return !this.#hasEnded && this.#push(text);
  }

  /** Ends the stream: the reader gets what was written, and comes back if it likes. */
  end(): void {
    if (this.#hasEnded) return;
    this.#stop();
    this.body.push(null);
    const cancel = this.#clock.after(FAREWELL_MS, () => this.body.destroy());
    this.body.once('close', cancel);
  }

  /** Something waits for the reader to take it. */
  get isWriting(): boolean {
    return this.#room !== null;
  }

  /** Ends the stream at once: nobody reads it. */
  cut(): void {
    this.body.destroy();
  }

  /** Nothing can arrive at present. */
  deaf(): void {
    if (this.#hasEnded) return;
    this.#cancelDeafness ??= this.#clock.after(DEAF_MS, () => this.end());
  }

  /** Something arrived, or can arrive again. */
  heard(): void {
    this.#cancelDeafness?.();
    this.#cancelDeafness = null;
  }

  #stop(): void {
    this.#hasEnded = true;
    this.#cancelHeartbeat();
    this.heard();
  }

  #sendAway(): void {
    if (this.#hasEnded) return;
    const detail = `nothing was read for ${String(SLOW_READER_MS)} ms: come back with Last-Event-ID, nothing is lost`;
    this.body.push(`event: slow\ndata: ${JSON.stringify({ detail })}\n\n`);
    this.end();
  }

  async #push(text: string | Buffer): Promise<boolean> {
    if (this.body.push(text)) return true;
    if (await this.#makeRoom()) return !this.#hasEnded;
    this.#sendAway();
    return false;
  }

  /** Resolves with false when there was no room in time. */
  #makeRoom(): Promise<boolean> {
    return new Promise((resolve) => {
      const cancel = this.#clock.after(SLOW_READER_MS, () => resolve(false));
      this.#room = () => {
        cancel();
        resolve(true);
      };
    });
  }

  #beat(): void {
    this.#cancelHeartbeat = this.#clock.after(HEARTBEAT_MS, () => {
      if (this.#room === null && this.#cancelDeafness === null) void this.#push(': all is well\n\n');
      this.#beat();
    });
  }
}
