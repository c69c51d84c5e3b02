/**
 * Builds the C client (`clients/c`) where there is a compiler. Nothing but Node and git has to be installed for the tests, so without one
 * what needs it is skipped, on CI machines too, and says so by its name.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { projectFolder } from '../../tools/dev/project-folders.ts';

const folder = join(projectFolder, 'clients/c');

/** Every warning is an error: firmware is built by compilers that we have not seen. */
const FLAGS = ['-std=c99', '-Wall', '-Wextra', '-Werror', '-pedantic'];

/** How a program is built. */
export type Build = 'plain' | 'sanitized';

const BUILD_FLAGS: Readonly<Record<Build, readonly string[]>> = {
  plain: ['-O2'],
  sanitized: ['-O1', '-g', '-fsanitize=address,undefined', '-fno-sanitize-recover=all'],
};

/** Whether a compiler that builds so is here: named in `CC`, or any of the usual ones. */
function findCompiler(build: Build): string | null {
  const trial = mkdtempSync(join(tmpdir(), 'corral-cc-'));
  const source = join(trial, 'trial.c');
  writeFileSync(source, 'int main(void) { return 0; }\n');
  try {
    const { CC } = process.env;
    const names = CC === undefined || CC === '' ? ['cc', 'gcc', 'clang'] : [CC];
    const builds = (name: string): boolean =>
      spawnSync(name, [...FLAGS, ...BUILD_FLAGS[build], '-o', join(trial, 'trial'), source]).status === 0;
    return names.find(builds) ?? null;
  } finally {
    rmSync(trial, { recursive: true, force: true });
  }
}

const compilers: Readonly<Record<Build, string | null>> = {
  plain: findCompiler('plain'),
  sanitized: findCompiler('sanitized'),
};

/** Whether a program can be built so on this machine. */
export function hasCompiler(build: Build): boolean {
  return compilers[build] !== null;
}

/** For the name of what is skipped without a compiler. */
export function compilerNote(build: Build): string {
  if (hasCompiler(build)) return '';
  return build === 'plain' || !hasCompiler('plain')
    ? ' (skipped: no C compiler is installed; install gcc, or name one in CC)'
    : ' (skipped: the C compiler has no address sanitizer; install libasan)';
}

const sourcesIn = (part: string): readonly string[] =>
  readdirSync(join(folder, part))
    .filter((name) => name.endsWith('.c'))
    .map((name) => join(folder, part, name));

/** The core, and nothing else. */
export const coreSources = (): readonly string[] => sourcesIn('.');

/** The core with what asks it for a test. */
export const harnessSources = (): readonly string[] => [...coreSources(), ...sourcesIn('test')];

/** The core as a device on POSIX. */
export const exampleSources = (): readonly string[] => [...coreSources(), ...sourcesIn('example')];

/** Builds a program. Throws with what the compiler said. */
export function buildProgram(build: Build, sources: readonly string[], program: string): void {
  compile(build, ['-o', program, ...sources]);
}

/** Builds one object file in the folder `objects`, as for a machine without a library; returns what it needs of others. */
export function symbolsOfLibrary(sources: readonly string[], objects: string): readonly string[] {
  const program = join(objects, 'core.o');
  compile('plain', ['-ffreestanding', '-nostdlib', '-r', '-o', program, ...sources]);
  const undefinedSymbols = execFileSync('nm', ['-u', program], { encoding: 'utf8' });
  return [...undefinedSymbols.matchAll(/ U (\S+)/g)].map(([, name = '']) => name).sort();
}

function compile(build: Build, args: readonly string[]): void {
  const compiler = compilers[build];
  if (compiler === null) throw new Error(`there is no C compiler for ${build}: skip what needs one`);
  const { status, stderr } = spawnSync(compiler, [...FLAGS, ...BUILD_FLAGS[build], ...args], {
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`${compiler} ended with ${String(status)}: ${stderr}`);
}
