/** The file system, as a device's storage uses it: its lowest calls, and what each of them promises. */
import { mkdir, open, readFile, rename, rm } from 'node:fs/promises';

/**
 * The calls of a file system from which the storage is made. What was appended outlives a killed process; what was synced as well outlives
 * a power cut. Any call may reject, and the storage is of no use from then on.
 */
export interface LogFiles {
  /** Makes a folder, and those it lies in, unless they are there. */
  makeFolder(folder: string): Promise<void>;
  /** What a file holds; `null` where there is none. */
  read(file: string): Promise<string | null>;
  /** Makes a file, which must not be there yet, for the eyes of its owner alone. */
  create(file: string): Promise<LogFile>;
  /** Gives a file another name, and so takes away the one that had it. */
  rename(from: string, to: string): Promise<void>;
  /** Takes a file away, if it is there. */
  remove(file: string): Promise<void>;
  /** What the files of a folder are called outlives a power cut from now on; what they hold does not. */
  syncFolder(folder: string): Promise<void>;
}

/** A file that is open for appending. It stays the same one when it is renamed. */
export interface LogFile {
  append(text: string): Promise<void>;
  /** What it holds outlives a power cut from now on; what it is called does not. */
  sync(): Promise<void>;
  close(): Promise<void>;
}

/** The files of the machine that this process runs on; errors are those of Node. */
export const nodeFiles: LogFiles = {
  async makeFolder(folder) {
    await mkdir(folder, { recursive: true });
  },
  async read(file) {
    try {
      return await readFile(file, 'utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      return null;
    }
  },
  async create(file) {
    const handle = await open(file, 'ax', 0o600);
    return {
      append: (text) => handle.appendFile(text),
      sync: () => handle.datasync(),
      close: () => handle.close(),
    };
  },
  rename,
  remove: (file) => rm(file, { force: true }),
  async syncFolder(folder) {
    const handle = await open(folder, 'r');
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  },
};
