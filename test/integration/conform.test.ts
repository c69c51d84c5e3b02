/** The conformance kit from the command line, over real servers: the reference agent passes, and what cannot be tested is said. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { connectToHub } from '../../src/nats/connect.ts';
import { type BenchServer, startBenchServer } from '../../tools/conform/bench-server.ts';
import { conform, type ConformResult } from '../../tools/conform/conform.ts';
import { TRIAL_LIMITS } from '../../tools/conform/limits.ts';
import { rules } from '../../tools/conform/rules.ts';
import { startNatsServer } from '../../tools/dev/nats-server.ts';
import { startHub, temporaryFolder } from '../servers/servers.ts';
import { ConformDevice } from './conform-device.ts';
import { faults } from './conform-faults/faults.ts';
import { verdictsOf } from './conform-trial.ts';

const root = join(import.meta.dirname, '../..');
const everyRule = rules.map(({ id }) => id);

let folder: string;
let removeFolder: () => void;
const ends: (() => Promise<void> | void)[] = [];

beforeEach(() => {
  ({ folder, remove: removeFolder } = temporaryFolder());
});

afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
  removeFolder();
});

/** A command of `corral` that runs. */
interface Running {
  readonly child: ChildProcess;
  /** Resolves with the first line on stderr that matches. Rejects when it ends before. */
  readonly says: (pattern: RegExp) => Promise<RegExpExecArray>;
  readonly ended: Promise<{ readonly code: number | null; readonly stdout: string; readonly stderr: string }>;
}

function corral(...args: readonly string[]): Running {
  const child = spawn(process.execPath, ['--import', 'tsx', 'tools/corral.ts', ...args], { cwd: root });
  let stdout = '';
  let stderr = '';
  const waiting = new Set<(line: string | null) => void>();
  child.stdout.on('data', (data: Buffer) => (stdout += data.toString()));
  createInterface(child.stderr).on('line', (line) => {
    stderr += `${line}\n`;
    for (const look of [...waiting]) look(line);
  });
  const ended = new Promise<Awaited<Running['ended']>>((resolve) => {
    child.once('close', (code) => {
      for (const look of [...waiting]) look(null);
      resolve({ code, stdout, stderr });
    });
  });
  ends.push(async () => {
    child.kill('SIGKILL');
    await ended;
  });
  const says = (pattern: RegExp): Promise<RegExpExecArray> =>
    new Promise((resolve, reject) => {
      const look = (line: string | null): void => {
        const found = line === null ? null : pattern.exec(line);
        if (found === null && line !== null) return;
        waiting.delete(look);
        if (found === null) reject(new Error(`it never said ${String(pattern)}, but: ${stderr}${stdout}`));
        else resolve(found);
      };
      waiting.add(look);
    });
  return { child, says, ended };
}

/** The reference agent as a process that comes back whenever it is killed; its present pid is in `pidFile`. */
function keepReferenceDevice(device: string, url: string, pidFile: string): void {
  let isWanted = true;
  const run = async (): Promise<void> => {
    while (isWanted) {
      const { child, ended } = corral(
        ...['reference-device', '--device', device, '--nats', url, '--memory', join(folder, `${device}.log`)],
      );
      writeFileSync(pidFile, String(child.pid));
      await ended;
    }
  };
  const kept = run();
  ends.push(async () => {
    isWanted = false;
    await corralKilled(pidFile);
    await kept;
  });
}

async function corralKilled(pidFile: string): Promise<void> {
  const killer = spawn('sh', ['-c', `kill -9 $(cat ${pidFile}) || true`]);
  await new Promise((resolve) => killer.once('close', resolve));
}

/** Nobody has time for two heartbeats here. */
const allKept = {
  ...Object.fromEntries(everyRule.map((rule) => [rule, 'kept'])),
  heartbeat: expect.stringMatching(/^not-testable: .*--heartbeat/) as string,
};

async function serveBench(): Promise<BenchServer> {
  const server = await startBenchServer();
  ends.push(() => server.end());
  return server;
}

describe('the reference agent', () => {
  test('keeps every rule as a process that is killed with kill -9, and the kit ends with 0 and one line', async () => {
    const pidFile = join(folder, 'pid');
    const kit = corral(
      ...['conform', '--device', 'ref-1', '--serve', '0', '--hold', '1', '--json'],
      ...['--reboot-command', `kill -9 $(cat ${pidFile})`],
    );
    const [, url = ''] = await kit.says(/serving +(nats:\/\/\S+)/);
    keepReferenceDevice('ref-1', url, pidFile);
    const { code, stdout } = await kit.ended;
    const lines = stdout.trimEnd().split('\n');
    expect(lines).toHaveLength(1);
    const result = JSON.parse(lines[0]!) as ConformResult;
    expect(verdictsOf(result)).toEqual(allKept);
    expect(result).toMatchObject({
      device: 'ref-1',
      passed: true,
      kept: everyRule.length - 1,
      level: 'full',
      passes: 'full',
      broken: 0,
      notJudged: 0,
      notTestable: 1,
    });
    expect(code).toBe(0);
  });

  test('keeps every rule in JSON too, and a second time with what it remembers of the first', async () => {
    const server = await serveBench();
    const connection = await connectToHub({ url: server.url, name: 'conform' });
    ends.push(() => connection.close());
    const device = new ConformDevice({ device: 'ref-2', url: server.url, encoding: 'json' });
    await device.start();
    ends.push(() => device.stop());
    const limits = { ...TRIAL_LIMITS, holdMs: 1_000 };
    const options = {
      device: 'ref-2',
      connection,
      limits,
      restart: device.restart,
      ownServer: server,
      level: 'full' as const,
      only: null,
    };
    expect(verdictsOf(await conform(options))).toEqual(allKept);
    device.poke();
    expect(verdictsOf(await conform(options))).toEqual(allKept);
  });
});

