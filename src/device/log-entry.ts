/**
 * What a device writes into its storage: a log of entries, and what they amount to when they are read again.
 *
 * An entry is a line of text: the CRC-32 of a JSON map in 8 hex digits, a space, the map. A line is believed only if its
 * sum is right, and lines are read one by one, so a torn or damaged one costs itself and nothing else. Every entry is
 * safe to lose its neighbours: `memory` is the whole memory, a report stands for itself, and `settled` names positions.
 */
import { crc32 } from 'node:zlib';
import type { Report } from '../../machines/report.ts';
import { BLANK_MEMORY, checked, type DeviceMemory } from './device-state.ts';
import { type PositionRange, PositionQueue } from './position-queue.ts';

/** One entry: what it holds is stored together or not at all. */
export interface LogEntry {
  readonly memory?: DeviceMemory;
  readonly report?: Report;
  /** Reports that need not be kept any more: the hub has them, or there was no room. */
  readonly settled?: PositionRange;
}

/** What a log amounts to. */
export interface StoredDevice {
  /** `boot` is 0 where nothing is stored. It is never below that of a stored report, even if its own line is lost. */
  readonly memory: DeviceMemory;
  /** Reports that are not settled, in (boot, seq) order. */
  readonly pending: readonly Report[];
  /** Lines that could not be read: each may have been anything, also a start. */
  readonly unreadable: number;
}

/** A log in which nothing is stored. */
export const EMPTY_LOG: StoredDevice = { memory: BLANK_MEMORY, pending: [], unreadable: 0 };

const SUM_DIGITS = 8;

/** An entry, or any other map, as a line without its end. */
export function lineOf(content: LogEntry | Readonly<Record<string, unknown>>): string {
  const text = JSON.stringify(content);
  return `${sumOf(text)} ${text}`;
}

/** The map in a line, or `null` when it is torn or damaged. */
export function readLine(line: string): Readonly<Record<string, unknown>> | null {
  const text = line.slice(SUM_DIGITS + 1);
  if (line[SUM_DIGITS] !== ' ' || line.slice(0, SUM_DIGITS) !== sumOf(text)) return null;
  return JSON.parse(text) as Record<string, unknown>;
}

/** What these lines amount to, in their order. Throws on a readable entry that breaks the memory's invariants. */
export function foldLines(lines: Iterable<string>): StoredDevice {
  let memory = BLANK_MEMORY;
  let newestBoot = 0;
  let unreadable = 0;
  const pending = new PositionQueue<Report>();
  for (const line of lines) {
    const entry = readLine(line) as LogEntry | null;
    if (entry === null) {
      unreadable += 1;
      continue;
    }
    if (entry.memory !== undefined) memory = checked(entry.memory);
    if (entry.settled !== undefined) pending.remove(entry.settled);
    if (entry.report !== undefined) pending.add(entry.report);
    newestBoot = Math.max(newestBoot, memory.boot, pending.last()?.boot ?? 0);
  }
  return { memory: { ...memory, boot: newestBoot }, pending: pending.list(), unreadable };
}

/**
 * The shortest log that amounts to the same. Instead of the unreadable lines it holds a boot number that is beyond any they
 * may have held.
 */
export function linesOf({ memory, pending, unreadable }: StoredDevice): string[] {
  const boot = memory.boot + unreadable;
  const lines = boot === 0 ? [] : [lineOf({ memory: { ...memory, boot } })];
  for (const report of pending) lines.push(lineOf({ report }));
  return lines;
}

function sumOf(text: string): string {
  return crc32(text).toString(16).padStart(SUM_DIGITS, '0');
}
