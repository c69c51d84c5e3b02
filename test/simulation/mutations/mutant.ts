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

/** A program that runs and judges worlds, from the root of the project. */
export interface Judge {
  readonly entry: string;
  /** What it needs besides `machines`, `actors` and `src`. */
  readonly needs: readonly string[];
  /** What it reads, and no bug is in: it is not copied. */
  readonly links: readonly string[];
  /** What it is told besides which worlds. */
  readonly args: readonly string[];
  /** A bug may make a world stand still; it is given up then, ms. */
  readonly runMaxMs: number;
}

const SIMULATION: Judge = {
  entry: 'test/simulation/main.ts',
  needs: ['tools/cli', 'test/simulation'],
  links: [],
  args: ['--terse'],
  runMaxMs: 250_000,
};
const COPIED = ['machines', 'actors', 'src', 'package.json', 'tsconfig.json'];

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
  judge: Judge = SIMULATION,
): Promise<MutantResult> {
  const folder = mkdtempSync(join(tmpdir(), 'corral-mutant-'));
  try {
    for (const path of [...COPIED, ...judge.needs])
      cpSync(join(root, path), join(folder, path), { recursive: true });
    for (const path of ['node_modules', ...judge.links]) symlinkSync(join(root, path), join(folder, path));
    const file = join(folder, mutation.file);
    writeFileSync(
      file,
      readFileSync(file, 'utf8').replace(mutation.find, () => mutation.put),
    );
    const worlds = seeds === 1 ? ['--seed', `${first}`] : ['--first', `${first}`, '--seeds', `${seeds}`];
    const output = await simulate(folder, judge, worlds);
    return { noticed: noticedIn(output), output };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function simulate(folder: string, judge: Judge, worlds: readonly string[]): Promise<string> {
  const entry = join(folder, judge.entry);
  const child = spawn(process.execPath, ['--import', 'tsx', entry, ...worlds, ...judge.args], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: judge.runMaxMs,
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
