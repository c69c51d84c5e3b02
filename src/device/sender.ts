/**
 * Empties the outbox: one publish in flight, again until acked, with growing pauses while nothing gets through.
 */
import { fnv1a32 } from '../wire/partition.ts';
import type { AgentListener } from './agent-event.ts';
import type { AgentLimits } from './limits.ts';
import type { Outbox } from './outbox.ts';
import type { PositionRange } from './position-queue.ts';
import type { DeviceClock, DeviceLink } from './ports.ts';

/** Parts of a sender. */
export interface SenderOptions {
  readonly device: string;
  readonly outbox: Outbox;
  readonly link: DeviceLink;
  readonly clock: DeviceClock;
  readonly limits: AgentLimits;
  readonly tell: AgentListener;
  /** Called for each acked frame, after it has left the outbox. */
  readonly acked: (frame: PositionRange) => void;
  /** Called when it can go on no more: a mistake of ours, or of the link's. */
  readonly failed: (error: unknown) => void;
}

/** The largest part of a pause that is taken off for a device, so that a fleet does not retry as one. */
const SPREAD = 0.25;

/** See the head of this file. */
export class Sender {
  readonly #options: SenderOptions;
  #failures = 0;
  #isStopping = false;
  /** Ends the present wait, if there is one. */
  #resume: (() => void) | null = null;
  /** What the present wait waits for: something to send, or the end of a pause. */
  #waitsFor: 'work' | 'pause' | null = null;
  #running: Promise<void> | null = null;

  constructor(options: SenderOptions) {
    this.#options = options;
  }

  /** True while the last publish was not acked. */
  get isFailing(): boolean {
    return this.#failures > 0;
  }

  start(): void {
    this.#running ??= this.#run().catch((error: unknown) => this.#options.failed(error));
  }

  /** There is something new in the outbox. It does not cut a pause short. */
  wake(): void {
    if (this.#waitsFor === 'work') this.#resume?.();
  }

  /** There are signs that the link works: a pause ends at once. */
  retryNow(): void {
    this.#failures = Math.min(this.#failures, 1);
    this.#resume?.();
  }

  /** Waits for the publish in flight, which ends by itself, and sends no more. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    this.#resume?.();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { outbox, link, acked, tell } = this.#options;
    while (!this.#isStopping) {
      const frame = outbox.next();
      if (frame === null) {
        await this.#wait('work', null);
        continue;
      }
      const error = await link.publish(frame.payload).then(() => null, asError);
      if (error === null) {
        this.#failures = 0;
        outbox.acked(frame);
        acked({ from: frame.from, to: frame.to });
        tell({ type: 'published', reports: frame.reports, bytes: frame.payload.length });
      } else {
        this.#failures += 1;
        outbox.interrupt();
        tell({ type: 'publish-failed', error });
        await this.#wait('pause', this.#pauseMs());
      }
    }
  }

  #pauseMs(): number {
    const { device, limits } = this.#options;
    const grown = limits.retryFirstMs * 2 ** Math.min(this.#failures - 1, 30);
    const spread = 1 - (SPREAD * fnv1a32(device)) / 2 ** 32;
    return Math.ceil(Math.min(grown, limits.retryLongestMs) * spread);
  }

  async #wait(waitsFor: 'work' | 'pause', limitMs: number | null): Promise<void> {
    if (this.#isStopping) return;
    let cancel: (() => void) | null = null;
    await new Promise<void>((resolve) => {
      this.#waitsFor = waitsFor;
      this.#resume = resolve;
      if (limitMs !== null) cancel = this.#options.clock.after(limitMs, resolve);
    });
    this.#waitsFor = null;
    this.#resume = null;
    (cancel as (() => void) | null)?.();
  }
}

function asError(cause: unknown): Error {
  return cause instanceof Error ? cause : new Error(String(cause));
}
