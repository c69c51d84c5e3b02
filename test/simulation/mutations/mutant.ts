/**
 * The simulation on a copy of the source with one bug planted in it. The source itself stays as it is, and needs no door for
 * bugs to come in by.
 */
import { spawn } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Mutation } from './mutation.ts';

const root = join(import.meta.dirname, '../../..');
/** A bug may make a world stand still; it is given up then, ms. */
const RUN_MAX_MS = 250_000;
const COPIED = ['machines', 'actors', 'src', 'tools/cli', 'test/simulation', 'package.json', 'tsconfig.json'];

/** A mutant's verdict on some worlds. */
export interface MutantResult {
  /** Names of the checkers that noticed, by seed; worlds in which nobody did are not there. */
  readonly noticed: ReadonlyMap<number, readonly string[]>;
  /** What the command printed. */
  readonly output: string;
}

/** How often the text to be replaced stands in its file: exactly once, or the bug has to be planted anew. */
export function occurrences({ file, find }: Mutation): number {
  return readFileSync(join(root, file), 'utf8').split(find).length - 1;
}

/** Runs `seeds` worlds from `first` on with the bug in them. */
export async function runMutant(
  mutation: Mutation,
  { first, seeds }: { readonly first: number; readonly seeds: number },
): Promise<MutantResult> {
  const folder = mkdtempSync(join(tmpdir(), 'corral-mutant-'));
  try {
    for (const path of COPIED) cpSync(join(root, path), join(folder, path), { recursive: true });
    symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
    const file = join(folder, mutation.file);
    writeFileSync(
      file,
      readFileSync(file, 'utf8').replace(mutation.find, () => mutation.put),
    );
    const worlds = seeds === 1 ? ['--seed', `${first}`] : ['--first', `${first}`, '--seeds', `${seeds}`];
    const output = await simulate(folder, [...worlds, '--terse']);
    return { noticed: noticedIn(output), output };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function simulate(folder: string, args: readonly string[]): Promise<string> {
  const entry = join(folder, 'test/simulation/main.ts');
  const child = spawn(process.execPath, ['--import', 'tsx', entry, ...args], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: RUN_MAX_MS,
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += String(chunk)));
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', () => resolve(output));
  });
}

function noticedIn(output: string): Map<number, string[]> {
  const noticed = new Map<number, string[]>();
  for (const [, seedText, checker = ''] of output.matchAll(/^seed (\d+): ([a-z-]+), in/gm)) {
    const seed = Number(seedText);
    noticed.set(seed, [...(noticed.get(seed) ?? []), checker]);
  }
  return noticed;
}
