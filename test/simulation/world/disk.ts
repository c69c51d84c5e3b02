/**
 * A device's disk: the real storage on files that lie as disks do. It tells the record which reports exist and which outcomes have come
 * to last, and whether what the storage promised was kept.
 *
 * Invariants:
 * I1  an entry counts as written when the storage says so or, where the process ended before it could, when it is there at the next boot.
 * I2  a memory that counts as written outlives everything but a wipe, and so does each report that was written before it
 *     (`DeviceStorage.append`); reports alone may rot.
 */
import { FileStorage } from '../../../src/device/file-storage.ts';
import { foldLines, type LogEntry, readLine, type StoredDevice } from '../../../src/device/log-entry.ts';
import type { DeviceMemory } from '../../../src/device/device-state.ts';
import type { DeviceStorage } from '../../../src/device/ports.ts';
import type { Report } from '../../../machines/report.ts';
import type { Mishap } from '../trouble.ts';
import type { Chance } from './chance.ts';
import { Files, type Operation } from './files.ts';
import type { Process } from './process.ts';
import type { Schedule } from './schedule.ts';

/** What the disk tells. */
export interface DiskEvents {
  /** An entry is on the disk. */
  written(entry: LogEntry): void;
  /** Reports that were not acked are gone. */
  lost(reports: readonly Report[]): void;
  /** The storage has not kept what it promised. */
  broken(what: string): void;
  count(sort: Mishap): void;
}

const FILE = 'device.log';
/** At this part of the boots a byte is found that is not what was written. */
const ROT_PART = 0.04;
/** Something other than a sync takes this part of the time. */
const UNSYNCED_PART = 0.05;

export class Disk {
  readonly #device: string;
  readonly #schedule: Schedule;
  readonly #chance: Chance;
  readonly #events: DiskEvents;
  readonly #files = new Files();
  /** How long a sync takes, ms, on average. */
  readonly #usualMs: number;
  readonly #replaceAtBytes: number;
  #underWay: Operation<unknown> | null = null;
  /** Entries of which the storage has not said that they are written. */
  #unsaid: LogEntry[] = [];
  #memory: DeviceMemory | null = null;
  /** Reports that have to be there: by position, those that were written before a memory was. */
  readonly #promised = new Map<string, Report>();
  /** Reports that were written after it. */
  readonly #recent = new Map<string, Report>();

  constructor(device: string, schedule: Schedule, chance: Chance, events: DiskEvents) {
    this.#device = device;
    this.#schedule = schedule;
    this.#chance = chance;
    this.#events = events;
    this.#usualMs = chance.weighted({ 1: 4, 10: 3, 100: 1 }) === '100' ? 100 : chance.pick([1, 10]);
    this.#replaceAtBytes = chance.pick([1_500, 10_000, 1_000_000]);
  }

  /** Opens it for one boot. */
  open(process: Process): DeviceStorage {
    const storage = new FileStorage({
      file: FILE,
      device: this.#device,
      replaceAtBytes: this.#replaceAtBytes,
      files: this.#files.calls((operation) => process.call(() => this.#take(operation))),
    });
    return {
      load: () => {
        if (this.#chance.hits(ROT_PART)) this.#rot();
        this.#lookAgain();
        return storage.load();
      },
      append: async (entry) => {
        this.#unsaid.push(entry);
        await storage.append(entry);
        this.#unsaid = this.#unsaid.filter((other) => other !== entry);
        this.#note(entry);
      },
      close: () => storage.close(),
    };
  }

  /** The process was killed: what was being done is done up to some point. */
  stop(): void {
    this.#underWay?.breakOff(this.#chance);
    this.#underWay = null;
  }

  /** The power goes: as above, and what was not synced is gone too, or half of it. */
  cutPower(): void {
    this.stop();
    const before = this.#kept();
    const taken = this.#files.cutPower(this.#chance);
    if (taken.bytes > 0) this.#events.count('disk-lost-bytes');
    if (taken.names > 0) this.#events.count('disk-lost-a-rename');
    this.#tellLost(before);
  }

  /** The disk is swapped for a blank one. */
  wipe(): void {
    this.stop();
    const before = this.#kept();
    this.#files.wipe();
    this.#unsaid = [];
    this.#memory = null;
    this.#promised.clear();
    this.#recent.clear();
    this.#tellLost(before);
  }

  #take<Result>(operation: Operation<Result>): Promise<Result> {
    if (this.#underWay !== null) throw new Error(`${this.#device} does two things to its file at once`);
    this.#underWay = operation;
    const usualMs = operation.name === 'sync' ? this.#usualMs : this.#usualMs * UNSYNCED_PART;
    const takesMs = this.#chance.hits(0.005) ? 2_000 : this.#chance.exponential(usualMs);
    return new Promise((resolve) => {
      this.#schedule.after(takesMs, () => {
        if (this.#underWay !== operation) return;
        this.#underWay = null;
        resolve(Promise.resolve().then(operation.finish));
      });
    });
  }

