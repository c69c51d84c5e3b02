/**
 * Real servers, a site behind a leaf, a node as a process of its own, and `corral replay` as anybody would call it: with a
 * small made-up file that has all the dirt of a real one.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { projectFolder } from '../../tools/dev/project-folders.ts';
import type { ReplaySummary } from '../../tools/replay/summary.ts';
import { type Link, startLink } from '../servers/link.ts';
import { until } from '../nodes/node.ts';
import { type NodeProcess, startNodeProcess } from '../nodes/node-process.ts';
import {
  createDatabase,
  startHub,
  startSite,
  temporaryFolder,
  type TestDatabase,
} from '../servers/servers.ts';
import { csvOf } from '../unit/replay/records.ts';

const LINES = [
  // Touching, in every way in which it occurs.
  '2017-10-28T00:00 2017-10-28T00:01 60001-1 0.3',
  '2017-10-28T00:01 2017-10-28T08:00 60001-1 20',
  '2017-10-28T08:01 2017-10-28T09:00 60001-1 -4.5',
  '2017-10-28T09:03 2017-10-28T09:05 60001-1 138.25',
  '2017-10-28T08:30 2017-10-28T08:40 60001-1 1',
  '2017-10-28T10:00 - 60001-1 -',
  '2017-10-28T11:00 2017-10-28T11:00 60001-1 0',
  '2017-10-28T12:00 2017-10-28T11:56 60001-1 1',
  // Through the night in which the clocks go back.
  '2017-10-28T23:50 2017-10-29T02:10 60002-1 9',
  '2017-10-29T01:08 2017-10-29T01:18 60002-2 5',
  '2017-10-29T01:11 2017-10-29T01:37 60002-2 5',
  '2017-10-29T01:46 2017-10-29T01:08 60002-2 5',
  // Over days, and beyond the end of the period.
  '2017-10-28T07:00 2017-11-02T07:00 60003-1 0',
  '2017-10-29T23:59 2017-10-30T03:00 60003-2 11',
  '2017-10-28T10:00 - 60004-1 -',
  // Outside of it.
  '2017-10-30T00:00 2017-10-30T03:00 60005-1 11',
  'some day 60001-1',
];

const EXPECTED = {
  read: 16,
  setAside: { overlap: 1, 'no-end': 2, 'zero-length': 1, 'ends-before-start': 1, unreadable: 1 },
  doubtful: { 'negative-energy': 1, 'absurd-energy': 1, 'no-energy': 1 },
  toldApart: 3,
  devices: 6,
  replayed: 10,
  matched: 10,
  missing: 0,
  surplus: 0,
};

let link: Link;
let hub: Awaited<ReturnType<typeof startHub>>;
let site: Awaited<ReturnType<typeof startSite>>;
let database: TestDatabase;
let node: NodeProcess;
let client: pg.Client;
let file: string;
const temporary = temporaryFolder();

beforeAll(async () => {
  file = join(temporary.folder, 'sessions.csv.gz');
  writeFileSync(file, gzipSync(csvOf(LINES)));
  link = await startLink();
  hub = await startHub({ link });
  site = await startSite(hub, { link });
  database = await createDatabase();
  node = await startNodeProcess({ hub, postgresUrl: database.url });
  client = new pg.Client({ connectionString: database.url });
  await client.connect();
});

afterAll(async () => {
  await client.end();
  await node.stop();
  await database.drop();
  await site.end();
  await hub.end();
  await link.close();
  temporary.remove();
});

interface Replay {
  /** Rejects, with what it said, when it has no result. */
  readonly ended: Promise<{ readonly exitCode: number | null; readonly summary: ReplaySummary }>;
}

function replay(...flags: readonly string[]): Replay {
  return replayTo(site.url, flags);
}

