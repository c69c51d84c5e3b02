/**
 * `bench abuse`: whether somebody with the credentials of one site, with those of a backend, or with HTTP can stop the others. A good
 * site reports a thousand times a second, in three runs: by itself, while abusers offer what they can, and while processes that have
 * nothing to do with Corral burn so much CPU that the machine is as busy. Abuse may cost processors, and nothing else.
 */
import { availableParallelism } from 'node:os';
import pg from 'pg';
import type { Progress } from '../../cli/progress.ts';
import { BenchProcess } from '../bench-process.ts';
import { type FleetMix, mixOptions, SITE } from '../fleet-mix.ts';
import { mixedReport } from '../../fleet/report-mix.ts';
import { LiveLoad } from '../live-load.ts';
import { cpuMicrosOf } from '../process-cpu.ts';
import type { TargetLine } from '../target-table.ts';
import { type AbuseWorld, startAbuseWorld } from './abuse-world.ts';
import { OFFERED_PER_SECOND } from './abuses.ts';
import { type GoodRun, type GoodRunsOptions, runGood, warmUp } from './good-runs.ts';
import { GoodWatch } from './good-watch.ts';
import type { AbuseName, AbuserNews, BurnerNews, Offered } from './order.ts';

/** What is measured. */
export interface AbuseOptions extends Pick<FleetMix, 'devices' | 'encoding'> {
  /** Each run lasts so long. */
  readonly seconds: number;
  readonly abuses: readonly AbuseName[];
  /** A folder for a CPU profile of the node and its log, or `null`. */
  readonly profileDir: string | null;
  readonly progress: Progress;
}

/** What was measured. */
export interface AbuseResult {
  readonly seconds: number;
  readonly alone: GoodRun;
  readonly abused: GoodRun;
  readonly burning: GoodRun;
  /** A second, in the unit of each abuse. */
  readonly offered: Offered;
}

/** Of the good site. */
const GOOD_PER_SECOND = 1_000;
const WARM_UP_SECONDS = 5;
const NEWS_MS_MAX = 60_000;
/** How often the burners are told how much they may burn, ms. */
const ORDER_INTERVAL_MS = 50;
/** With abuse, 99 % of the good reports are known within so many times what they take with as much CPU burnt. */
const RATIO_MAX = 2;
/** While one device says far too much, every good report is known within this, ms: more than committed, since it is told as well. */
const KNOWN_MS_MAX = 1_000;

/** Measures. */
export async function measureAbuse(options: AbuseOptions): Promise<AbuseResult> {
  const { progress, seconds, abuses } = options;
  const first = await inWorld(options, async ({ world, runs, victim }) => {
    progress.step(`${GOOD_PER_SECOND.toLocaleString('en-GB')} reports/s of ${SITE}, alone`);
    const alone = await runGood(runs, { cpuMicros: () => world.cpuMicros() });
    progress.step(`while abusers offer ${abuses.join(', ')}`);
    return { alone, ...(await runAbused(world, runs, { abuses, victim })) };
  });
  const { alone, abused, offered } = first;
  // In a world of its own: what the abusers left to be decided is none of its business.
  const burning = await inWorld({ ...options, profileDir: null }, async ({ world, runs }) => {
    const processors = abused.processors ?? 0;
    progress.step(`while so much is burnt that ${processors.toFixed(2)} processors are used`);
    return runBurning(world, runs, processors);
  });
  return { seconds, alone, abused, burning, offered };
}

/** A world that has warmed up. */
interface WarmWorld {
  readonly world: AbuseWorld;
  readonly runs: GoodRunsOptions;
  /** A good device. */
  readonly victim: string;
}

/** Does something in a new world, and ends it. */
async function inWorld<Result>(
  { progress, seconds, devices, encoding, profileDir }: AbuseOptions,
  run: (warm: WarmWorld) => Promise<Result>,
): Promise<Result> {
  const fleet = { devices, encoding, mix: 'changing' } as const;
  const stops: (() => Promise<unknown>)[] = [];
  try {
    const world = await startAbuseWorld({ ...fleet, progress, profileDir });
    stops.push(() => world.stop());
    const client = new pg.Client({ connectionString: world.databaseUrl });
    await client.connect();
    stops.push(() => client.end());
    const watch = await GoodWatch.connect(world.servers.hub.url('backend'));
    stops.push(() => watch.close());
    const load = new LiveLoad(world.goodSite, fleet, (report) => watch.published(report));
    const runs = { load, watch, client, perSecond: GOOD_PER_SECOND, seconds };
    await warmUp(runs, WARM_UP_SECONDS);
    const victim = mixedReport(mixOptions(fleet), 0, 0).device;
    return await run({ world, runs, victim });
  } finally {
    for (const stop of stops.reverse()) await stop();
  }
}