  /** What the file amounts to. */
  #amount(): StoredDevice {
    const [, ...lines] = this.#files.text(FILE).split('\n');
    return foldLines(lines.at(-1) === '' ? lines.slice(0, -1) : lines);
  }

  /** A byte is not what it was. That of the newest memory stays: without it nobody could say what the device has done. */
  #rot(): void {
    const text = this.#files.text(FILE);
    const newest = text.split('\n').findLast((line) => readLine(line)?.memory !== undefined);
    const spared = newest === undefined ? 0 : text.lastIndexOf(newest);
    const at = this.#chance.integer(0, text.length - 1);
    if (text.length === 0 || (at >= spared - 1 && at <= spared + (newest?.length ?? 0))) return;
    const before = this.#kept();
    this.#events.count('disk-rot');
    this.#files.rot(FILE, at);
    const left = positionsOf(this.#amount().pending);
    for (const reports of [this.#promised, this.#recent]) keepOnly(reports, left);
    this.#tellLost(before);
  }

  /** Reports of which nobody was told that they are gone, also where a line that was written half drops them. */
  #kept(): readonly Report[] {
    return [...this.#amount().pending, ...this.#promised.values(), ...this.#recent.values()];
  }

  #tellLost(before: readonly Report[]): void {
    const left = positionsOf(this.#amount().pending);
    this.#events.lost(before.filter((report) => !left.has(positionOf(report))));
  }

  // ------------------------------------------------------------------------------------------------------- what lasts

  /** The storage has said that an entry is written. */
  #note(entry: LogEntry): void {
    const { memory, report, settled } = entry;
    if (settled !== undefined) {
      for (const reports of [this.#promised, this.#recent])
        for (const [position, { boot, seq }] of reports)
          if (isWithin({ boot, seq }, settled)) reports.delete(position);
    }
    if (report !== undefined) this.#recent.set(positionOf(report), report);
    if (memory !== undefined) {
      this.#memory = memory;
      for (const [position, kept] of this.#recent) this.#promised.set(position, kept);
      this.#recent.clear();
    }
    this.#events.written(entry);
  }

  /** At a boot: what has come to be written without a word, and whether all is there that has to be. */
  #lookAgain(): void {
    const unsaid = this.#unsaid;
    this.#unsaid = [];
    const { memory, pending } = this.#amount();
    const left = positionsOf(pending);
    const isNews = this.#memory === null || !isSame(memory, this.#memory);
    for (const entry of unsaid) {
      const { report, ...others } = entry;
      if (report === undefined ? others.settled !== undefined : left.has(positionOf(report)))
        this.#note(entry);
      // A file that was replaced holds the report on a line of its own, which may rot alone.
      else if (isNews && isSame(memory, others.memory)) this.#note(others);
    }
    if (this.#memory !== null && !isSame(memory, this.#memory))
      this.#events.broken(`had stored ${JSON.stringify(this.#memory)}, and finds ${JSON.stringify(memory)}`);
    keepOnly(this.#recent, left);
    for (const position of this.#promised.keys())
      if (!left.has(position)) this.#events.broken(`had stored report ${position}, and does not find it`);
  }
}

/** The same, but for numbers of boots that were skipped over what could not be read. */
function isSame(found: DeviceMemory, memory: DeviceMemory | undefined): boolean {
  if (memory === undefined || found.boot < memory.boot) return false;
  return JSON.stringify({ ...found, boot: 0 }) === JSON.stringify({ ...memory, boot: 0 });
}

const positionOf = ({ boot, seq }: Pick<Report, 'boot' | 'seq'>): string => `${boot}/${seq}`;

const positionsOf = (reports: readonly Report[]): ReadonlySet<string> => new Set(reports.map(positionOf));

function keepOnly(reports: Map<string, Report>, left: ReadonlySet<string>): void {
  for (const position of reports.keys()) if (!left.has(position)) reports.delete(position);
}

function isWithin(
  { boot, seq }: Pick<Report, 'boot' | 'seq'>,
  { from, to }: NonNullable<LogEntry['settled']>,
): boolean {
  const isAfter = boot > from.boot || (boot === from.boot && seq >= from.seq);
  return isAfter && (boot < to.boot || (boot === to.boot && seq <= to.seq));
}