function replayTo(natsUrl: string, flags: readonly string[]): Replay {
  const args = ['--import', 'tsx', 'tools/corral.ts', 'replay', file, '--from', '2017-10-28', '--json'];
  const child = spawn(process.execPath, [...args, ...flags], {
    cwd: projectFolder,
    env: { ...process.env, CORRAL_NATS_URL: natsUrl, CORRAL_HTTP_URL: node.httpUrl },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  let result = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
  child.stdout.setEncoding('utf8').on('data', (text: string) => (result += text));
  const ended = once(child, 'close').then(() => {
    if (result === '') {
      throw new Error(`the replay ended with ${String(child.exitCode)} and no result; it said: ${said}`);
    }
    return { exitCode: child.exitCode, summary: JSON.parse(result) as ReplaySummary };
  });
  return { ended };
}

/** Reports in the store of the devices of a run, and how many of them are there twice. */
async function inStore(run: number): Promise<{ readonly reports: number; readonly twice: number }> {
  const { rows } = await client.query<{ reports: string; different: string }>(
    `select count(*) as reports, count(distinct (r.device, r.incarnation, r.boot, r.seq)) as different
      from report r join device d on d.key = r.device where d.id ~ $1`,
    [run === 1 ? '^[0-9]+-[0-9]$' : `-r${String(run)}$`],
  );
  const reports = Number(rows[0]?.reports);
  return { reports, twice: reports - Number(rows[0]?.different) };
}

async function reportsInStore(): Promise<number> {
  const { rows } = await client.query<{ reports: string }>('select count(*) as reports from report');
  return Number(rows[0]?.reports);
}

/** Waits until more than `before` reports are in the store; resolves with how many more. */
async function untilMoreThan(before: number): Promise<number> {
  const found = await until(`more than ${String(before)} reports are in the store`, async () => {
    const reports = await reportsInStore();
    return reports > before
      ? { done: true, value: reports - before }
      : { done: false, seen: String(reports) };
  });
  return found ?? 0;
}

describe('a replay', () => {
  it('of what was buffered matches every session, current report first', async () => {
    const { exitCode, summary } = await replay('--days', '2').ended;
    expect(summary).toMatchObject({ ...EXPECTED, mode: 'backfill', run: 1, duplicates: 0 });
    expect(exitCode).toBe(0);
    expect(await inStore(summary.run)).toEqual({ reports: summary.sent, twice: 0 });
  });

  it('of the same file into the same Corral matches again, oldest report first, with devices of its own', async () => {
    const { exitCode, summary } = await replay('--days', '2', '--order', 'fifo').ended;
    expect(summary).toMatchObject({ ...EXPECTED, mode: 'fifo', run: 2, duplicates: 0 });
    expect(exitCode).toBe(0);
    expect(await inStore(summary.run)).toEqual({ reports: summary.sent, twice: 0 });
  });

  it('that is lived fast matches as well', async () => {
    const { exitCode, summary } = await replay('--days', '2', '--live', '--speed', '20000').ended;
    expect(summary).toMatchObject({ ...EXPECTED, mode: 'live' });
    expect(exitCode).toBe(0);
  });

  it('straight to the hub needs the credentials of a site, and says so at once', async () => {
    await expect(replayTo(hub.url('backend'), []).ended).rejects.toThrow(
      /ended with 1 .*The user in CORRAL_NATS_URL may not speak as a device/s,
    );
    const { exitCode, summary } = await replayTo(hub.url('depot'), ['--days', '2']).ended;
    expect(summary).toMatchObject(EXPECTED);
    expect(exitCode).toBe(0);
  });

  it('loses no report and stores none twice when the node is killed in the middle of it', async () => {
    const before = await reportsInStore();
    const running = replay('--days', '2', '--heartbeat', '20');
    const storedAtKill = await untilMoreThan(before);
    await node.kill();
    await node.start();
    const { exitCode, summary } = await running.ended;
    expect(summary).toMatchObject(EXPECTED);
    expect(exitCode).toBe(0);
    expect(storedAtKill).toBeLessThan(summary.sent);
    expect(await inStore(summary.run)).toEqual({ reports: summary.sent, twice: 0 });
  });

  it('loses no report and stores none twice when the link of the site is cut for 30 s under load', async () => {
    const before = await reportsInStore();
    const running = replay('--days', '2', '--live', '--speed', '10000', '--heartbeat', '60');
    const storedAtCut = await untilMoreThan(before);
    link.cut();
    // The outage is what is tried here, not what is waited for.
    await sleep(30_000);
    link.heal();
    const { exitCode, summary } = await running.ended;
    expect(summary).toMatchObject({ ...EXPECTED, mode: 'live' });
    expect(exitCode).toBe(0);
    expect(storedAtCut).toBeLessThan(summary.sent);
    expect(await inStore(summary.run)).toEqual({ reports: summary.sent, twice: 0 });
  });
});
