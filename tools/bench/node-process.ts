/**
 * The process of a node that a bench starts, loads and asks how it fared: how long it took until its twins lived, what memory
 * they take, and how long reports take until they are committed.
 */
import { createHistogram, type RecordableHistogram } from 'node:perf_hooks';
import type { Commit } from '../../src/runtime/ports.ts';
import { endProcess, nextMessage } from './bench-process.ts';
import { connectBenchNode } from './bench-node.ts';

/** What to start. */
export interface NodeOrder {
  readonly natsUrl: string;
  readonly postgresUrl: string;
  /** Reports that wait in the stream. */
  readonly reports: number;
}

/** Told to a node at work: `reset` forgets what was measured, `read` tells it, `stop` ends. */
export type NodeCommand = 'reset' | 'read' | 'stop';

/** Times are ms from the start of the node. */
export type NodeNews =
  | {
      readonly type: 'hearing';
      readonly ms: number;
      readonly twins: number;
      /** On the heap and in buffers, more than before the start; known with `--expose-gc` alone. */
      readonly bytes: number;
      readonly residentBytes: number;
    }
  /** The reports that waited are committed. */
  | { readonly type: 'drained'; readonly ms: number; readonly cpuMicros: number }
  | ({ readonly type: 'fared' } & NodeFared);

/** How a node fared since it was told to forget. Latencies from publishing to the commit, ms; zero of none. */
export interface NodeFared {
  readonly reports: number;
  readonly cpuMicros: number;
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
  readonly max: number;
}

/** The field of a report that says when it was to be published: by the machine's monotonic clock, µs. */
export const SENT_FIELD = 'sentMicros';

/** The machine's monotonic clock, µs: the same in all its processes. */
export function monotonicMicros(): number {
  return Number(process.hrtime.bigint() / 1_000n);
}

/** Does as it is told. Resolves when everything has come to rest. */
export async function runNodeProcess(): Promise<void> {
  const order = await nextMessage<NodeOrder>();
  const tell = (news: NodeNews): void => {
    process.send?.(news);
  };
  const watch = new CommitWatch(order.reports, tell);
  let twins = 0;
  const benched = await connectBenchNode({
    ...order,
    onCommitted: (commit) => watch.committed(commit),
    telemetry: {
      ownership: ({ event, twins: taken }) => {
        if (event === 'taken') twins = taken;
      },
      hearing: (isHearing) => {
        if (!isHearing) return;
        // The node sets the wake-ups of its twins right after this was told.
        setImmediate(() => {
          const ms = watch.ms;
          const { bytes, residentBytes } = memory();
          tell({
            type: 'hearing',
            ms,
            twins,
            bytes: bytes - before.bytes,
            residentBytes: residentBytes - before.residentBytes,
          });
        });
      },
    },
  });
  const before = memory();
  const stopped = new Promise<void>((resolve) => {
    process.on('message', (command: NodeCommand) => {
      if (command === 'reset') watch.reset();
      else if (command === 'read') tell({ type: 'fared', ...watch.fared() });
      else resolve();
    });
  });
  watch.start();
  await benched.node.start();
  await stopped;
  await benched.stop();
  endProcess();
}

/** Memory that is really in use, bytes. */
function memory(): { readonly bytes: number; readonly residentBytes: number } {
  globalThis.gc?.();
  const { heapUsed, external, rss } = process.memoryUsage();
  return { bytes: heapUsed + external, residentBytes: rss };
}

/** Looks at every commit. */
class CommitWatch {
  readonly #tell: (news: NodeNews) => void;
  readonly #waiting: number;
  readonly #latencies: RecordableHistogram = createHistogram();
  #startedAt = performance.now();
  #startedCpu = process.cpuUsage();
  #cpu = process.cpuUsage();
  #inAll = 0;
  #reports = 0;

  constructor(waiting: number, tell: (news: NodeNews) => void) {
    this.#waiting = waiting;
    this.#tell = tell;
  }

  /** Since the node was started. */
  get ms(): number {
    return performance.now() - this.#startedAt;
  }

  start(): void {
    this.#startedAt = performance.now();
    this.#startedCpu = process.cpuUsage();
  }

  committed({ reports }: Commit): void {
    const now = monotonicMicros();
    for (const { report } of reports) {
      const sent = (report as Readonly<Record<string, unknown>>)[SENT_FIELD];
      if (typeof sent === 'number') this.#latencies.record(Math.max(1, now - sent));
    }
    this.#reports += reports.length;
    const isDrained = this.#inAll < this.#waiting && this.#inAll + reports.length >= this.#waiting;
    this.#inAll += reports.length;
    if (!isDrained) return;
    const { user, system } = process.cpuUsage(this.#startedCpu);
    this.#tell({ type: 'drained', ms: this.ms, cpuMicros: user + system });
  }

  reset(): void {
    this.#latencies.reset();
    this.#reports = 0;
    this.#cpu = process.cpuUsage();
  }

  fared(): NodeFared {
    const { user, system } = process.cpuUsage(this.#cpu);
    const at = (percentile: number): number => this.#latencies.percentile(percentile) / 1_000;
    const isNone = this.#latencies.count === 0;
    return {
      reports: this.#reports,
      cpuMicros: user + system,
      p50: isNone ? 0 : at(50),
      p99: isNone ? 0 : at(99),
      p999: isNone ? 0 : at(99.9),
      max: isNone ? 0 : this.#latencies.max / 1_000,
    };
  }
}
