/** What the log says of whether the node is ready: that is asked every second or so, and only what changes is written. */
import { type LineWriter, writeLine } from '../log-lines.ts';

/** See the head of this file. */
export class ReadinessLog {
  #status: 'ready' | 'standby' | 'not-ready' | 'unknown' = 'unknown';
  #wasReady = false;

  /** It is, or stands by for others. */
  is(log: LineWriter, status: 'ready' | 'standby'): void {
    if (this.#status !== status) writeLine(log, 'node-ready', { status });
    this.#status = status;
    this.#wasReady = true;
  }

  /** It is not, for this reason. A node that has just started was not ready before. */
  isNot(log: LineWriter, because: string): void {
    const line = this.#wasReady ? 'node-not-ready' : 'node-not-ready-yet';
    if (this.#status !== 'not-ready') writeLine(log, line, { because });
    this.#status = 'not-ready';
  }
}
