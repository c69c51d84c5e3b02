/**
 * Unpacks nats-server from the official release of the NATS project, for systems that are not a Debian. The archive counts
 * only if it has the checksum that the release publishes.
 */
import { createHash } from 'node:crypto';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runCommand } from './run-command.ts';

const releaseVersion = '2.15.1';
const releases = 'https://github.com/nats-io/nats-server/releases/download';

/** The archive is about 7 MB. */
const downloadTimeoutMs = 120_000;

/** What the release calls this machine. */
const platforms: Readonly<Record<string, string>> = { linux: 'linux', darwin: 'darwin', freebsd: 'freebsd' };
const architectures: Readonly<Record<string, string>> = { x64: 'amd64', arm64: 'arm64', arm: 'arm7' };

/**
 * Downloads the release for this machine and unpacks it below `folder`, which has to exist.
 *
 * @param from where releases are found; each version is a folder in it.
 * @returns the path of the program.
 * @throws Error when there is no release for this machine, it cannot be had, or its checksum differs.
 */
export async function unpackFromRelease(folder: string, from: string = releases): Promise<string> {
  const platform = platforms[process.platform];
  const architecture = architectures[process.arch];
  if (platform === undefined || architecture === undefined) {
    throw new Error(`there is none for ${process.platform} on ${process.arch}`);
  }
  const name = `nats-server-v${releaseVersion}-${platform}-${architecture}`;
  const base = `${from}/v${releaseVersion}`;
  const checksums = (await download(`${base}/SHA256SUMS`)).toString('utf8');
  const archive = await download(`${base}/${name}.tar.gz`);
  const published = checksums
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .find(([, file]) => file?.replace(/^\*/, '') === `${name}.tar.gz`)?.[0];
  if (published === undefined) throw new Error(`its checksums do not name ${name}.tar.gz`);
  if (createHash('sha256').update(archive).digest('hex') !== published.toLowerCase()) {
    throw new Error(`${name}.tar.gz does not have the published checksum`);
  }
  const archiveFile = join(folder, 'release.tar.gz');
  writeFileSync(archiveFile, archive);
  await runCommand('tar', ['-xzf', archiveFile, '-C', folder], { timeoutMs: downloadTimeoutMs });
  const program = join(folder, name, 'nats-server');
  if (!existsSync(program)) throw new Error(`${name}.tar.gz holds no nats-server`);
  return program;
}

async function download(url: string): Promise<Buffer> {
  let response: Response;
  try {
    response = await fetch(url, { signal: AbortSignal.timeout(downloadTimeoutMs) });
  } catch (error) {
    throw new Error(`${url} cannot be reached`, { cause: error });
  }
  if (!response.ok) throw new Error(`${url} answers ${response.status}`);
  return Buffer.from(await response.arrayBuffer());
}
