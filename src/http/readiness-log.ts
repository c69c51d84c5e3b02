/** What the log says of whether the node is ready: that is asked every second or so, and only what changes is written. */
import { type EventWriter, writeEvent } from '../telemetry/log-events.ts';
import type { Clock } from '../runtime/ports.ts';

/** A node that has just started takes its leases and reads what it has missed: that it is not ready for so long is nothing to be warned of, ms. */
const START_MS = 30_000;

/** See the head of this file. */
export class ReadinessLog {
  readonly #clock: Pick<Clock, 'monotonic'>;
  readonly #startedAt: number;
  #status: 'ready' | 'standby' | 'not-ready-yet' | 'not-ready' | 'unknown' = 'unknown';
  #wasReady = false;

  /** Counts from now as since the start. */
  constructor(clock: Pick<Clock, 'monotonic'>) {
    this.#clock = clock;
    this.#startedAt = clock.monotonic();
  }

  /** It is, or stands by for others. */
  is(log: EventWriter, status: 'ready' | 'standby'): void {
    if (this.#status !== status) writeEvent(log, 'node-ready', { status });
    this.#status = status;
    this.#wasReady = true;
  }

  /** It is not, for this reason: that is expected of a node which has just started, and was not ready before. */
  isNot(log: EventWriter, because: string): void {
    const isStarting = !this.#wasReady && this.#clock.monotonic() - this.#startedAt < START_MS;
    const status = isStarting ? 'not-ready-yet' : 'not-ready';
    if (this.#status !== status) writeEvent(log, `node-${status}`, { because });
    this.#status = status;
  }
}
