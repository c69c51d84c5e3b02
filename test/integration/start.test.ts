/** `npm start` as somebody uses it: what it deletes, whom it lets in, and how it ends when something is gone. */
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, describe, expect, test } from 'vitest';
import { type RunningCommand, startEverything } from '../callers/corral-command.ts';
import { until } from '../nodes/node.ts';
import { temporaryFolder } from '../servers/servers.ts';

const { folder, remove } = temporaryFolder();
const running: RunningCommand[] = [];

const ANY_PORTS = ['http', 'nats', 'leaf', 'site', 'postgres'].flatMap((name) => [`--${name}-port`, '0']);
const UP = /^ready /;

/** How a shell is told that somebody pressed Ctrl-C. */
const INTERRUPTED = 130;

/** npm passes on the Ctrl-C that the terminal sent already. */
const SECOND_CTRL_C_MS = 1_000;

afterEach(async () => {
  for (const command of running.splice(0)) {
    command.interrupt();
    await command.ended;
  }
});
afterAll(remove);

function newFolder(): string {
  return mkdtempSync(join(folder, 'data '));
}

function start(
  dataDir: string,
  args: readonly string[] = [],
  env: Readonly<Record<string, string>> = {},
): RunningCommand {
  const command = startEverything(['--no-fleet', '--data-dir', dataDir, ...ANY_PORTS, ...args], { env });
  running.push(command);
  return command;
}

/** A folder with the data of a start that ended in order. */
async function usedFolder(): Promise<string> {
  const dataDir = newFolder();
  const first = start(dataDir);
  await first.says(UP);
  first.interrupt();
  expect((await first.ended).code).toBe(0);
  return dataDir;
}

