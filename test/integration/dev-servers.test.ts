/** The servers of development: found, started, killed, started again, and what a person is told when they cannot be. */
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { connectToHub } from '../../src/nats/connect.ts';
import { startHub } from '../../tools/dev/hub.ts';
import { unpackFromDebianArchive } from '../../tools/dev/debian-archive.ts';
import { findNatsServer, type NatsServerFetcher } from '../../tools/dev/nats-server-binary.ts';
import {
  type NatsServerRelease,
  pinnedRelease,
  unpackFromRelease,
} from '../../tools/dev/nats-server-release.ts';
import { startPostgres } from '../../tools/dev/postgres-server.ts';
import { projectFolder } from '../../tools/dev/project-folders.ts';
import { temporaryFolder, testSettings } from '../servers/servers.ts';

const { folder, remove } = temporaryFolder();
const cleanUps: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});
afterAll(remove);

function newFolder(): string {
  return mkdtempSync(join(folder, 'case '));
}

describe('the search for nats-server', () => {
  let real: string;
  let release: ServedRelease;

  beforeAll(async () => {
    real = await findNatsServer();
    release = await serveRelease(real);
  });
  afterAll(() => release.server.close());

  const fromRelease = (pinned = release.pinned): NatsServerFetcher => ({
    name: 'the release',
    fetchInto: (into) => unpackFromRelease(into, { ...pinned, from: addressOf(release.server) }),
  });

  it('takes one from PATH when it is new enough', async () => {
    const env = { PATH: join(real, '..'), CORRAL_CACHE_DIR: newFolder() };
    expect(await findNatsServer({ env, fetchers: [] })).toBe(real);
  });

  it('unpacks the release into the cache once, also when two processes start at once', async () => {
    const env = { PATH: '', CORRAL_CACHE_DIR: newFolder() };
    const sources = { env, fetchers: [fromRelease()] };
    const found = await Promise.all([findNatsServer(sources), findNatsServer(sources)]);
    expect(new Set(found)).toEqual(new Set([join(env.CORRAL_CACHE_DIR, 'nats-server', 'nats-server')]));
    expect(await findNatsServer({ env, fetchers: [] })).toBe(found[0]);
  });

  it.each([
    [
      'another one for this machine',
      () => pinnedRelease.checksums,
      /has the checksum \w{64}, and not \w{64}/,
    ],
    ['none for this machine', () => ({}), /no checksum of 2\.14\.5 for \w+-\w+ is known/],
  ])(
    'believes the checksums of this repository alone, whatever is published beside an archive: %s',
    async (_which, checksums, said) => {
      const env = { PATH: '', CORRAL_CACHE_DIR: newFolder() };
      const pinned = { ...release.pinned, checksums: checksums() };
      await expect(findNatsServer({ env, fetchers: [fromRelease(pinned)] })).rejects.toThrow(said);
    },
  );

  it('has no checksum that is not one', () => {
    const checksums = Object.values(pinnedRelease.checksums);
    expect(checksums.filter((checksum) => !/^[0-9a-f]{64}$/.test(checksum))).toEqual([]);
    expect(new Set(checksums).size).toBe(checksums.length);
  });

  it.skipIf(!existsSync('/usr/share/keyrings/debian-archive-keyring.gpg'))(
    "takes nothing from an archive that Debian's keys did not sign, even where the system's settings would",
    async () => {
      const made = newFolder();
      const settings = join(made, 'apt.conf');
      writeFileSync(
        settings,
        'Acquire::AllowInsecureRepositories "true";\nAPT::Get::AllowUnauthenticated "true";\n',
      );
      const asked: string[] = [];
      const unsigned = createServer((request, response) => {
        asked.push(request.url ?? '');
        const isRelease = request.url?.endsWith('/Release') === true;
        response.writeHead(isRelease ? 200 : 404).end(isRelease ? 'Suite: sid\nCodename: sid\n' : '');
      });
      unsigned.listen(0, '127.0.0.1');
      await once(unsigned, 'listening');
      cleanUps.push(async () => unsigned.close());
      vi.stubEnv('APT_CONFIG', settings);
      try {
        await expect(unpackFromDebianArchive('nats-server', made, addressOf(unsigned))).rejects.toThrow(
          /is not signed/,
        );
      } finally {
        vi.unstubAllEnvs();
      }
      expect(asked).toContain('/dists/sid/InRelease');
      expect(asked.filter((path) => path.includes('Packages'))).toEqual([]);
    },
  );

  it('refuses a release whose checksum differs, and says what was tried and what to do', async () => {
    const env = { PATH: '', CORRAL_CACHE_DIR: newFolder() };
    const name = [...release.files.keys()].find((file) => file.endsWith('.tar.gz'))!;
    const archive = release.files.get(name)!;
    release.files.set(name, Buffer.concat([archive, Buffer.from('more')]));
    await expect(findNatsServer({ env, fetchers: [fromRelease()] })).rejects.toThrow(
      /^No nats-server 2\.12\.7 or newer \(none on PATH; the release: .* has the checksum \w+, and not \w+\): put one on PATH, or at .*nats-server\.$/,
    );
    release.files.set(name, archive);
  });
});