describe('the kit', () => {
  test('says which rule is broken and what it saw, for people, and ends with 3', async () => {
    const server = await serveBench();
    const spoiling = faults.find(({ breaks }) => breaks.includes('too-late'))?.spoiling() ?? {};
    const device = new ConformDevice({ device: 'faulty', url: server.url, encoding: 'msgpack', spoiling });
    const kit = corral(
      'conform',
      '--device',
      'faulty',
      '--nats',
      server.url,
      '--only',
      'other-boot,too-late',
    );
    await kit.says(/^waiting/);
    await device.start();
    ends.push(() => device.stop());
    const { code, stdout } = await kit.ended;
    expect(stdout).toMatch(/^kept +other-boot: rejects .*\n +boots 2 and 0, in boot 1\n/);
    expect(stdout).toMatch(
      /BROKEN +too-late: .*\n +`reserve` with n \d+ became done, not rejected too-late\n/,
    );
    expect(stdout).toMatch(/faulty: 1 rule kept, 1 broken, 0 not judged, 0 not testable\n$/);
    expect(code).toBe(3);
  });

  test('tests what it can of a device that it cannot restart, on a server that is not its own', async () => {
    const server = await serveBench();
    const device = new ConformDevice({ device: 'alone', url: server.url, encoding: 'msgpack' });
    const only = 'report-answered,reconnects,boot-grows';
    const kit = corral('conform', '--device', 'alone', '--nats', server.url, '--only', only, '--json');
    await kit.says(/^waiting/);
    await device.start();
    ends.push(() => device.stop());
    const { code, stdout } = await kit.ended;
    expect(verdictsOf(JSON.parse(stdout) as ConformResult)).toEqual({
      'report-answered': 'kept',
      reconnects: expect.stringMatching(/^not-testable: .*--serve/) as string,
      'boot-grows': expect.stringMatching(/^not-testable: .*--reboot-command/) as string,
    });
    expect(code).toBe(0);
  });

  test('says so when no device comes', async () => {
    const server = await serveBench();
    const { code, stderr } = await corral(
      ...['conform', '--device', 'nobody', '--nats', server.url, '--patience', '1'],
    ).ended;
    expect(stderr).toContain('Nothing was published on device.nobody.report within 1 s');
    expect(code).toBe(1);
  });

  test('refuses a server where it may not speak as a hub', async () => {
    const hub = await startHub();
    ends.push(() => hub.end());
    const { code, stderr } = await corral('conform', '--device', 'cp-1', '--nats', hub.url('depot')).ended;
    expect(stderr).toContain('does not let the kit hear device.cp-1.report');
    expect(code).toBe(1);
  });

  test('refuses a server whose own stream would acknowledge what it does not', async () => {
    mkdirSync(join(folder, 'server'));
    const configFile = join(folder, 'jetstream.conf');
    writeFileSync(
      configFile,
      `listen: $BENCH_LISTEN\nhttp: $BENCH_MONITOR\njetstream { store_dir: "${join(folder, 'store')}" }\n`,
    );
    const server = await startNatsServer<'client'>({
      name: 'jetstream',
      configFile,
      dataDir: join(folder, 'server'),
      ports: { client: { port: 0, flag: '' }, monitor: { port: 0, flag: '' } },
      variables: ({ client, monitor }) => ({
        BENCH_LISTEN: `127.0.0.1:${client}`,
        BENCH_MONITOR: `127.0.0.1:${monitor}`,
      }),
    });
    ends.push(() => server.stop());
    const url = `nats://127.0.0.1:${server.ports.client}`;
    const connection = await connectToHub({ url, name: 'operator' });
    ends.push(() => connection.close());
    const stream = JSON.stringify({ name: 'TAKEN', subjects: ['device.*.report'] });
    await connection.nats.request('$JS.API.STREAM.CREATE.TAKEN', stream, { timeout: 5_000 });
    const { code, stderr } = await corral('conform', '--device', 'cp-1', '--nats', url).ended;
    expect(stderr).toContain('The stream TAKEN of this server answers the device');
    expect(code).toBe(1);
  });

  test.each([
    ['neither --nats nor --serve', ['--device', 'a'], /--nats <url>, or --serve/],
    [
      'both of them',
      ['--device', 'a', '--nats', 'nats://127.0.0.1:1', '--serve', '0'],
      /cannot be used with/,
    ],
    ['a port that is none', ['--device', 'a', '--serve', '70000'], /address and a port/],
    [
      'a rule that is none',
      ['--device', 'a', '--serve', '0', '--only', 'nonsense'],
      /There is no rule nonsense/,
    ],
    [
      'a level that is none',
      ['--device', 'a', '--serve', '0', '--level', 'perfect'],
      /sensor, answering, commanded, full/,
    ],
    [
      'a level and some rules',
      ['--device', 'a', '--serve', '0', '--level', 'sensor', '--only', 'ring'],
      /cannot be used with/,
    ],
  ])('refuses a command line with %s', async (_, args, sentence) => {
    const { code, stderr } = await corral('conform', ...args).ended;
    expect(stderr).toMatch(sentence);
    expect(code).toBe(2);
  });
});