/** Process ids of the servers that run on a folder. */
function serversOf(dataDir: string): readonly number[] {
  const files = ['postgres/postgres.pid', 'hub/hub.pid', 'site/site-depot.pid'];
  return files
    .map((file) => join(dataDir, file))
    .filter((file) => existsSync(file))
    .map((file) => (JSON.parse(readFileSync(file, 'utf8')) as { readonly pid: number }).pid);
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** A fleet that reports, and a node that cannot commit it. */
async function startWithoutPostgres(
  env: Readonly<Record<string, string>>,
): Promise<{ readonly command: RunningCommand; readonly servers: readonly number[] }> {
  const dataDir = newFolder();
  const command = startEverything(['--data-dir', dataDir, ...ANY_PORTS], { env });
  running.push(command);
  await command.says(UP);
  const servers = serversOf(dataDir);
  process.kill(servers[0]!, 'SIGKILL');
  await until('a commit fails', async () => {
    const said = readFileSync(join(dataDir, 'node.log'), 'utf8');
    return { done: said.includes('store-unavailable'), seen: said.slice(-500) };
  });
  return { command, servers };
}

async function expectAllEnded(pids: readonly number[]): Promise<void> {
  await until('every server has ended', async () => {
    const left = pids.filter(isAlive);
    return left.length === 0 ? { done: true } : { done: false, seen: left.join(', ') };
  });
}

async function withTakenPort<Result>(work: (port: number) => Promise<Result>): Promise<Result> {
  const taken = createServer();
  await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
  try {
    return await work((taken.address() as { port: number }).port);
  } finally {
    taken.close();
  }
}

describe('--fresh', () => {
  test.each([[[]], [['--fresh']]])(
    'or not, touches nothing in a folder that npm start did not make: %j',
    async (args) => {
      const dataDir = newFolder();
      mkdirSync(join(dataDir, 'hub'));
      writeFileSync(join(dataDir, 'hub', 'letters.txt'), 'precious');
      const { code, stderr } = await start(dataDir, args).ended;
      expect([code, stderr]).toEqual([
        1,
        expect.stringContaining(`${dataDir} holds files, and npm start did not make it`),
      ]);
      expect(readdirSync(dataDir)).toEqual(['hub']);
      expect(readFileSync(join(dataDir, 'hub', 'letters.txt'), 'utf8')).toBe('precious');
    },
  );

  test.each(['a file of that name', 'a link'])(
    'takes for its own mark no %s that somebody made',
    async (what) => {
      const [dataDir, elsewhere] = [newFolder(), join(newFolder(), 'thesis.txt')];
      mkdirSync(join(dataDir, 'fleet'));
      writeFileSync(join(dataDir, 'fleet', 'letters.txt'), 'precious');
      writeFileSync(elsewhere, 'precious');
      const mark = join(dataDir, 'corral-data');
      if (what === 'a link') symlinkSync(elsewhere, mark);
      else writeFileSync(mark, 'precious');
      const { code, stderr } = await start(dataDir, ['--fresh']).ended;
      expect([code, stderr]).toEqual([1, expect.stringContaining('npm start did not make it')]);
      for (const file of [mark, elsewhere, join(dataDir, 'fleet', 'letters.txt')])
        expect(readFileSync(file, 'utf8')).toBe('precious');
    },
  );

  test('deletes nothing when a start cannot be: a port is taken, or a setting is wrong', async () => {
    const dataDir = await usedFolder();
    const before = readdirSync(join(dataDir, 'postgres', 'cluster'));
    for (const flag of ['--http-port', '--postgres-port']) {
      const { code, stderr } = await withTakenPort(
        (port) => start(dataDir, ['--fresh', flag, String(port)]).ended,
      );
      expect([code, stderr]).toEqual([1, expect.stringContaining(`choose another with ${flag}`)]);
    }
    const wrong = await start(dataDir, ['--fresh'], { CORRAL_STOP_LIMIT_MS: 'soon' }).ended;
    expect([wrong.code, wrong.stderr]).toEqual([1, expect.stringContaining('CORRAL_STOP_LIMIT_MS')]);
    expect(readdirSync(join(dataDir, 'postgres', 'cluster'))).toEqual(before);
  });

  test('deletes nothing under a start that runs, and the running one is named', async () => {
    const dataDir = newFolder();
    const first = start(dataDir);
    const { http } = JSON.parse((await first.says(UP)).slice('ready '.length)) as { readonly http: string };
    const { code, stderr } = await start(dataDir, ['--fresh']).ended;
    expect([code, stderr]).toEqual([
      1,
      expect.stringContaining(`Another npm start (process ${String(first.pid)}) uses ${dataDir}`),
    ]);
    expect((await fetch(`${http}/readyz`)).status).toBe(200);
    expect(readdirSync(dataDir)).toEqual(expect.arrayContaining(['hub', 'node.log', 'postgres', 'site']));
  });

  test('deletes what npm start keeps, and not what somebody put beside it', async () => {
    const dataDir = await usedFolder();
    writeFileSync(join(dataDir, 'notes.txt'), 'mine');
    writeFileSync(join(dataDir, 'hub', 'old'), '');
    const fresh = start(dataDir, ['--fresh']);
    expect(await fresh.says(/^data /)).toContain('notes.txt');
    await fresh.says(UP);
    expect(existsSync(join(dataDir, 'hub', 'old'))).toBe(false);
    expect(readFileSync(join(dataDir, 'notes.txt'), 'utf8')).toBe('mine');
  });
});

test('after a kill -9 the next start ends the servers that were left, and takes their ports', async () => {
  const dataDir = newFolder();
  const first = start(dataDir);
  const urls = JSON.parse((await first.says(UP)).slice('ready '.length)) as Readonly<Record<string, string>>;
  const left = serversOf(dataDir);
  first.kill();
  await first.ended;
  expect(left.filter(isAlive)).toHaveLength(3);
  const port = (url: string): string => new URL(url).port;
  const same = ['--http-port', port(urls.http!), '--nats-port', port(urls.nats!)];
  const second = start(dataDir, [...same, '--postgres-port', port(urls.postgres!)]);
  await second.says(UP);
  await expectAllEnded(left);
});

describe('a stop', () => {
  const LIMIT = { CORRAL_STOP_LIMIT_MS: '6000' };

  test.each([
    ['the hub, which stands still', ([, hub]: readonly number[]) => void process.kill(hub!, 'SIGSTOP')],
    [
      'the data folder',
      (_servers: readonly number[], dataDir: string) => rmSync(dataDir, { recursive: true, force: true }),
    ],
  ])('ends, and leaves no server, though this is gone: %s', async (_what, harm) => {
    const dataDir = newFolder();
    const command = start(dataDir, [], LIMIT);
    await command.says(UP);
    const servers = serversOf(dataDir);
    expect(servers).toHaveLength(3);
    harm(servers, dataDir);
    command.interrupt();
    await command.says(/stopping in order, within 6 s; Ctrl-C again ends everything at once/);
    const { code } = await command.ended;
    expect([0, 1]).toContain(code);
    await expectAllEnded(servers);
  });

  test('without Postgres says what it waits for and for how long, and leaves no server', async () => {
    const { command, servers } = await startWithoutPostgres({ CORRAL_STOP_LIMIT_MS: '8000' });
    command.interrupt();
    expect(await command.says(/^node +is being stopped/)).toMatch(
      /for \d\.\d s more; .*store: does not answer/,
    );
    expect(await command.says(/^node +did not stop/)).toMatch(/within \d\.\d s, and is ended/);
    expect((await command.ended).code).toBe(1);
    await expectAllEnded(servers);
  });

  test('ends at once at the second Ctrl-C', async () => {
    const { command, servers } = await startWithoutPostgres({ CORRAL_STOP_LIMIT_MS: '3600000' });
    command.interrupt();
    await command.says(/^node +is being stopped/);
    await sleep(SECOND_CTRL_C_MS);
    command.interrupt();
    expect((await command.ended).code).toBe(INTERRUPTED);
    await expectAllEnded(servers);
  });

  test('in the middle of a start leaves no server', async () => {
    const dataDir = newFolder();
    const command = start(dataDir);
    await command.says(/^hub /);
    const servers = serversOf(dataDir);
    command.interrupt();
    await command.ended;
    await expectAllEnded([...servers, ...serversOf(dataDir)]);
  });
});
