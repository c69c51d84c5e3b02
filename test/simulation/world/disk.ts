/**
 * A device's disk: the lines that the real storages write, and what becomes of them when the power goes. It tells the
 * record which reports exist and which outcomes have come to last.
 *
 * Invariants:
 * I1  entries are written in the order of their calls.
 * I2  what holds a memory outlives a power cut, and everything before it does (`DeviceStorage.append`).
 */
import {
  foldLines,
  lineOf,
  linesOf,
  type LogEntry,
  type StoredDevice,
} from '../../../src/device/log-entry.ts';
import type { DeviceStorage } from '../../../src/device/ports.ts';
import type { Report } from '../../../machines/report.ts';
import type { Chance } from './chance.ts';
import type { Process } from './process.ts';
import type { Schedule } from './schedule.ts';

/** What the disk tells. */
export interface DiskEvents {
  /** An entry is on the disk. */
  written(entry: LogEntry): void;
  /** Reports that were not acked are gone. */
  lost(reports: readonly Report[]): void;
}

interface Write {
  readonly entry: LogEntry;
  readonly done: () => void;
}

/** A log with more lines is shortened when it is opened. */
const LINES_MAX = 200;

export class Disk {
  readonly #schedule: Schedule;
  readonly #chance: Chance;
  readonly #events: DiskEvents;
  #lines: string[] = [];
  /** So many lines would outlive a power cut. */
  #synced = 0;
  #writing: Write[] = [];
  #busyUntil = 0;
  /** How long an entry takes, ms, on average. */
  readonly #usualMs: number;

  constructor(schedule: Schedule, chance: Chance, events: DiskEvents) {
    this.#schedule = schedule;
    this.#chance = chance;
    this.#events = events;
    this.#usualMs = chance.weighted({ 1: 4, 10: 3, 100: 1 }) === '100' ? 100 : chance.pick([1, 10]);
  }

  /** Opens it for one boot. */
  open(process: Process): DeviceStorage {
    return {
      load: () => process.call(async () => this.#load()),
      append: (entry) => process.call(() => this.#append(entry)),
      close: async () => undefined,
    };
  }

  #load(): StoredDevice {
    const stored = foldLines(this.#lines);
    if (this.#lines.length > LINES_MAX) {
      this.#lines = linesOf(stored);
      this.#synced = this.#lines.length;
    }
    return stored;
  }

  /** The process was killed: what was being written is written up to some point. */
  stop(): void {
    const writing = this.#writing;
    this.#writing = [];
    for (const { entry } of writing) {
      if (this.#chance.hits(0.5)) return;
      this.#write(entry);
    }
  }

  /** The power goes: as above, and what was not synced is gone too, the last of it perhaps in half. */
  cutPower(): void {
    this.stop();
    const kept = this.#lines.slice(0, this.#synced);
    const torn = this.#lines[this.#synced];
    this.#tellLost(foldLines(this.#lines).pending, foldLines(kept).pending);
    if (torn !== undefined && this.#chance.hits(0.3)) kept.push(torn.slice(0, torn.length / 2));
    this.#lines = kept;
    this.#synced = kept.length;
  }

  /** The disk is swapped for a blank one. */
  wipe(): void {
    this.stop();
    this.#tellLost(foldLines(this.#lines).pending, []);
    this.#lines = [];
    this.#synced = 0;
  }

  #tellLost(before: readonly Report[], after: readonly Report[]): void {
    const kept = new Set(after.map(({ boot, seq }) => `${boot}/${seq}`));
    this.#events.lost(before.filter(({ boot, seq }) => !kept.has(`${boot}/${seq}`)));
  }

  #append(entry: LogEntry): Promise<void> {
    return new Promise((resolve) => {
      const write: Write = { entry, done: resolve };
      this.#writing.push(write);
      const takesMs = this.#chance.hits(0.01) ? 2_000 : this.#chance.exponential(this.#usualMs);
      this.#busyUntil = Math.max(this.#busyUntil, this.#schedule.now + takesMs);
      this.#schedule.at(this.#busyUntil, () => {
        if (this.#writing[0] !== write) return;
        this.#writing.shift();
        this.#write(entry);
        write.done();
      });
    });
  }

  #write(entry: LogEntry): void {
    this.#lines.push(lineOf(entry));
    if (entry.memory !== undefined) this.#synced = this.#lines.length;
    this.#events.written(entry);
  }
}
