/**
 * `bench pages`: what a full-page image costs. After a checkpoint Postgres logs the whole page with the first change of it, so
 * that a page torn by a power cut can be made whole; where every device is on another page, that is nearly every report. Measured
 * with each kind of compression the server knows, and once more on pages that were changed since the checkpoint.
 */
import pg from 'pg';
import type { Progress } from '../cli/progress.ts';
import { startBenchServers, walBytes } from './bench-servers.ts';
import { type FleetMix, strideOver } from './fleet-mix.ts';
import { prepareFleet } from './ingest.ts';
import { cpuMicrosOf } from './process-cpu.ts';
import type { TargetLine } from './target-table.ts';

/** What is measured. */
export interface PageImagesOptions extends FleetMix {
  /** Rows changed with each setting, each of another device. */
  readonly changes: number;
  readonly progress: Progress;
}

/** The cost of a change of one row. */
export interface PageCost {
  readonly walBytes: number;
  /** Of Postgres; `null` where it cannot be told. */
  readonly cpuMicros: number | null;
}

/** What was measured. */
export interface PageImagesResult {
  readonly devices: number;
  readonly changes: number;
  /** The table `twin`, bytes. */
  readonly tableBytes: number;
  readonly settings: readonly {
    readonly compression: string;
    /** The first change of a row since the checkpoint. */
    readonly first: PageCost;
    /** The next one. */
    readonly next: PageCost;
  }[];
}

const DATABASE = 'bench_pages';
/** As many devices are written as the runtime would; the others are copies of them. */
const ORIGINALS = 1_000;
const ROWS_AT_ONCE = 2_000;
/** Measures. */
export async function measurePageImages(options: PageImagesOptions): Promise<PageImagesResult> {
  const { progress, devices, changes } = options;
  progress.step('starting a hub and a Postgres');
  const servers = await startBenchServers();
  const { postgres } = servers;
  try {
    await prepareFleet(servers, DATABASE, { ...options, devices: Math.min(ORIGINALS, devices) });
    const client = new pg.Client({ connectionString: postgres.url(DATABASE) });
    await client.connect();
    try {
      progress.step('copying devices');
      await copyDevices(client, Math.floor(devices / ORIGINALS));
      const { rows } = await client.query<{ key: number }>('select device as key from twin order by device');
      const stride = strideOver(rows.length);
      const keys = Array.from({ length: changes }, (_, number) => rows[(number * stride) % rows.length]?.key);
      const settings = [];
      for (const compression of await compressionsOf(client)) {
        await client.query(`alter system set wal_compression = ${compression}`);
        await client.query('select pg_reload_conf()');
        await client.query('checkpoint');
        const cost = (): Promise<PageCost> => costOf(client, postgres.pid(), keys);
        const setting = { compression, first: await cost(), next: await cost() };
        settings.push(setting);
        progress.step(`wal_compression=${compression}: ${String(setting.first.walBytes)} bytes a row`);
      }
      const size = await client.query<{ bytes: string }>("select pg_relation_size('twin') as bytes");
      return { devices: rows.length, changes, tableBytes: Number(size.rows[0]?.bytes), settings };
    } finally {
      await client.end();
    }
  } finally {
    await servers.stop();
  }
}

async function copyDevices(client: pg.Client, times: number): Promise<void> {
  await client.query(
    `insert into device (id, kind, site)
      select d.id || '-' || n, d.kind, d.site from generate_series(2, $1::integer) n, device d`,
    [times],
  );
  const { rows } = await client.query<{ name: string }>(
    `select column_name as name from information_schema.columns
      where table_name = 'twin' and is_generated = 'NEVER' and column_name not in ('device', 'partition')`,
  );
  const columns = rows.map(({ name }) => name);
  await client.query(
    `insert into twin (device, partition, ${columns.join(', ')})
      select c.key, c.partition, ${columns.map((name) => `t.${name}`).join(', ')}
      from device c join device d on d.id = regexp_replace(c.id, '-\\d+$', '')
      join twin t on t.device = d.key where c.id like '%-%-%' order by c.key`,
  );
  await client.query('vacuum analyze twin');
}

async function compressionsOf(client: pg.Client): Promise<readonly string[]> {
  const { rows } = await client.query<{ values: string[] }>(
    "select enumvals as values from pg_settings where name = 'wal_compression'",
  );
  return ['off', ...(rows[0]?.values ?? []).filter((value) => !['on', 'off'].includes(value))];
}

async function costOf(
  client: pg.Client,
  pid: number,
  keys: readonly (number | undefined)[],
): Promise<PageCost> {
  const wal = await walBytes(client);
  const cpu = cpuMicrosOf(pid);
  for (let from = 0; from < keys.length; from += ROWS_AT_ONCE) {
    await client.query({
      name: 'change',
      text: `update twin set version = version + 1, received_at = now(), measured_at = now(), seq = seq + 1, up = up + 60000
        where device = any($1::integer[])`,
      values: [keys.slice(from, from + ROWS_AT_ONCE)],
    });
  }
  const after = cpuMicrosOf(pid);
  return {
    walBytes: Math.round(((await walBytes(client)) - wal) / keys.length),
    cpuMicros: cpu === null || after === null ? null : Math.round((10 * (after - cpu)) / keys.length) / 10,
  };
}

/** The lines of a result in the table of all targets. */
export function pageImagesLines({ settings, devices }: PageImagesResult): readonly TargetLine[] {
  const shown = ({ walBytes: bytes, cpuMicros }: PageCost): string =>
    `${bytes.toLocaleString('en-GB')} bytes, ${cpuMicros === null ? '-' : String(cpuMicros)} µs`;
  return settings.flatMap(({ compression, first, next }) => {
    const which = `wal_compression=${compression}, ${devices.toLocaleString('en-GB')} twins`;
    return [
      { what: `pages: first change of a row, ${which}`, target: '', measured: shown(first), isMet: null },
      { what: `pages: the next one, ${which}`, target: '', measured: shown(next), isMet: null },
    ];
  });
}
