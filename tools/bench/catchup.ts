/** `bench catchup`: how long a node that was away needs until it is current again, by the reports that came meanwhile. */
import type { Progress } from '../cli/progress.ts';
import { BenchProcess } from './bench-process.ts';
import { startBenchServers } from './bench-servers.ts';
import type { FleetMix } from './fleet-mix.ts';
import { fill, prepareFleet } from './ingest.ts';
import type { NodeNews } from './node-process.ts';
import type { TargetLine } from './target-table.ts';

/** What is measured. */
export interface CatchupOptions extends FleetMix {
  /** That came while the node was away. */
  readonly reports: number;
  readonly progress: Progress;
}

/** What was measured. Times from the start of the node, with the loading of its twins, ms. */
export interface CatchupResult {
  readonly devices: number;
  readonly reports: number;
  /** Until the node hears what devices say now. */
  readonly hearingMs: number;
  /** Until the last report that waited is committed. */
  readonly committedMs: number;
  readonly reportsPerSecond: number;
  /** Minutes in which the fleet makes as many reports, one a minute each. */
  readonly awayMinutes: number;
}

const DATABASE = 'bench_catchup';
const MS_MAX = 600_000;

/** Measures. */
export async function measureCatchup(options: CatchupOptions): Promise<CatchupResult> {
  const { progress, devices, reports } = options;
  progress.step('starting a hub and a Postgres');
  const servers = await startBenchServers();
  try {
    const { hub, postgres, client } = servers;
    await prepareFleet(servers, DATABASE, options);
    await fill(servers, options, reports);
    await client.query('checkpoint');
    const node = new BenchProcess<NodeNews>({ command: 'node' });
    try {
      node.tell({ natsUrl: hub.url('runtime'), postgresUrl: postgres.url(DATABASE), reports });
      const { ms: committedMs } = await node.hear('drained', MS_MAX);
      const { ms: hearingMs } = await node.hear('hearing', MS_MAX);
      await node.end();
      progress.step(`${reports.toLocaleString('en-GB')} reports in ${(committedMs / 1_000).toFixed(1)} s`);
      return {
        devices,
        reports,
        hearingMs: Math.round(hearingMs),
        committedMs: Math.round(committedMs),
        reportsPerSecond: Math.round((reports * 1_000) / committedMs),
        awayMinutes: Math.round((10 * reports) / devices) / 10,
      };
    } finally {
      await node.kill();
    }
  } finally {
    await servers.stop();
  }
}

/** The lines of a result in the table of all targets. */
export function catchupTargets(result: CatchupResult): readonly TargetLine[] {
  const { devices, reports, hearingMs, committedMs, awayMinutes } = result;
  const which = `${devices.toLocaleString('en-GB')} devices, ${reports.toLocaleString('en-GB')} reports, ${String(awayMinutes)} minutes of one a minute`;
  return [
    { what: `catchup: ms until it hears (${which})`, target: '', measured: hearingMs, isMet: null },
    { what: `catchup: ms until all is committed (${which})`, target: '', measured: committedMs, isMet: null },
  ];
}
