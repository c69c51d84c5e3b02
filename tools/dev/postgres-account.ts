/**
 * Under which account Postgres runs. It refuses to run as root; so a root's Postgres runs as an account without rights
 * that the system has already: no user is created.
 */
import { existsSync, statSync } from 'node:fs';
import { DevServerError } from './dev-server-error.ts';
import { runCommand } from './run-command.ts';

/** How to start a program under the account. */
export interface PostgresAccount {
  /** Owner of the data; undefined when it is simply whoever runs this program. */
  readonly uid?: number;
  readonly gid?: number;
  /** Set for `spawn`: the same ids, unless the launcher sets them. */
  readonly spawnAs: { readonly uid?: number; readonly gid?: number };
  /** A program with its arguments that has to start the program, or nothing. */
  readonly launcher: readonly string[];
}

const candidates = ['postgres', 'nobody'];
const timeoutMs = 10_000;

/**
 * Chooses the account.
 *
 * @param clusterFolder where the data is, or is going to be. Its owner, when it exists, is the account.
 * @param reachable files and folders that the account has to get at.
 * @throws DevServerError `data-unusable` when it cannot.
 */
export async function chooseAccount(
  clusterFolder: string,
  reachable: readonly string[],
): Promise<PostgresAccount> {
  if (process.getuid?.() !== 0) return { spawnAs: {}, launcher: [] };
  const ids = existsSync(clusterFolder) ? statSync(clusterFolder) : await idsOfFirst(candidates);
  const { uid, gid } = ids;
  const unreachable = await firstUnreachable(reachable, { uid, gid });
  if (unreachable === null) return { uid, gid, spawnAs: { uid, gid }, launcher: [] };
  const launcher = pathOverridingLauncher(uid, gid);
  const [program = '', ...args] = launcher;
  try {
    await runCommand(program, [...args, 'test', '-x', unreachable], { timeoutMs });
  } catch (error) {
    throw new DevServerError(
      'data-unusable',
      `Postgres does not run as root, and the account with id ${uid} that it runs as cannot reach ${unreachable}: make the folders above it passable (chmod o+x), or run this as another user.`,
      error,
    );
  }
  return { uid, gid, spawnAs: {}, launcher };
}

/**
 * A root's own folders are closed to others (a home, a temporary folder). With this the account keeps one of root's rights,
 * to pass folders by; `no_setuid_fixup` makes that right count for access(2) too, by which Postgres looks for its files.
 */
function pathOverridingLauncher(uid: number, gid: number): readonly string[] {
  return [
    'setpriv',
    `--reuid=${uid}`,
    `--regid=${gid}`,
    '--clear-groups',
    '--securebits=+no_setuid_fixup',
    '--inh-caps=-all,+dac_override',
    '--ambient-caps=-all,+dac_override',
  ];
}

async function idsOfFirst(names: readonly string[]): Promise<{ readonly uid: number; readonly gid: number }> {
  for (const name of names) {
    try {
      const uid = Number(await runCommand('id', ['-u', name], { timeoutMs }));
      const gid = Number(await runCommand('id', ['-g', name], { timeoutMs }));
      return { uid, gid };
    } catch {
      // No account of this name: the next one.
    }
  }
  throw new DevServerError(
    'data-unusable',
    `Postgres does not run as root, and this system has no account ${names.join(' or ')}: run this as another user.`,
  );
}

async function firstUnreachable(
  paths: readonly string[],
  ids: { readonly uid: number; readonly gid: number },
): Promise<string | null> {
  for (const path of paths) {
    try {
      await runCommand('test', ['-x', path], { ...ids, timeoutMs });
    } catch {
      return path;
    }
  }
  return null;
}
