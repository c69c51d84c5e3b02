/**
 * What happens to devices, in the log: at the log's own level for all of them, and more or less of it for single ones, at run
 * time. What an engineer turned up turns itself down again after a while: a forgotten level must not fill a disk.
 */
import type { Level, Logger } from 'pino';
import { LOG_EVENTS, type LogEventId, writeEvent } from './log-events.ts';
import type { Clock } from '../runtime/ports.ts';
import type { Trace } from '../wire/trace.ts';

/** A level of its own lasts so long unless asked otherwise, ms. */
const LEVEL_MS = 10 * 60_000;
/** Devices with a level of their own; one more is refused. */
const LEVELS_MAX = 1_000;

/** A level of its own, and until when, ms epoch. */
export interface DeviceLevel {
  readonly level: Level;
  readonly until: number;
}

/** The log of what happens to devices. */
export class DeviceLog {
  readonly #log: Logger;
  /** Writes whatever it is given: whether a line is wanted is decided here. */
  readonly #open: Logger;
  readonly #clock: Clock;
  readonly #levels = new Map<string, DeviceLevel>();

  constructor(log: Logger, clock: Clock) {
    this.#log = log;
    this.#open = log.child({}, { level: 'trace' });
    this.#clock = clock;
  }

  /** False when certainly nobody wants a line of this level: then there is nothing to put together. */
  mayWant(event: LogEventId): boolean {
    return this.#levels.size > 0 || this.#log.isLevelEnabled(LOG_EVENTS[event].level);
  }

  /** Writes a line about a device, where its level or the log's own wants it. */
  write(
    event: LogEventId,
    device: string,
    fields: Readonly<Record<string, unknown>>,
    trace: Trace | null = null,
  ): void {
    if (!this.mayWant(event)) return;
    const own = this.#levels.size === 0 ? null : this.levelOf(device);
    const { level } = LOG_EVENTS[event];
    const { values } = this.#log.levels;
    const isWanted =
      own === null
        ? this.#log.isLevelEnabled(level)
        : (values[level] ?? 0) >= (values[own.level] ?? Infinity);
    if (isWanted) writeEvent(this.#open, event, { device, ...fields, ...traceFields(trace) });
  }

  /** The level of its own that a device has now, or `null`. */
  levelOf(device: string): DeviceLevel | null {
    const own = this.#levels.get(device);
    if (own === undefined) return null;
    if (own.until > this.#clock.now()) return own;
    this.#levels.delete(device);
    return null;
  }

  /**
   * Gives a device a level of its own for a while, or takes it away (`null`). Returns what it has then. Throws a RangeError
   * when too many devices have one.
   */
  setLevel(
    device: string,
    level: Level | null,
    {
      forMs = LEVEL_MS,
      by = null,
    }: { readonly forMs?: number | undefined; readonly by?: string | null | undefined } = {},
  ): DeviceLevel | null {
    if (level === null) {
      this.#levels.delete(device);
    } else {
      for (const other of [...this.#levels.keys()]) this.levelOf(other);
      if (this.#levels.size >= LEVELS_MAX && !this.#levels.has(device))
        throw new RangeError(`${String(LEVELS_MAX)} devices have a level of their own already`);
      this.#levels.set(device, { level, until: this.#clock.now() + forMs });
    }
    const own = this.levelOf(device);
    const until = own === null ? null : new Date(own.until).toISOString();
    writeEvent(this.#log, 'log-level-set', { device, level, until, by });
    return own;
  }
}

function traceFields(trace: Trace | null): Readonly<Record<string, string>> {
  if (trace === null) return {};
  const { traceId, spanId, parentSpanId } = trace;
  return { traceId, spanId, parentSpanId };
}
