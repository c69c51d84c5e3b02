/**
 * What a file storage promises, on a disk that keeps what was synced and no more: the power goes at each of the calls that it makes.
 */
import { describe, expect, test } from 'vitest';
import type { Report } from '../../../machines/report.ts';
import { FileStorage, type FileStorageOptions } from '../../../src/device/file-storage.ts';
import { EMPTY_LOG, type LogEntry, type StoredDevice } from '../../../src/device/log-entry.ts';
import { BLANK_MEMORY } from '../../../src/device/device-state.ts';
import { Chance } from '../../simulation/world/chance.ts';
import { Files, type Take } from '../../simulation/world/files.ts';

const SEEDS = 400;

const reportOf = (seq: number): Report => ({
  boot: 1,
  seq,
  up: seq * 1_000,
  state: 'available',
  sensors: {},
});

/** Every third entry holds a memory, whose `highestN` counts them. */
const life: readonly LogEntry[] = Array.from({ length: 12 }, (_, index) => ({
  report: reportOf(index + 1),
  ...(index % 3 === 0 && { memory: { ...BLANK_MEMORY, boot: 1, highestN: index + 1 } }),
}));

/** A machine whose power goes at its `steps`-th call. */
class Machine {
  readonly #chance: Chance;
  readonly #files: Files;
  #steps: number;
  readonly hasGone: Promise<void>;
  #go: () => void = () => undefined;

  constructor(files: Files, chance: Chance, steps: number) {
    this.#files = files;
    this.#chance = chance;
    this.#steps = steps;
    this.hasGone = new Promise((resolve) => (this.#go = resolve));
  }

  readonly take: Take = (operation) => {
    this.#steps -= 1;
    if (this.#steps > 0) return Promise.resolve().then(operation.finish);
    if (this.#steps === 0) {
      operation.breakOff(this.#chance);
      this.#files.cutPower(this.#chance);
      this.#go();
    }
    return new Promise(() => undefined);
  };
}

interface Ending {
  /** How many entries the storage said were stored. */
  readonly said: number;
  readonly found: StoredDevice;
}

/** Lives until the power goes, and looks what is there then. */
async function liveUntil(steps: number, seed: number, options: Partial<FileStorageOptions>): Promise<Ending> {
  const files = new Files();
  const machine = new Machine(files, new Chance(seed), steps);
  const open = (take: Take): FileStorage =>
    new FileStorage({ file: 'device.log', device: 'cp-001', ...options, files: files.calls(take) });
  const storage = open(machine.take);
  let said = 0;
  const living = async (): Promise<void> => {
    await storage.load();
    for (const entry of life) {
      await storage.append(entry);
      said += 1;
    }
  };
  await Promise.race([living(), machine.hasGone]);
  if (said === life.length) return { said, found: EMPTY_LOG };
  return { said, found: await open((operation) => Promise.resolve().then(operation.finish)).load() };
}

/** The life with the power going at the first call, at the second, and so on, each time on another disk. */
async function endings(options: Partial<FileStorageOptions>): Promise<readonly Ending[]> {
  const all: Ending[] = [];
  for (let seed = 1; seed <= SEEDS; seed += 1) {
    const ending = await liveUntil(1 + (seed % 60), seed, options);
    if (ending.said < life.length) all.push(ending);
  }
  expect(all.length).toBeGreaterThan(SEEDS / 4);
  return all;
}

const newestMemory = (entries: readonly LogEntry[]): number =>
  entries.findLast(({ memory }) => memory !== undefined)?.memory?.highestN ?? 0;

describe.each([
  ['a storage', {}],
  ['a storage that is replaced at every entry', { replaceAtBytes: 1 }],
] as const)('%s whose power goes', (_, options) => {
  test('still has the memory that it said it had stored, or the one after it', async () => {
    for (const { said, found } of await endings(options)) {
      const promised = newestMemory(life.slice(0, said));
      const perhaps = newestMemory(life.slice(0, said + 1));
      expect([promised, perhaps]).toContain(found.memory.highestN);
    }
  });

  test('still has every report that it stored before that memory', async () => {
    for (const { said, found } of await endings(options)) {
      const promised = newestMemory(life.slice(0, said));
      const seqs = found.pending.map(({ seq }) => seq);
      expect(seqs).toEqual(Array.from({ length: seqs.length }, (__, index) => index + 1));
      expect(seqs.length).toBeGreaterThanOrEqual(promised);
    }
  });
});

test('a storage that is synced at every entry loses none that it said it had stored', async () => {
  for (const { said, found } of await endings({ sync: 'every', replaceAtBytes: 1 }))
    expect(found.pending.length).toBeGreaterThanOrEqual(said);
});
