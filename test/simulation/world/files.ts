/**
 * A file system as disks really keep it: what programs see, and what of it would outlive a power cut. A file's bytes and its name come to
 * the disk each in their own time, unless they are synced: so a file that was renamed may have the new name and nothing in it yet.
 *
 * Invariants:
 * I1  what was synced is there after a power cut; of what was appended since, some part from its beginning is, or nothing.
 * I2  names change on the disk in the order in which programs change them.
 */
import type { LogFile, LogFiles } from '../../../src/device/log-files.ts';
import type { Chance } from './chance.ts';

/** A call on its way. */
export interface Operation<Result> {
  readonly name: 'read' | 'sync' | 'other';
  /** It is done. */
  readonly finish: () => Result;
  /** The process ends in the middle of it. */
  readonly breakOff: (chance: Chance) => void;
}

/** Takes a call to the disk; resolves when it is done. */
export type Take = <Result>(operation: Operation<Result>) => Promise<Result>;

/** What one power cut took. */
export interface Taken {
  /** Bytes that were not synced, of files that still have a name. */
  readonly bytes: number;
  /** Names that were changed, and are what they were before. */
  readonly names: number;
}

interface Bytes {
  text: string;
  /** So many of them would outlive a power cut. */
  synced: number;
}

type Names = Map<string, Bytes>;

/** The files of one disk. */
export class Files {
  #names: Names = new Map();
  #namesOnDisk: Names = new Map();
  /** How the names were changed since they were synced. */
  #changes: ((names: Names) => void)[] = [];

  /** What a program would read; empty where there is no such file. */
  text(name: string): string {
    return this.#names.get(name)?.text ?? '';
  }

  /** The calls of a program, each of which is taken to the disk by `take`. */
  calls(take: Take): LogFiles {
    const other = (finish: () => void): Promise<void> =>
      take({ name: 'other', finish, breakOff: (chance) => chance.hits(0.5) && finish() });
    return {
      makeFolder: async () => undefined,
      read: (name) =>
        take({
          name: 'read',
          finish: () => this.#names.get(name)?.text ?? null,
          breakOff: () => undefined,
        }),
      create: async (name) => {
        const bytes: Bytes = { text: '', synced: 0 };
        await other(() => {
          if (this.#names.has(name)) throw new Error(`${name} is there already`);
          this.#change((names) => names.set(name, bytes));
        });
        return openFile(bytes, take);
      },
      rename: (from, to) =>
        other(() =>
          this.#change((names) => {
            const bytes = names.get(from);
            if (bytes === undefined) throw new Error(`there is no ${from}`);
            names.delete(from);
            names.set(to, bytes);
          }),
        ),
      remove: (name) => other(() => this.#change((names) => names.delete(name))),
      syncFolder: () => take({ name: 'sync', finish: () => this.#syncNames(), breakOff: () => undefined }),
    };
  }

  /** The power goes, and comes back. */
  cutPower(chance: Chance): Taken {
    const arrived = chance.integer(0, this.#changes.length);
    for (const change of this.#changes.slice(0, arrived)) change(this.#namesOnDisk);
    const names = this.#changes.length - arrived;
    this.#names = new Map(this.#namesOnDisk);
    this.#changes = [];
    let lost = 0;
    for (const bytes of this.#names.values()) {
      const before = bytes.text.length;
      const arrivedBytes = chance.pick([0, chance.integer(0, before - bytes.synced), before - bytes.synced]);
      bytes.text = bytes.text.slice(0, bytes.synced + arrivedBytes);
      bytes.synced = bytes.text.length;
      lost += before - bytes.synced;
    }
    return { bytes: lost, names };
  }

  /** Nothing is there any more. */
  wipe(): void {
    this.#names = new Map();
    this.#syncNames();
  }

  /** One byte of a file is another from now on. */
  rot(name: string, at: number): void {
    const bytes = this.#names.get(name);
    if (bytes === undefined) throw new Error(`there is no ${name}`);
    const other = bytes.text[at] === '#' ? '%' : '#';
    bytes.text = `${bytes.text.slice(0, at)}${other}${bytes.text.slice(at + 1)}`;
  }

  #change(change: (names: Names) => void): void {
    change(this.#names);
    this.#changes.push(change);
  }

  #syncNames(): void {
    this.#namesOnDisk = new Map(this.#names);
    this.#changes = [];
  }
}

function openFile(bytes: Bytes, take: Take): LogFile {
  const append = (text: string): void => void (bytes.text += text);
  return {
    append: (text) =>
      take({
        name: 'other',
        finish: () => append(text),
        breakOff: (chance) => append(text.slice(0, chance.integer(0, text.length))),
      }),
    sync: () =>
      take({
        name: 'sync',
        finish: () => void (bytes.synced = bytes.text.length),
        breakOff: () => undefined,
      }),
    close: async () => undefined,
  };
}
