/** What `corral doctor` and every start say of servers that cannot be relied on, on real ones. */
import { jetstreamManager, PersistMode } from '@nats-io/jetstream';
import pg from 'pg';
import pino from 'pino';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startCorral } from '../../src/app/app.ts';
import { readConfig } from '../../src/app/config.ts';
import { connectToHub } from '../../src/nats/connect.ts';
import type { Finding } from '../../src/setup/finding.ts';
import { STREAMS } from '../../src/wire/subjects.ts';
import { corralCommand } from '../callers/corral-command.ts';
import { createDatabase, startHub } from '../servers/servers.ts';

/** A machine whose clock is ten minutes ahead, for one process. */
const TEN_MINUTES_AHEAD =
  '--import data:text/javascript,const%20now=Date.now;Date.now=()=>now.call(Date)+600000';

let hub: Awaited<ReturnType<typeof startHub>>;
let database: Awaited<ReturnType<typeof createDatabase>>;
let postgresUrl: string;

beforeAll(async () => {
  // It listens on loopback, as every test's, and tells its clients that it can be reached from elsewhere.
  hub = await startHub({ configure: (text) => `client_advertise: "hub.example:4222"\n${text}` });
  database = await createDatabase();
  const url = new URL(database.url);
  const role = `root_${url.pathname.slice(1)}`;
  await onDatabase(
    `create role ${role} superuser login password 'x7Yq'; alter database ${url.pathname.slice(1)} owner to ${role}`,
  );
  url.username = role;
  url.password = 'x7Yq';
  postgresUrl = url.href;
});

afterAll(async () => {
  await hub.end();
  await database.drop();
  const { pathname } = new URL(database.url);
  await onDatabase(`drop role root_${pathname.slice(1)}`, '/postgres');
});

async function onDatabase(sql: string, pathname = new URL(database.url).pathname): Promise<void> {
  const url = new URL(database.url);
  url.pathname = pathname;
  const client = new pg.Client({ connectionString: url.href });
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}

/** Starts a node and stops it again; what it found of its servers is in its log. */
async function findingsOfStart(): Promise<readonly Finding[]> {
  const config = readConfig({
    CORRAL_NATS_URL: hub.url('runtime'),
    CORRAL_POSTGRES_URL: postgresUrl,
    CORRAL_HTTP_PORT: '0',
  });
  const lines: (Finding & { readonly line: string; readonly level: number })[] = [];
  const log = pino(
    { level: 'info' },
    { write: (text: string) => void lines.push(JSON.parse(text) as never) },
  );
  const app = await startCorral(config, log);
  await app.stop();
  return lines.filter(({ line }) => line === 'setup-finding');
}

async function findingsOfDoctor(env: Readonly<Record<string, string>> = {}): Promise<readonly Finding[]> {
  const { stdout } = await corralCommand(['doctor', '--json'], {
    env: { CORRAL_NATS_URL: hub.url('runtime'), CORRAL_POSTGRES_URL: postgresUrl, ...env },
  });
  return (JSON.parse(stdout) as { readonly findings: readonly Finding[] }).findings;
}

function badChecks(findings: readonly Finding[]): readonly string[] {
  return findings.filter(({ verdict }) => verdict === 'bad').map(({ check }) => check);
}

describe('servers that cannot be relied on', () => {
  const expected = [
    'hub-tls',
    'hub-password',
    'stream-bounds',
    'stream-durability',
    'postgres-role',
    'crash-safety',
  ];

  test('are called bad by every start, which goes on, and by the doctor', async () => {
    // The first start makes the streams, so that one can be added that forgets what it acknowledged.
    await findingsOfStart();
    const { nats, close } = await connectToHub({ url: hub.url('runtime'), name: 'setup test' });
    const manager = await jetstreamManager(nats, { checkAPI: false });
    await manager.streams.add({ name: 'LAZY', subjects: ['lazy'], persist_mode: PersistMode.Async });
    await close();
    const atStart = await findingsOfStart();
    expect(badChecks(atStart)).toEqual(expect.arrayContaining(expected));
    const atDoctor = await findingsOfDoctor();
    expect(badChecks(atDoctor)).toEqual(expect.arrayContaining(expected));
    const named = ({ check, verdict, found, advice }: Finding): Finding => ({
      check,
      verdict,
      found,
      advice,
    });
    // Not only alike: the same sentences, and each says what to do.
    expect(atDoctor.map(named)).toEqual(expect.arrayContaining(atStart.map(named)));
    expect(atStart.map(({ advice }) => advice)).not.toContain(null);
    expect(JSON.stringify([...atStart, ...atDoctor])).not.toMatch(/x7Yq/);
  });

  test('with a stream of ours that forgets what it acknowledged let no node start', async () => {
    const lazy = await startHub();
    try {
      const { nats, close } = await connectToHub({ url: lazy.url('runtime'), name: 'setup test' });
      const manager = await jetstreamManager(nats, { checkAPI: false });
      const { name, subjects } = STREAMS.deadLetters;
      await manager.streams.add({ name, subjects: [...subjects], persist_mode: PersistMode.Async });
      await close();
      const config = readConfig({
        CORRAL_NATS_URL: lazy.url('runtime'),
        CORRAL_POSTGRES_URL: database.url,
        CORRAL_HTTP_PORT: '0',
      });
      const starting = startCorral(config, pino({ level: 'silent' }));
      await expect(starting).rejects.toThrow(/DEADLETTER has persist_mode "async".*make it anew/);
    } finally {
      await lazy.end();
    }
  });

  test('have a clock of their own, where this machine’s is wrong', async () => {
    const findings = await findingsOfDoctor({ NODE_OPTIONS: TEN_MINUTES_AHEAD });
    expect(badChecks(findings)).toEqual(expect.arrayContaining(['hub-clock', 'postgres-clock']));
    expect(findings.find(({ check }) => check === 'hub-clock')?.found).toMatch(
      /^the hub is -\d{6}\.\d ms from/,
    );
  });
});

describe('servers of development', () => {
  test('are not cried over, because only this machine can reach them', async () => {
    const own = await startHub();
    try {
      const findings = await findingsOfDoctor({
        CORRAL_NATS_URL: own.url('runtime'),
        CORRAL_POSTGRES_URL: database.url,
      });
      const verdicts = Object.fromEntries(findings.map(({ check, verdict }) => [check, verdict]));
      expect(verdicts).toMatchObject({
        'hub-tls': 'good',
        'hub-password': 'good',
        // It has no streams yet, and so no time to tell.
        'hub-clock': 'warning',
        'postgres-tls': 'good',
        'postgres-password': 'good',
        'postgres-role': 'warning',
        'postgres-clock': 'good',
      });
    } finally {
      await own.end();
    }
  });
});

test('the doctor names devices that differ in capitals alone', async () => {
  await findingsOfStart();
  const device = (id: string): string =>
    `insert into device (id, kind, site) values ('${id}', 'charge-point', 'depot')`;
  const names = async (): Promise<Finding | undefined> =>
    (await findingsOfDoctor()).find(({ check }) => check === 'device-names');
  await onDatabase(`${device('cp-9')}; ${device('cp-10')}`);
  expect(await names()).toMatchObject({ verdict: 'good' });
  await onDatabase(device('CP-9'));
  expect(await names()).toMatchObject({
    verdict: 'warning',
    found: expect.stringContaining('CP-9 and cp-9') as string,
  });
});