async function runAbused(
  world: AbuseWorld,
  runs: GoodRunsOptions,
  order: { readonly abuses: readonly AbuseName[]; readonly victim: string },
): Promise<{ readonly abused: GoodRun; readonly offered: Offered }> {
  const abusers = new BenchProcess<AbuserNews>({ command: 'abuser' });
  try {
    const backendUrl = world.servers.hub.url('backend');
    abusers.tell({ ...order, backendUrl, siteUrl: world.abusedSiteUrl, httpUrl: world.httpUrl });
    await abusers.hear('abusing', NEWS_MS_MAX);
    const abused = await runGood(runs, {
      cpuMicros: () => sum(world.cpuMicros(), cpuMicrosOf(abusers.pid)),
      onOffered: () => abusers.tell('stop'),
    });
    const { offered } = await abusers.hear('offered', NEWS_MS_MAX);
    return { abused, offered };
  } finally {
    await abusers.kill();
  }
}

/**
 * While so much is burnt that as many processors are used as while others abused. What they had of them cannot be told: beside others the
 * good reports share their commits, and cost less than alone.
 */
async function runBurning(world: AbuseWorld, runs: GoodRunsOptions, processors: number): Promise<GoodRun> {
  const burners = Array.from(
    { length: availableParallelism() },
    () => new BenchProcess<BurnerNews>({ command: 'burner' }),
  );
  const burnt = (): number | null =>
    burners.reduce<number | null>((total, { pid }) => sum(total, cpuMicrosOf(pid)), 0);
  let timer: NodeJS.Timeout | undefined;
  try {
    for (const burner of burners) await burner.hear('burning', NEWS_MS_MAX);
    const startedAt = performance.now();
    const othersBefore = world.cpuMicros() ?? 0;
    timer = setInterval(() => {
      const wanted = processors * (performance.now() - startedAt) * 1_000;
      const others = (world.cpuMicros() ?? 0) - othersBefore;
      for (const burner of burners) burner.tell({ micros: (wanted - others) / burners.length });
    }, ORDER_INTERVAL_MS);
    return await runGood(runs, { cpuMicros: () => sum(world.cpuMicros(), burnt()) });
  } finally {
    clearInterval(timer);
    await Promise.all(burners.map((burner) => burner.kill()));
  }
}

function sum(a: number | null, b: number | null): number | null {
  return a === null || b === null ? null : a + b;
}

/** The lines of a result in the table of all targets. */
export function abuseTargets(result: AbuseResult): readonly TargetLine[] {
  const { alone, abused, burning, offered } = result;
  const lost = alone.lost + abused.lost + burning.lost;
  const ratio = Math.round((100 * abused.p99) / burning.p99) / 100;
  const line = (what: string, { p50, p99, max, processors }: GoodRun): TargetLine => ({
    what: `abuse: published to known ${what}, ms: p50, p99, most; processors`,
    target: '',
    isMet: null,
    measured: `${[p50, p99, max].map((ms) => ms.toFixed(1)).join('  ')}  (${processors?.toFixed(2) ?? '-'})`,
  });
  return [
    line('alone', alone),
    line('while abused', abused),
    line('while as much CPU is burnt', burning),
    { what: 'abuse: good reports lost', target: '0', measured: lost, isMet: lost === 0 },
    {
      what: 'abuse: p99 while abused against as much CPU burnt',
      target: `<= ${String(RATIO_MAX)}`,
      measured: ratio,
      isMet: ratio <= RATIO_MAX,
    },
    ...(offered['one-device'] === undefined
      ? []
      : [
          {
            what: 'abuse: the slowest good report beside one device that says too much, ms',
            target: `<= ${String(KNOWN_MS_MAX)}`,
            measured: Math.round(abused.max),
            isMet: abused.max <= KNOWN_MS_MAX,
          },
        ]),
    ...Object.entries(offered).map(([name, count]) => ({
      what: `abuse: ${name} offered a second, of ${String(OFFERED_PER_SECOND[name as AbuseName])}`,
      target: '',
      measured: count,
      isMet: null,
    })),
  ];
}
