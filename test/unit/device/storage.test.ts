import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Report } from '../../../machines/report.ts';
import { FileStorage } from '../../../src/device/file-storage.ts';
import {
  EMPTY_LOG,
  foldLines,
  lineOf,
  linesOf,
  type LogEntry,
  type StoredDevice,
} from '../../../src/device/log-entry.ts';
import { BLANK_MEMORY, type DeviceMemory, nextBoot } from '../../../src/device/device-state.ts';
import { MemoryStorage, StorageMedium } from '../../../src/device/memory-storage.ts';
import type { DeviceStorage } from '../../../src/device/ports.ts';

let folder: string;
let files = 0;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'corral-storage-'));
});
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

const newFile = (): string => {
  files += 1;
  return join(folder, `${files}.log`);
};

const memoryOf = (boot: number, highestN = 0): DeviceMemory => ({ ...BLANK_MEMORY, boot, highestN });
const reportOf = (boot: number, seq: number): Report => ({
  boot,
  seq,
  up: seq * 1_000,
  state: 'available',
  sensors: { level: 0.1 + 0.2, note: 'ä€😀 "quoted"\n' },
});

/** A life of a device: everything it would write. */
const life: readonly LogEntry[] = [
  { memory: memoryOf(1), report: reportOf(1, 1) },
  { report: reportOf(1, 2) },
  { settled: { from: { boot: 1, seq: 1 }, to: { boot: 1, seq: 1 } } },
  { report: reportOf(1, 3) },
  { memory: memoryOf(1, 1), report: reportOf(1, 4) },
  { settled: { from: { boot: 1, seq: 4 }, to: { boot: 1, seq: 4 } } },
  { memory: memoryOf(2, 1), report: reportOf(2, 1) },
  { settled: { from: { boot: 1, seq: 2 }, to: { boot: 1, seq: 3 } } },
  { report: reportOf(2, 2), settled: { from: { boot: 2, seq: 1 }, to: { boot: 2, seq: 1 } } },
];

async function loaded(storage: DeviceStorage): Promise<StoredDevice> {
  const stored = await storage.load();
  await storage.close();
  return stored;
}

const kinds: readonly [string, () => () => DeviceStorage][] = [
  [
    'in memory',
    () => {
      const medium = new StorageMedium();
      return () => new MemoryStorage(medium);
    },
  ],
  [
    'in a file',
    () => {
      const file = newFile();
      return () => new FileStorage({ file, device: 'cp-001' });
    },
  ],
  [
    'in a file that is replaced at every entry',
    () => {
      const file = newFile();
      return () => new FileStorage({ file, device: 'cp-001', replaceAtBytes: 1 });
    },
  ],
  [
    'in a file that is never synced',
    () => {
      const file = newFile();
      return () => new FileStorage({ file, device: 'cp-001', sync: 'none' });
    },
  ],
  [
    'in a file that is synced at every entry',
    () => {
      const file = newFile();
      return () => new FileStorage({ file, device: 'cp-001', sync: 'every' });
    },
  ],
];

describe.each(kinds)('a storage %s', (_, open) => {
  test('that was never written amounts to nothing', async () => {
    expect(await loaded(open()())).toEqual(EMPTY_LOG);
  });

  test('amounts to the same after each entry and restart', async () => {
    const reopen = open();
    for (const [index, entry] of life.entries()) {
      const storage = reopen();
      expect(await storage.load()).toEqual(foldLines(life.slice(0, index).map(lineOf)));
      await storage.append(entry);
      await storage.close();
    }
    expect(await loaded(reopen())).toEqual({
      memory: memoryOf(2, 1),
      pending: [reportOf(2, 2)],
      unreadable: 0,
    });
  });

  test('keeps the order of entries that are appended at once', async () => {
    const reopen = open();
    const storage = reopen();
    await storage.load();
    await Promise.all(life.map((entry) => storage.append(entry)));
    await storage.close();
    expect(await loaded(reopen())).toMatchObject({ memory: memoryOf(2, 1), pending: [reportOf(2, 2)] });
  });

  test('keeps a thousand reports through many settlings', async () => {
    const reopen = open();
    const storage = reopen();
    await storage.load();
    const writes: Promise<void>[] = [];
    for (let seq = 1; seq <= 1_000; seq += 1) {
      writes.push(storage.append({ report: reportOf(1, seq) }));
      if (seq % 3 !== 0) continue;
      const position = { boot: 1, seq };
      writes.push(storage.append({ settled: { from: position, to: position } }));
    }
    await Promise.all(writes);
    await storage.close();
    const { pending } = await loaded(reopen());
    expect(pending.map(({ seq }) => seq)).toEqual(
      Array.from({ length: 1_000 }, (__, index) => index + 1).filter((seq) => seq % 3 !== 0),
    );
  });
});

