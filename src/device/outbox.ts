/**
 * The reports the hub has not acked, and which of them to send next.
 *
 * Invariants:
 * I1  a report leaves only when its position is settled, or when the outbox is full: then the oldest goes, and the server
 *     sees its number as missing.
 * I2  after an outage (and at the start) the newest report goes first and alone, then in order what came after it, then
 *     what is older, oldest first, in frames; what is new overtakes what is old, frame by frame. With the order `fifo`,
 *     everything goes oldest first.
 */
import type { ReportPosition } from '../../machines/report.ts';
import type { Encoding } from '../wire/codec.ts';
import { frameOverhead, framePayload } from './frame.ts';
import { type PositionRange, PositionQueue } from './position-queue.ts';

/** In which order an outage is made up for. */
export type SendingOrder = 'current-first' | 'fifo';

/** A report as it is sent. */
export interface OutboxReport extends ReportPosition {
  readonly bytes: Uint8Array;
}

/** What goes into one publish. */
export interface Frame extends PositionRange {
  readonly reports: number;
  readonly payload: Uint8Array;
}

/** How much an outbox keeps, and how much goes into a frame. */
export interface OutboxLimits {
  readonly outboxReportsMax: number;
  readonly outboxBytesMax: number;
  readonly frameReportsMax: number;
  readonly frameBytesMax: number;
}

/** See the head of this file. */
export class Outbox {
  readonly #limits: OutboxLimits;
  readonly #order: SendingOrder;
  readonly #encoding: Encoding;
  readonly #queue = new PositionQueue<OutboxReport>();
  #bytes = 0;
  /** While interrupted, nothing is known to get through. */
  #isInterrupted = true;
  /** Reports after this one were made since sending works again. */
  #liveAfter: ReportPosition = { boot: 0, seq: 0 };

  constructor(options: {
    readonly limits: OutboxLimits;
    readonly order: SendingOrder;
    readonly encoding: Encoding;
  }) {
    this.#limits = options.limits;
    this.#order = options.order;
    this.#encoding = options.encoding;
  }

  /** Reports that are not acked. */
  get length(): number {
    return this.#queue.length;
  }

  /** What has to go to make room for a report of `bytes` bytes; `null` when there is room. */
  overflow(bytes: number): PositionRange | null {
    const { outboxReportsMax, outboxBytesMax } = this.#limits;
    const oldest = this.#queue.at(0);
    let last: OutboxReport | null = null;
    let freed = 0;
    let reports = 0;
    while (this.length + 1 - reports > outboxReportsMax || this.#bytes + bytes - freed > outboxBytesMax) {
      const next = this.#queue.at(reports);
      if (next === undefined) break;
      last = next;
      freed += next.bytes.length;
      reports += 1;
    }
    return oldest === undefined || last === null ? null : { from: positionOf(oldest), to: positionOf(last) };
  }

  /** Takes a report. Throws when it is larger than a frame may be: it could never be sent. */
  add(report: OutboxReport): void {
    const { frameBytesMax } = this.#limits;
    if (report.bytes.length > frameBytesMax) {
      throw new Error(
        `a report of ${report.bytes.length} bytes does not fit into a frame of ${frameBytesMax}`,
      );
    }
    this.#queue.add(report);
    this.#bytes += report.bytes.length;
  }

  /** What to send now, or `null` when everything is acked. */
  next(): Frame | null {
    const newest = this.#queue.last();
    if (newest === undefined) return null;
    if (this.#order === 'fifo') return this.#frameFrom(0, this.length);
    if (this.#isInterrupted) return this.#frameFrom(this.length - 1, this.length);
    const live = this.#queue.indexOf(after(this.#liveAfter));
    return live < this.length ? this.#frameFrom(live, this.length) : this.#frameFrom(0, this.length);
  }

  /** The frame was acked. */
  acked(frame: PositionRange): void {
    if (this.#isInterrupted) {
      this.#isInterrupted = false;
      this.#liveAfter = frame.to;
    }
    this.settle(frame);
  }

  /** A frame was not acked: an outage, until one is. */
  interrupt(): void {
    this.#isInterrupted = true;
  }

  /** Lets reports go, acked or not; returns how many. */
  settle(range: PositionRange): number {
    const removed = this.#queue.remove(range);
    for (const { bytes } of removed) this.#bytes -= bytes.length;
    return removed.length;
  }

  #frameFrom(first: number, end: number): Frame {
    const { frameReportsMax, frameBytesMax } = this.#limits;
    const reports: OutboxReport[] = [];
    let bytes = 0;
    for (let index = first; index < end && reports.length < frameReportsMax; index += 1) {
      const report = this.#queue.at(index);
      if (report === undefined) break;
      bytes += report.bytes.length;
      if (reports.length > 0 && bytes + frameOverhead(reports.length + 1) > frameBytesMax) break;
      reports.push(report);
    }
    const [from] = reports;
    const to = reports.at(-1);
    if (from === undefined || to === undefined) throw new Error('a frame holds at least one report');
    const payload = framePayload(
      reports.map((report) => report.bytes),
      this.#encoding,
    );
    return { from: positionOf(from), to: positionOf(to), reports: reports.length, payload };
  }
}

function positionOf({ boot, seq }: ReportPosition): ReportPosition {
  return { boot, seq };
}

function after({ boot, seq }: ReportPosition): ReportPosition {
  return { boot, seq: seq + 1 };
}
