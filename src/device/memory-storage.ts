/**
 * A storage in memory, for simulations and replays. It keeps what a disk would keep, as the same lines of text, in a
 * `StorageMedium` that outlives the agent: a simulated reboot opens it again, a simulated repair wipes it.
 */
import { foldLines, lineOf, linesOf, type LogEntry, type StoredDevice } from './log-entry.ts';
import type { DeviceStorage } from './ports.ts';

/** A medium with more lines than this, and twice as many as after it was last shortened, is shortened. */
const LINES_KEPT = 10_000;

/** The disk of a simulated device. */
export class StorageMedium {
  #lines: string[] = [];
  #shortenAt = LINES_KEPT;

  /** As text, oldest line first. */
  lines(): readonly string[] {
    return this.#lines;
  }

  write(line: string): void {
    this.#lines.push(line);
    if (this.#lines.length <= this.#shortenAt) return;
    this.#lines = linesOf(foldLines(this.#lines));
    this.#shortenAt = Math.max(LINES_KEPT, 2 * this.#lines.length);
  }

  /** The storage was swapped, or lost. */
  wipe(): void {
    this.#lines = [];
  }
}

/** Opens a medium for one boot. */
export class MemoryStorage implements DeviceStorage {
  readonly #medium: StorageMedium;

  constructor(medium: StorageMedium) {
    this.#medium = medium;
  }

  async load(): Promise<StoredDevice> {
    return foldLines(this.#medium.lines());
  }

  async append(entry: LogEntry): Promise<void> {
    this.#medium.write(lineOf(entry));
  }

  async close(): Promise<void> {
    // Everything is on the medium already.
  }
}