describe('a development hub', () => {
  it('comes back at the same address with what its streams held, after kill -9', async () => {
    const hub = await startHub({ dataDir: newFolder() });
    cleanUps.push(() => hub.stop());
    const before = await connectToHub({ url: hub.url('runtime'), name: 'before' });
    await (
      await jetstreamManager(before.nats)
    ).streams.add({ name: 'DEADLETTER', subjects: ['deadletter.>'] });
    await jetstream(before.nats).publish('deadletter.x.1', 'kept');
    await before.close();

    const pid = hub.pid();
    await hub.kill();
    await hub.start();

    expect(hub.pid()).not.toBe(pid);
    const after = await connectToHub({ url: hub.url('runtime'), name: 'after' });
    const { streams } = await jetstreamManager(after.nats);
    expect((await streams.getMessage('DEADLETTER', { seq: 1 }))?.string()).toBe('kept');
    await after.close();
  });

  it('says in one sentence that its port is in use, and by which flag to choose another', async () => {
    const first = await startHub({ dataDir: newFolder() });
    cleanUps.push(() => first.stop());
    const { client, leaf } = first.ports;
    await expect(startHub({ dataDir: newFolder(), port: client })).rejects.toMatchObject({
      code: 'port-in-use',
      message: `Port ${client} is in use: stop what listens there, or choose another with --nats-port (0 takes any free one).`,
    });
    await expect(startHub({ dataDir: newFolder(), leafPort: leaf })).rejects.toThrow('--leaf-port');
  });

  it('does not start on a data folder that another running hub uses', async () => {
    const dataDir = newFolder();
    const first = await startHub({ dataDir });
    cleanUps.push(() => first.stop());
    await expect(startHub({ dataDir })).rejects.toMatchObject({ code: 'data-in-use' });
  });

  it('takes over from a hub that outlived the program that started it', async () => {
    const dataDir = newFolder();
    const script = `
      import { startHub } from ${JSON.stringify(join(projectFolder, 'tools/dev/hub.ts'))};
      const hub = await startHub({ dataDir: ${JSON.stringify(dataDir)} });
      console.log(hub.pid());
      process.kill(process.pid, 'SIGKILL');`;
    const program = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script], {
      cwd: projectFolder,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let said = '';
    program.stdout.setEncoding('utf8').on('data', (text: string) => (said += text));
    await once(program, 'close');
    const orphan = Number(said);
    expect(isRunning(orphan)).toBe(true);

    const hub = await startHub({ dataDir });
    cleanUps.push(() => hub.stop());
    expect(isRunning(orphan)).toBe(false);
  });

  it('quotes what the server says about a broken configuration', async () => {
    const dataDir = newFolder();
    writeFileSync(join(dataDir, 'store'), 'a file where the folder should be');
    await expect(startHub({ dataDir })).rejects.toMatchObject({
      code: 'not-started',
      message: expect.stringMatching(
        /^The hub ended with code 1: Can't start JetStream: storage directory is not a directory \(log: .*hub\.log\)$/,
      ) as string,
    });
  });
});

