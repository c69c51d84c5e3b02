/**
 * The folder in which `npm start` keeps everything: whose it is, and who uses it now.
 *
 * I1. Nothing is put into a folder that somebody else made, and nothing in it is deleted.
 * I2. Of a folder that `npm start` made, what `npm start` keeps there is deleted and nothing else, and only by whoever has its lock.
 * I3. The lock is the system's: it ends with the process that has it, however that ends, and not before.
 */
import {
  closeSync,
  existsSync,
  ftruncateSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { join, resolve } from 'node:path';
import { tryLock } from 'fs-native-extensions';
import { endOrphan } from '../dev/child-server.ts';
import { DevServerError } from '../dev/dev-server-error.ts';

/** What is kept in it, by name: a folder for each server and the fleet, and the node's log. */
const KEPT = ['postgres', 'hub', 'site', 'fleet', 'node.log'] as const;

/** Marks the folder as made by `npm start`; whoever uses the folder has the lock of this file. */
const MARK = 'corral-data';

/** How a mark begins; one that somebody made by hand is empty. */
const MARK_BEGINS = 'This folder was made by "npm start" of Corral, which';

const MARK_SAYS =
  `${MARK_BEGINS} keeps ${KEPT.join(', ')} in it. ` +
  'With --fresh it deletes those, and nothing else. Used last by process ';

/** See the head of this file. */
export class DataFolder {
  readonly path: string;
  readonly #lock: number;

  /**
   * Takes the folder, and makes it where there is none; nothing is deleted.
   *
   * @throws DevServerError `data-unusable` for a folder that somebody else made, `data-in-use` for one that another start uses.
   */
  static open(folder: string): DataFolder {
    const path = resolve(folder);
    const mark = join(path, MARK);
    if (!isMarked(mark)) checkEmpty(path);
    return usable(path, () => {
      mkdirSync(path, { recursive: true });
      return new DataFolder(path, openSync(mark, 'a+'), mark);
    });
  }

  private constructor(path: string, lock: number, mark: string) {
    this.path = path;
    this.#lock = lock;
    if (!tryLock(lock)) {
      const holder = /\d+$/.exec(readFileSync(mark, 'utf8').trim())?.[0] ?? 'unknown';
      this.close();
      throw new DevServerError(
        'data-in-use',
        `Another npm start (process ${holder}) uses ${path}: stop that one, or choose another folder with --data-dir.`,
      );
    }
    ftruncateSync(lock);
    writeSync(lock, `${MARK_SAYS}${process.pid}\n`);
  }

  /** Where one of the things that are kept in it is. */
  of(name: (typeof KEPT)[number]): string {
    return join(this.path, name);
  }

  /** Ends the servers that a start which was killed has left running on it. */
  async endOrphans(): Promise<void> {
    for (const kept of KEPT) {
      const names = listed(this.of(kept)).filter((name) => name.endsWith('.pid'));
      for (const name of names) await endOrphan({ name: kept, pidFile: join(this.of(kept), name) });
    }
  }

  /** Deletes what is kept in it. Returns the names of what somebody else put there: that stays. */
  makeFresh(): readonly string[] {
    for (const name of KEPT) rmSync(this.of(name), { recursive: true, force: true });
    return listed(this.path).filter((name) => name !== MARK);
  }

  /** Lets others use it. */
  close(): void {
    closeSync(this.#lock);
  }
}

/** A file that only has the name of a mark is somebody's own, and a link leads to what may be. */
function isMarked(mark: string): boolean {
  return usable(mark, () => {
    const found = lstatSync(mark, { throwIfNoEntry: false });
    if (found?.isFile() !== true) return false;
    const says = readFileSync(mark, 'utf8');
    return says === '' || says.startsWith(MARK_BEGINS);
  });
}

function checkEmpty(path: string): void {
  const found = usable(path, () => (existsSync(path) ? readdirSync(path) : []));
  if (found.length === 0) return;
  throw new DevServerError(
    'data-unusable',
    `${path} holds files, and npm start did not make it (it has no file ${MARK} of Corral's): nothing in it was touched. ` +
      'Choose a new or an empty folder with --data-dir. If an earlier version of Corral made this one, ' +
      `say so with: touch ${JSON.stringify(join(path, MARK))}`,
  );
}

/** What the system refuses becomes a sentence. */
function usable<Result>(path: string, use: () => Result): Result {
  try {
    return use();
  } catch (error) {
    if (!(error instanceof Error) || !('syscall' in error)) throw error;
    throw new DevServerError(
      'data-unusable',
      `${path} cannot be used as a data folder: ${error.message}.`,
      error,
    );
  }
}

/** Names in a folder; none where there is no folder. */
function listed(path: string): readonly string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}