describe('a log', () => {
  const text = life.map((entry) => `${lineOf(entry)}\n`).join('');
  const linesOfText = (damaged: string): string[] => {
    const lines = damaged.split('\n');
    if (lines.at(-1) === '') lines.pop();
    return lines;
  };

  test('cut off anywhere amounts to the entries that are whole', () => {
    fc.assert(
      fc.property(fc.nat({ max: text.length }), (length) => {
        const cut = text.slice(0, length);
        const whole = cut.split('\n').length - 1;
        const { unreadable, ...amount } = foldLines(linesOfText(cut));
        const { unreadable: _, ...expected } = foldLines(life.slice(0, whole).map(lineOf));
        const next = life[whole];
        const withNext = foldLines(life.slice(0, whole + 1).map(lineOf));
        const isOnlyLineFeedMissing = next !== undefined && cut.endsWith(lineOf(next));
        expect(amount).toEqual(
          isOnlyLineFeedMissing ? { memory: withNext.memory, pending: withNext.pending } : expected,
        );
        expect(unreadable).toBeLessThanOrEqual(1);
      }),
      { numRuns: 500 },
    );
  });

  test('damaged anywhere is read, and the next boot has a number that was never used', () => {
    const damages = fc.array(fc.tuple(fc.nat({ max: text.length - 1 }), fc.nat({ max: 255 })), {
      minLength: 1,
      maxLength: 30,
    });
    fc.assert(
      fc.property(damages, (bytes) => {
        const buffer = Buffer.from(text);
        for (const [at, value] of bytes) buffer[at] = value;
        const stored = foldLines(linesOfText(buffer.toString()));
        const { boot } = nextBoot(stored.memory, { unreadable: stored.unreadable, holdChargeMs: 10_000 });
        expect(boot).toBeGreaterThan(2);
      }),
      { numRuns: 500 },
    );
  });

  test('of nothing but reports still knows which boot they were of', () => {
    const reports = [reportOf(7, 1), reportOf(7, 2)].map((report) => lineOf({ report }));
    expect(foldLines(reports).memory.boot).toBe(7);
  });

  test('shortened amounts to the same', () => {
    for (let length = 0; length <= life.length; length += 1) {
      const stored = foldLines(life.slice(0, length).map(lineOf));
      expect(foldLines(linesOf(stored))).toEqual(stored);
    }
  });
});

describe('a file', () => {
  const store = async (file: string, entries: readonly LogEntry[]): Promise<void> => {
    const storage = new FileStorage({ file, device: 'cp-001' });
    await storage.load();
    for (const entry of entries) await storage.append(entry);
    await storage.close();
  };

  test('with a torn line at its end goes on behind what was whole', async () => {
    const file = newFile();
    await store(file, life);
    appendFileSync(file, '1234abcd {"memory":{"boot":3,"hi');
    await store(file, [{ report: reportOf(2, 3) }]);
    const { pending, unreadable } = await loaded(new FileStorage({ file, device: 'cp-001' }));
    expect(pending.map(({ seq }) => seq)).toEqual([2, 3]);
    expect(unreadable).toBe(0);
  });

  test('of another device is refused', async () => {
    const file = newFile();
    await store(file, life);
    await expect(new FileStorage({ file, device: 'cp-002' }).load()).rejects.toMatchObject({
      code: 'foreign-device',
    });
  });

  test('of another format is refused', async () => {
    const file = newFile();
    writeFileSync(file, `${lineOf({ format: 2, device: 'cp-001' })}\n`);
    await expect(new FileStorage({ file, device: 'cp-001' }).load()).rejects.toMatchObject({
      code: 'unknown-format',
    });
  });

  test('with a damaged head is still read', async () => {
    const file = newFile();
    await store(file, life);
    const text = readFileSync(file, 'utf8');
    writeFileSync(file, `x${text.slice(1)}`);
    const { memory, unreadable } = await loaded(new FileStorage({ file, device: 'cp-001' }));
    expect(memory.boot).toBe(2);
    expect(unreadable).toBe(1);
  });

  test('that was damaged skips its boot numbers also when the device crashes before it stored anything', async () => {
    const file = newFile();
    await store(file, life);
    const lines = readFileSync(file, 'utf8').split('\n');
    writeFileSync(file, lines.map((line, index) => (index === 1 ? line.slice(2) : line)).join('\n'));
    const storage = (): FileStorage => new FileStorage({ file, device: 'cp-001' });
    const first = await loaded(storage());
    const second = await loaded(storage());
    const bootAfter = (stored: StoredDevice): number =>
      nextBoot(stored.memory, { unreadable: stored.unreadable, holdChargeMs: 10_000 }).boot;
    expect(first.unreadable).toBe(1);
    expect(second.unreadable).toBe(0);
    expect(bootAfter(second)).toBe(bootAfter(first));
  });

  test('does not grow for ever', async () => {
    const file = newFile();
    const storage = new FileStorage({ file, device: 'cp-001', replaceAtBytes: 20_000 });
    await storage.load();
    for (let seq = 1; seq <= 2_000; seq += 1) {
      const position = { boot: 1, seq };
      await storage.append({ memory: memoryOf(1, seq), report: reportOf(1, seq) });
      await storage.append({ settled: { from: position, to: position } });
    }
    await storage.close();
    expect(readFileSync(file).length).toBeLessThan(25_000);
    const { memory, pending } = await loaded(new FileStorage({ file, device: 'cp-001' }));
    expect(memory.highestN).toBe(2_000);
    expect(pending).toEqual([]);
  });

  test('is not written any more after a write has failed', async () => {
    const gone = join(folder, 'gone');
    const file = join(gone, 'device.log');
    const storage = new FileStorage({ file, device: 'cp-001', replaceAtBytes: 1 });
    await storage.load();
    rmSync(gone, { recursive: true });
    const report = reportOf(1, 1);
    await expect(storage.append({ report })).rejects.toThrow('ENOENT');
    mkdirSync(gone);
    await expect(storage.append({ report })).rejects.toThrow('ENOENT');
    await storage.close();
    expect(readdirSync(gone)).toEqual([]);
  });
});