describe('a development Postgres', () => {
  it('keeps its data through kill -9 and a new start, and forces it to the disk by default', async () => {
    const server = await startPostgres({ dataDir: newFolder() });
    cleanUps.push(() => server.stop());
    await query(server.url(), 'create table kept as select 42 as answer');
    expect(await query(server.url(), "select current_setting('fsync') as value")).toEqual([{ value: 'on' }]);
    await server.kill();
    await server.start();
    expect(await query(server.url(), 'select answer from kept')).toEqual([{ answer: 42 }]);
  });

  it('starts although a lock file names a process that is somebody else by now', async () => {
    const dataDir = newFolder();
    const server = await startPostgres({ dataDir, settings: testSettings });
    cleanUps.push(() => server.stop());
    const lockFile = join(dataDir, 'cluster', 'postmaster.pid');
    const lock = readFileSync(lockFile, 'utf8');
    await server.kill();
    writeFileSync(lockFile, lock.replace(/^\d+/, String(process.pid)));
    await server.start();
    expect(await query(server.url(), 'select 1 as one')).toEqual([{ one: 1 }]);
  });

  it('does not mistake a data folder whose making was interrupted for a database', async () => {
    const dataDir = newFolder();
    mkdirSync(join(dataDir, 'cluster.new'));
    writeFileSync(join(dataDir, 'cluster.new', 'PG_VERSION'), '18\n');
    const server = await startPostgres({ dataDir, settings: testSettings });
    cleanUps.push(() => server.stop());
    expect(await query(server.url(), 'select 1 as one')).toEqual([{ one: 1 }]);
  });

  it('says in one sentence that its port is in use, and by which flag to choose another', async () => {
    const server = await startPostgres({ dataDir: newFolder(), settings: testSettings });
    cleanUps.push(() => server.stop());
    await expect(startPostgres({ dataDir: newFolder(), port: server.port })).rejects.toThrow(
      /^Port \d+ is in use: .* --postgres-port/,
    );
  });
});

interface ServedRelease {
  readonly server: Server;
  readonly files: Map<string, Buffer>;
  readonly pinned: NatsServerRelease;
}

/** A release of nats-server as its project publishes them, made from the real program, on a local web server. */
async function serveRelease(program: string): Promise<ServedRelease> {
  const platform = `${process.platform}-${process.arch === 'x64' ? 'amd64' : process.arch}`;
  const name = `nats-server-v2.14.5-${platform}`;
  const made = newFolder();
  mkdirSync(join(made, name));
  cpSync(program, join(made, name, 'nats-server'));
  const tar = spawnSync('tar', ['-czf', join(made, 'archive'), '-C', made, name]);
  expect(tar.status).toBe(0);
  const archive = readFileSync(join(made, 'archive'));
  const checksum = createHash('sha256').update(archive).digest('hex');
  const files = new Map([
    ['/v2.14.5/SHA256SUMS', Buffer.from(`${checksum}  ${name}.tar.gz\n`)],
    [`/v2.14.5/${name}.tar.gz`, archive],
  ]);
  const server = createServer((request, response) => {
    const file = files.get(request.url ?? '');
    response.writeHead(file === undefined ? 404 : 200).end(file);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { server, files, pinned: { ...pinnedRelease, checksums: { [platform]: checksum } } };
}

function addressOf(server: Server): string {
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function query(url: string, statement: string): Promise<readonly unknown[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  const { rows } = await client.query<Record<string, unknown>>(statement);
  await client.end();
  return rows;
}

function isRunning(pid: number): boolean {
  const { status, stdout } = spawnSync('sh', ['-c', `cat /proc/${pid}/cmdline || ps -o args= -p ${pid}`]);
  return status === 0 && stdout.length > 0;
}
