/**
 * A device's storage as one file: a log of entries that is only ever appended to, and replaced as a whole when most of it is
 * spent.
 *
 * Invariants:
 * I1  a line is written by one writer at a time and ends in a line feed; a `kill -9` at any point leaves at most one
 *     torn line, at the end, of an entry whose `append` had not resolved.
 * I2  the file is replaced by writing another one, syncing it, and renaming it: at any point one whole file is there.
 * I3  after a failed write nothing more is written: what follows would be glued to a torn line.
 *
 * Syncing. What the operating system has outlives a killed process; only a power cut takes what was not synced to the disk.
 * By default an entry with a `memory` (a start, an outcome, a hold) is synced before `append` resolves, and with it
 * everything before: no outcome is told that a power cut could make untrue. Other entries (reports, acks) are not: a power
 * cut may take those since the last sync, as any message may be lost. The server sees their numbers as missing, and none is
 * used twice, because the next boot counts anew.
 */
import { dirname } from 'node:path';
import { foldLines, lineOf, linesOf, type LogEntry, readLine, type StoredDevice } from './log-entry.ts';
import { type LogFile, type LogFiles, nodeFiles } from './log-files.ts';
import type { DeviceStorage } from './ports.ts';

/** Where, and how carefully. */
export interface FileStorageOptions {
  readonly file: string;
  /** Written into the file, and compared when it is read: two devices with one memory would be one identity twice. */
  readonly device: string;
  /**
   * Which entries are synced. `every`: for a gateway whose reports are worth the wear of its flash. `none`: for a simulated
   * device, which no power cut makes forget what it did.
   */
  readonly sync?: 'memory' | 'every' | 'none';
  /** The file is replaced when it is longer than this, bytes, and twice as long as after it was last replaced. */
  readonly replaceAtBytes?: number;
  /** Where files are. Default: in the file system of this machine. */
  readonly files?: LogFiles;
}

/** The storage cannot be used. Nothing about the device is known then, so it must not start. */
export class FileStorageError extends Error {
  readonly code: 'foreign-device' | 'unknown-format';

  constructor(code: FileStorageError['code'], message: string) {
    super(message);
    this.name = 'FileStorageError';
    this.code = code;
  }
}

const FORMAT = 1;
const REPLACE_AT_BYTES = 1_000_000;

interface Waiting {
  readonly line: string;
  readonly mustSync: boolean;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** See the head of this file. */
export class FileStorage implements DeviceStorage {
  readonly #options: FileStorageOptions;
  readonly #files: LogFiles;
  #open: LogFile | null = null;
  #bytes = 0;
  #replaceAt: number;
  #waiting: Waiting[] = [];
  #writing: Promise<void> | null = null;
  #failure: Error | null = null;

  constructor(options: FileStorageOptions) {
    this.#options = options;
    this.#files = options.files ?? nodeFiles;
    this.#replaceAt = this.#replaceAtBytes;
  }

  async load(): Promise<StoredDevice> {
    await this.#files.makeFolder(dirname(this.#options.file));
    const stored = await this.#read();
    await this.#replace(stored);
    return stored;
  }

  append(entry: LogEntry): Promise<void> {
    return new Promise((resolve, reject) => {
      const line = `${lineOf(entry)}\n`;
      this.#waiting.push({ line, mustSync: this.#mustSync(entry), resolve, reject });
      this.#writing ??= this.#write();
    });
  }

  async close(): Promise<void> {
    await this.#writing;
    const open = this.#open;
    this.#open = null;
    if (open === null) return;
    if (this.#failure === null && this.#isSynced) await open.sync();
    await open.close();
  }

  get #isSynced(): boolean {
    return this.#options.sync !== 'none';
  }

  #mustSync(entry: LogEntry): boolean {
    const { sync = 'memory' } = this.#options;
    return sync === 'every' || (sync === 'memory' && entry.memory !== undefined);
  }

  get #replaceAtBytes(): number {
    return this.#options.replaceAtBytes ?? REPLACE_AT_BYTES;
  }

  /** Writes what waits, all of it at a time, until nothing does. */
  async #write(): Promise<void> {
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.splice(0);
      try {
        await this.#writeBatch(batch);
      } catch (error) {
        this.#failure ??= error instanceof Error ? error : new Error(String(error));
        for (const { reject } of batch) reject(error);
        continue;
      }
      for (const { resolve } of batch) resolve();
    }
    this.#writing = null;
  }

  async #writeBatch(batch: readonly Waiting[]): Promise<void> {
    if (this.#failure !== null) throw this.#failure;
    if (this.#open === null) throw new Error(`${this.#options.file} is not open`);
    const text = batch.map(({ line }) => line).join('');
    await this.#open.append(text);
    if (batch.some(({ mustSync }) => mustSync)) await this.#open.sync();
    this.#bytes += Buffer.byteLength(text);
    if (this.#bytes > this.#replaceAt) await this.#replace(await this.#read());
  }

  async #read(): Promise<StoredDevice> {
    const text = (await this.#files.read(this.#options.file)) ?? '';
    const [first = '', ...rest] = text.split('\n');
    const isWholeHead = this.#isHead(first);
    const lines = isWholeHead ? rest : [first, ...rest];
    if (lines.at(-1) === '') lines.pop();
    return foldLines(lines);
  }

  /** True for the first line of a log of this device, false for a damaged one. */
  #isHead(line: string): boolean {
    const head = readLine(line) as { readonly format?: unknown; readonly device?: unknown } | null;
    if (head === null) return false;
    const { file, device } = this.#options;
    if (head.format !== FORMAT) {
      throw new FileStorageError('unknown-format', `${file} is not a device log of format ${FORMAT}`);
    }
    if (head.device !== device) {
      throw new FileStorageError(
        'foreign-device',
        `${file} belongs to the device ${String(head.device)}, not to ${device}: give each device a file of its own`,
      );
    }
    return true;
  }

  /** Puts the shortest log that amounts to `stored` in the place of the present one, and goes on writing there. */
  async #replace(stored: StoredDevice): Promise<void> {
    const { file, device } = this.#options;
    const next = `${file}.next`;
    const lines = [lineOf({ format: FORMAT, device }), ...linesOf(stored)];
    const text = `${lines.join('\n')}\n`;
    await this.#files.remove(next);
    const open = await this.#files.create(next);
    try {
      await open.append(text);
      // Before the rename: its new name may come to the disk earlier than what it holds does.
      if (this.#isSynced) await open.sync();
      await this.#files.rename(next, file);
      if (this.#isSynced) await this.#files.syncFolder(dirname(file));
    } catch (error) {
      await open.close();
      throw error;
    }
    await this.#open?.close();
    this.#open = open;
    this.#bytes = Buffer.byteLength(text);
    this.#replaceAt = Math.max(this.#replaceAtBytes, 2 * this.#bytes);
  }
}
