/**
 * `bench live`: how long a report takes from a device behind a leaf until it is committed with its history, at 10, 50 and 90 %
 * of the most that this machine takes, devices and servers included.
 */
import type { Progress } from '../cli/progress.ts';
import type { FleetMix } from './fleet-mix.ts';
import { LiveLoad } from './live-load.ts';
import { startLiveWorld } from './live-world.ts';
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
}

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
    return { devices, maxReportsPerSecond, at };
  } finally {
    await world.stop();
  }
}

/** The lines of a result in the table of all targets. */
export function liveTargets({ at, maxReportsPerSecond }: LiveResult): readonly TargetLine[] {
  const most = maxReportsPerSecond.toLocaleString('en-GB');
  return at.map(({ share, p50, p99, p999 }) => ({
    what: `live: published to committed at ${String(share * 100)} % of ${most}/s, ms: p50, p99, p99.9`,
    ...{ target: '', isMet: null },
    measured: [p50, p99, p999].map((ms) => ms.toFixed(1)).join('  '),
  }));
}
