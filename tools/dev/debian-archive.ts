/**
 * Unpacks a package of Debian's development suite without installing it. Its nats-server is a static binary that runs on
 * any Linux, while the suites that machines run on carry versions that are too old for a hub.
 *
 * apt does the work, with the system's own mirror, proxy and keys, but on folders of our own: the system's package state
 * is neither changed nor locked. It takes a package only if the archive's index, signed with Debian's own keys, names its
 * checksum; that cannot be switched off by the system's settings.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runCommand } from './run-command.ts';

const suite = 'sid';
const keyring = '/usr/share/keyrings/debian-archive-keyring.gpg';

/** The package lists are some ten megabytes; a mirror that takes longer is not going to answer. */
const aptTimeoutMs = 120_000;

/**
 * Downloads the package `name` and unpacks it below `folder`, which has to exist.
 *
 * @param from the archive; default: the mirror that this machine uses.
 * @returns the path of the package's program of the same name.
 * @throws Error when this is not a Debian, its archive does not answer, or is not signed with Debian's keys.
 */
export async function unpackFromDebianArchive(name: string, folder: string, from?: string): Promise<string> {
  if (!existsSync(keyring)) throw new Error('this system is not a Debian (its archive keyring is missing)');
  const uri = from ?? (await archiveUri());
  const apt = privateApt(folder);
  writeFileSync(join(folder, 'sources.list'), `deb [signed-by=${keyring}] ${uri} ${suite} main\n`);
  await runCommand('apt-get', [...apt, 'update'], { timeoutMs: aptTimeoutMs });
  await runCommand('apt-get', [...apt, 'download', name], { cwd: folder, timeoutMs: aptTimeoutMs });
  const packageFile = readdirSync(folder).find((file) => file.endsWith('.deb'));
  if (packageFile === undefined) throw new Error(`apt-get downloaded no package of ${name}`);
  await runCommand('dpkg-deb', ['-x', join(folder, packageFile), join(folder, 'unpacked')], {
    timeoutMs: aptTimeoutMs,
  });
  const program = ['usr/sbin', 'usr/bin']
    .map((place) => join(folder, 'unpacked', place, name))
    .find((file) => existsSync(file));
  if (program === undefined) throw new Error(`the package ${name} holds no program ${name}`);
  return program;
}

/** Options that point apt at folders below `folder` instead of the system's. */
function privateApt(folder: string): readonly string[] {
  mkdirSync(join(folder, 'state/lists/partial'), { recursive: true });
  mkdirSync(join(folder, 'cache/archives/partial'), { recursive: true });
  const options = {
    'Dir::Etc::sourcelist': join(folder, 'sources.list'),
    'Dir::Etc::sourceparts': '/dev/null',
    'Dir::Etc::preferences': '/dev/null',
    'Dir::Etc::preferencesparts': '/dev/null',
    'Dir::State': join(folder, 'state'),
    'Dir::Cache': join(folder, 'cache'),
    'Acquire::Languages': 'none',
    // Whatever the system allows itself: what is not signed is not run.
    'Acquire::AllowInsecureRepositories': 'false',
    'Acquire::AllowWeakRepositories': 'false',
    'Acquire::AllowDowngradeToInsecureRepositories': 'false',
    'APT::Get::AllowUnauthenticated': 'false',
    // Root's apt changes to an account that may not write into our folder.
    'APT::Sandbox::User': '',
  };
  return ['-qq', ...Object.entries(options).flatMap(([key, value]) => ['-o', `${key}=${value}`])];
}

/** The mirror of Debian's archive that this machine uses. */
async function archiveUri(): Promise<string> {
  const targets = await runCommand(
    'apt-get',
    ['indextargets', '--format', '$(REPO_URI)|$(ORIGIN)', 'Created-By: Packages'],
    { timeoutMs: aptTimeoutMs },
  );
  const known = targets
    .split('\n')
    .find((line) => line.endsWith('|Debian'))
    ?.split('|')[0];
  const uri = known ?? archiveUriFromSources('/etc/apt', '/etc/os-release');
  if (uri === null) throw new Error("apt's sources name no mirror of Debian's archive");
  return uri;
}

/**
 * The same from apt's configuration files: until the lists are loaded for the first time, apt itself does not know which
 * of its sources is Debian's. That is the one whose suite is the system's release.
 */
function archiveUriFromSources(aptFolder: string, releaseFile: string): string | null {
  const codename = /^VERSION_CODENAME=(\S+)$/m.exec(readFileSync(releaseFile, 'utf8'))?.[1] ?? 'stable';
  const partsFolder = join(aptFolder, 'sources.list.d');
  const files = [
    join(aptFolder, 'sources.list'),
    ...(existsSync(partsFolder) ? readdirSync(partsFolder).map((file) => join(partsFolder, file)) : []),
  ].filter((file) => existsSync(file));
  for (const file of files) {
    const text = readFileSync(file, 'utf8');
    const uri = file.endsWith('.sources') ? uriOfStanzas(text, codename) : uriOfLines(text, codename);
    if (uri !== null) return uri;
  }
  return null;
}

/** deb822: stanzas of `Key: value` lines, parted by empty lines. */
function uriOfStanzas(text: string, codename: string): string | null {
  for (const stanza of text.replace(/^#.*\n/gm, '').split(/\n\s*\n/)) {
    const suites = /^Suites:(.*)$/im.exec(stanza)?.[1]?.trim().split(/\s+/) ?? [];
    const uri = /^URIs:\s*(\S+)/im.exec(stanza)?.[1];
    if (uri !== undefined && suites.includes(codename)) return uri;
  }
  return null;
}

/** One line each: `deb [options] URI suite components`. */
function uriOfLines(text: string, codename: string): string | null {
  for (const line of text.split('\n')) {
    const [, uri, lineSuite] = /^deb\s+(?:\[[^\]]*\]\s+)?(\S+)\s+(\S+)/.exec(line) ?? [];
    if (uri !== undefined && lineSuite === codename) return uri;
  }
  return null;
}
