/**
 * `bench live`: how long a report takes from a device behind a leaf until it is committed with its history, at 10, 50 and 90 %
 * of the most that this machine takes, devices and servers included; and at 10 % while a thousand others come back with five
 * hours of reports each.
 */
import type { Progress } from '../cli/progress.ts';
import { type Burst, comeBack } from './burst.ts';
import type { FleetMix } from './fleet-mix.ts';
import { LiveLoad } from './live-load.ts';
import { type LiveWorld, startLiveWorld } from './live-world.ts';
import type { NodeFared } from './node-process.ts';
import type { TargetLine } from './target-table.ts';

/** What is measured. */
export interface LiveOptions extends FleetMix {
  /** Each load lasts so long. */
  readonly seconds: number;
  readonly progress: Progress;
}

/** Latencies at one load, ms. */
export interface LiveAt extends NodeFared {
  /** Share of the maximum. */
  readonly share: number;
  readonly reportsPerSecond: number;
}

/** What was measured. */
export interface LiveResult {
  readonly devices: number;
  readonly maxReportsPerSecond: number;
  readonly at: readonly LiveAt[];
  readonly burst: LiveInBurst;
}

/** How live devices fared, ms, while others came back. */
export interface LiveInBurst extends NodeFared {
  readonly burst: Burst;
  readonly reportsPerSecond: number;
  /** From the first report of those who came back until the last one was committed. */
  readonly seconds: number;
}

/** Five hours, a report a minute. */
const BURST: Burst = { devices: 1_000, reports: 300 };
const BURST_SHARE = 0.1;

const SHARES = [0.1, 0.5, 0.9];
/** Before anything is measured: compilers of all processes get to know their work. */
const WARM_UP_SECONDS = 5;

/** Measures. */
export async function measureLive(options: LiveOptions): Promise<LiveResult> {
  const { progress, devices, seconds } = options;
  const world = await startLiveWorld(options);
  try {
    const load = new LiveLoad(world.site, options);
    await load.run('max', WARM_UP_SECONDS);
    await world.drained();
    const most = await world.watch(() => load.run('max', seconds));
    const maxReportsPerSecond = Math.round(most.fared.reports / seconds);
    progress.step(`at most ${maxReportsPerSecond.toLocaleString('en-GB')} reports/s`);
    await world.drained();
    const at: LiveAt[] = [];
    for (const share of SHARES) {
      const reportsPerSecond = Math.round(share * maxReportsPerSecond);
      await load.run(reportsPerSecond, 1);
      const { fared } = await world.watch(() => load.run(reportsPerSecond, seconds));
      at.push({ share, reportsPerSecond, ...fared });
      await world.drained();
      progress.step(
        `${String(share * 100)} %: p50 ${fared.p50.toFixed(1)} ms, p99 ${fared.p99.toFixed(1)} ms, p99.9 ${fared.p999.toFixed(1)} ms`,
      );
    }
    progress.step(`${String(BURST.devices)} devices come back with ${String(BURST.reports)} reports each`);
    const burst = await inBurst(world, load, {
      options,
      reportsPerSecond: Math.round(BURST_SHARE * maxReportsPerSecond),
    });
    return { devices, maxReportsPerSecond, at, burst };
  } finally {
    await world.stop();
  }
}

/** Live devices report until everything of those who come back is committed. */
async function inBurst(
  world: LiveWorld,
  load: LiveLoad,
  { options, reportsPerSecond }: { readonly options: LiveOptions; readonly reportsPerSecond: number },
): Promise<LiveInBurst> {
  await load.run(reportsPerSecond, 1);
  const startedAt = performance.now();
  const { fared } = await world.watch(async () => {
    const over = new AbortController();
    const returning = comeBack(world.site, options, BURST)
      .then(() => world.caughtUp())
      .finally(() => over.abort());
    while (!over.signal.aborted) await load.run(reportsPerSecond, 1);
    await returning;
  });
  const seconds = (performance.now() - startedAt) / 1_000;
  return { burst: BURST, reportsPerSecond, seconds, ...fared };
}

/** The lines of a result in the table of all targets. */
export function liveTargets({ at, burst, maxReportsPerSecond }: LiveResult): readonly TargetLine[] {
  const most = maxReportsPerSecond.toLocaleString('en-GB');
  const line = (what: string, { p50, p99, p999 }: NodeFared): TargetLine => ({
    what: `live: published to committed ${what}, ms: p50, p99, p99.9`,
    target: '',
    isMet: null,
    measured: [p50, p99, p999].map((ms) => ms.toFixed(1)).join('  '),
  });
  const { devices, reports } = burst.burst;
  const returning = `${devices.toLocaleString('en-GB')} devices empty ${String(reports)} reports each`;
  return [
    ...at.map((fared) => line(`at ${String(fared.share * 100)} % of ${most}/s`, fared)),
    line(`at ${String(BURST_SHARE * 100)} %, while ${returning} (${burst.seconds.toFixed(0)} s)`, burst),
  ];
}
