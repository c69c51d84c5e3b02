/** `kill -9` of a process with an agent in it, again and again, on one file. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { FileStorage } from '../../src/device/file-storage.ts';

let folder: string;
const writer = fileURLToPath(new URL('./device-writer.ts', import.meta.url));

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'corral-kill-'));
});
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

/** Lets the agent write until it has said so many lines, kills it, and returns what it had said by then. */
async function writeAndKill(file: string, lines: number): Promise<string[]> {
  const child = spawn(process.execPath, ['--import', 'tsx', writer, file], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = once(child, 'exit');
  let said = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    said += text;
    if (said.split('\n').length > lines) child.kill('SIGKILL');
  });
  await ended;
  return said.split('\n').slice(0, -1);
}

test('what was stored when the process was killed is there afterwards, and no boot number comes twice', async () => {
  const file = join(folder, 'cp-1.log');
  const said: string[] = [];
  for (let round = 1; round <= 6; round += 1) {
    const lines = await writeAndKill(file, 37 * round);
    expect(lines[0]).toMatch(new RegExp(`^${round}/1/`));
    said.push(...lines);
  }
  const storage = new FileStorage({ file, device: 'cp-1' });
  const { memory, pending } = await storage.load();
  await storage.close();
  expect(memory.boot).toBe(6);
  const kept = new Set(pending.map(({ boot, seq, sensors }) => `${boot}/${seq}/${String(sensors.level)}`));
  expect(kept.size).toBe(pending.length);
  expect(said.filter((line) => !kept.has(line))).toEqual([]);
});
