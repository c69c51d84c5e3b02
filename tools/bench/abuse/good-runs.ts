/** Runs of the good devices: what they offered, what of it is in the history afterwards, and how long it took to become known. */
import type pg from 'pg';
import { SITE } from '../fleet-mix.ts';
import type { LiveLoad } from '../live-load.ts';
import type { GoodTimes, GoodWatch } from './good-watch.ts';

/** How the good devices fared in one run. */
export interface GoodRun extends GoodTimes {
  readonly offered: number;
  /** Offered, and not in the history afterwards. */
  readonly lost: number;
  /** Processors that were used meanwhile; `null` where it cannot be told. */
  readonly processors: number | null;
}

/** What runs are made of. */
export interface GoodRunsOptions {
  readonly load: LiveLoad;
  readonly watch: GoodWatch;
  /** To the node's database. */
  readonly client: pg.Client;
  readonly perSecond: number;
  /** Each run lasts so long. */
  readonly seconds: number;
}

/** How long the good reports may take until they are in the history, ms. */
const COMMITTED_MS_MAX = 120_000;
const POLL_MS = 200;

/** What goes on beside the good devices. */
export interface Meanwhile {
  /** CPU time of everything that belongs to the run so far, µs. */
  readonly cpuMicros: () => number | null;
  /** All good reports are stored by the hub: what went on beside them ends here. */
  readonly onOffered?: () => void;
}

/** Makes all processes known with their work; resolves when everything of it is in the history. */
export async function warmUp({ load, client, perSecond }: GoodRunsOptions, seconds: number): Promise<void> {
  const before = await storedReports(client);
  const offered = await load.run(perSecond, seconds);
  await untilStored(client, before + offered);
}

/** One run. */
export async function runGood(
  options: GoodRunsOptions,
  { cpuMicros, onOffered }: Meanwhile,
): Promise<GoodRun> {
  const { load, watch, client, perSecond, seconds } = options;
  const before = await storedReports(client);
  const startedAt = performance.now();
  const cpuBefore = cpuMicros();
  watch.take();
  const offered = await load.run(perSecond, seconds);
  const cpuAfter = cpuMicros();
  onOffered?.();
  const micros = (performance.now() - startedAt) * 1_000;
  const stored = (await untilStored(client, before + offered)) - before;
  const processors = cpuBefore === null || cpuAfter === null ? null : (cpuAfter - cpuBefore) / micros;
  return { ...watch.take(), offered, lost: offered - stored, processors };
}

/** Reports of the good site in the history once so many are, or when it has taken too long. */
async function untilStored(client: pg.Client, wanted: number): Promise<number> {
  const giveUpAt = performance.now() + COMMITTED_MS_MAX;
  for (;;) {
    const stored = await storedReports(client);
    if (stored >= wanted || performance.now() > giveUpAt) return stored;
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

async function storedReports(client: pg.Client): Promise<number> {
  const { rows } = await client.query<{ readonly count: number }>(
    'select count(*)::float8 as count from report r join device d on d.key = r.device where d.site = $1',
    [SITE],
  );
  return rows[0]?.count ?? 0;
}
