/**
 * Unpacks nats-server from the official release of the NATS project, for systems that are not a Debian. The archive counts
 * only if it has the checksum that stands here: what a release publishes next to its archives proves nothing, since whoever
 * can change the one can change the other.
 */
import { createHash } from 'node:crypto';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runCommand } from './run-command.ts';

/** A release, and what its archives have to be. */
export interface NatsServerRelease {
  /** As in "2.14.5". */
  readonly version: string;
  /** Where releases are found; each version is a folder in it. */
  readonly from: string;
  /** SHA-256 of the archives `nats-server-v<version>-<platform>.tar.gz`, by platform. Others are never unpacked. */
  readonly checksums: Readonly<Record<string, string>>;
}

/**
 * The newest release whose checksums are on record outside of it: in the NATS project's own container images
 * (nats-io/nats-docker at aa0caa5, linux) and in a list of another project that watches releases (cashapp/hermit-packages at
 * f0517fd, amd64 and arm64 of both systems). Where both name an archive, they agree. FreeBSD stands in neither.
 */
export const pinnedRelease: NatsServerRelease = {
  version: '2.14.5',
  from: 'https://github.com/nats-io/nats-server/releases/download',
  checksums: {
    'linux-amd64': '5e3b603d47c447bda1f77f9ac16dbf91c90aac4ff3681f8fbbc7201e4ed99355',
    'linux-arm64': '673a98d3faa79dde3f9ebf16d6dfac36a5f694e7ad2015e4954dd7939c85cd4c',
    'linux-arm7': 'c8796b63a8603fdebabd63146ac3d3997c29a2829fdd2af6db320f4a287f2e71',
    'darwin-amd64': 'f95c98d6b6ed2b63c5681b46b092c9585c99767d547cf495730c329234625e96',
    'darwin-arm64': 'ddd907854d9a2de834af133fa396915fe6442fe6d8909ae31390d1ea7a0fea50',
  },
};

/** The archive is about 7 MB. */
const downloadTimeoutMs = 120_000;

/** An archive that is larger is not the release: it is given up before it fills the memory. */
const archiveBytesMax = 64 * 1024 ** 2;

/** What releases call a processor. */
const architectures: Readonly<Record<string, string>> = { x64: 'amd64', arm64: 'arm64', arm: 'arm7' };

/**
 * Downloads the release for this machine and unpacks it below `folder`, which has to exist.
 *
 * @returns the path of the program.
 * @throws Error when no checksum is known for this machine, the archive cannot be had, or it has another checksum.
 */
export async function unpackFromRelease(
  folder: string,
  { version, from, checksums }: NatsServerRelease = pinnedRelease,
): Promise<string> {
  const platform = `${process.platform}-${architectures[process.arch] ?? process.arch}`;
  const wanted = checksums[platform];
  if (wanted === undefined) throw new Error(`no checksum of ${version} for ${platform} is known`);
  const name = `nats-server-v${version}-${platform}`;
  const archive = await download(`${from}/v${version}/${name}.tar.gz`);
  const found = createHash('sha256').update(archive).digest('hex');
  if (found !== wanted) throw new Error(`${name}.tar.gz has the checksum ${found}, and not ${wanted}`);
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
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    chunks.push(chunk as Uint8Array);
    bytes += (chunk as Uint8Array).length;
    if (bytes > archiveBytesMax) throw new Error(`${url} is larger than ${archiveBytesMax} bytes`);
  }
  return Buffer.concat(chunks);
}
