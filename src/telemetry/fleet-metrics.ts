/**
 * What is counted when Prometheus asks: how this node stands, and, from the store, how the whole fleet does. Every node tells the
 * whole fleet, so dashboards take the greatest (`max by`), not the sum.
 */
import type { Logger } from 'pino';
import { Gauge, type Registry } from 'prom-client';
import { writeEvent } from './log-events.ts';
import type { Census, FleetCensus } from '../history/ports.ts';
import type { ClockDifference } from '../runtime/clock-watch.ts';
import type { Clock } from '../runtime/ports.ts';
import type { NodeStatus } from '../runtime/node.ts';
import type { Undecided } from '../runtime/undecided.ts';

/** The fleet is counted again when Prometheus asks this long after the last time, ms. */
const CENSUS_EVERY_MS = 15_000;
/** A scrape waits so long for it, ms; then it tells the last one, or nothing while there is none. */
const CENSUS_WAIT_MS = 2_000;
/** What was counted longer ago is not told any more, ms: no number is better than an old one. */
const CENSUS_OLD_MS = 120_000;

/** What is asked at a scrape. */
export interface FleetMetricsOptions {
  readonly registry: Registry;
  readonly census: Census;
  readonly clock: Clock;
  readonly log: Logger;
  readonly status: () => NodeStatus;
  /** How far the clocks of other servers are from this node's. */
  readonly clocks: () => readonly ClockDifference[];
  /** By stream of reports, the sequence of its last message; `null` while the hub cannot be asked. */
  readonly streamSequences: () => Promise<ReadonlyMap<string, number> | null>;
  /** How many messages these are, of a stream whose last one is `last`; `null` while the hub cannot be asked. */
  readonly messagesAfter: (undecided: Undecided, last: number) => Promise<number | null>;
  /** How full each stream of a site is. */
  readonly streamShares: () => readonly number[];
}

/** Registers the gauges. */
export function registerFleetMetrics(options: FleetMetricsOptions): void {
  registerNode(options);
  const latest = latestCensus(options);
  gauge(
    options,
    'corral_twins',
    'Devices of the whole fleet with a twin, by kind and known state',
    ['kind', 'state'],
    async () =>
      (await latest())?.twins.map(({ kind, state, twins }) => ({ labels: { kind, state }, value: twins })),
  );
  gauge(options, 'corral_suspicions', 'Open suspicions in the whole fleet, by reason', ['reason'], async () =>
    (await latest())?.suspicions.map(({ reason, twins }) => ({ labels: { reason }, value: twins })),
  );
  gauge(
    options,
    'corral_divergences',
    'Open divergences between devices and the ledger in the whole fleet, by sort',
    ['sort'],
    async () => (await latest())?.divergences.map(({ sort, twins }) => ({ labels: { sort }, value: twins })),
  );
  gauge(
    options,
    'corral_commands_open',
    'Commands of the whole fleet without a final outcome: pending, or unknown',
    ['outcome'],
    async () =>
      (await latest())?.openCommands.map(({ outcome, commands }) => ({
        labels: { outcome },
        value: commands,
      })),
  );
}

function registerNode(options: FleetMetricsOptions): void {
  const { status, streamSequences, messagesAfter, clocks } = options;
  const one = (value: number) => [{ labels: {}, value }];
  gauge(options, 'corral_partitions', 'Partitions this node decides for', [], async () =>
    one(status().partitions.length),
  );
  gauge(options, 'corral_leases_sure', '1 while the leases of this node were renewed in time', [], async () =>
    one(status().isSure ? 1 : 0),
  );
  gauge(
    options,
    'corral_backlog_messages',
    'Messages this node has set aside while others waited, and not decided on yet',
    [],
    async () => one(status().backlog),
  );
  gauge(
    options,
    'corral_clock_offset_seconds',
    'How far the clock of the hub, or of the store, is ahead of this node’s, to half a round trip',
    ['server'],
    async () => clocks().map(({ server, offsetMs }) => ({ labels: { server }, value: offsetMs / 1_000 })),
  );
  gauge(
    options,
    'corral_stream_full_ratio',
    'How full the fullest stream of a site is: 1 is its max_bytes. Absent while the hub was not asked',
    [],
    async () => {
      const shares = options.streamShares();
      return shares.length === 0 ? undefined : one(Math.max(...shares));
    },
  );
  gauge(options, 'corral_timers', 'Twins of this node that are to be woken some time', [], async () =>
    one(status().timers),
  );
  gauge(
    options,
    'corral_lag_messages',
    'Messages in the streams for partitions of this node, behind the last ones it decided on. Absent without partitions or hub',
    [],
    async () => {
      const { partitions, positions } = status();
      const last = partitions.length === 0 ? null : await streamSequences();
      if (last === null) return undefined;
      const counts = await Promise.all(
        [...last].map(async ([stream, sequence]) => {
          const after = positions.get(stream) ?? 0;
          return after < sequence ? messagesAfter({ stream, after, partitions }, sequence) : 0;
        }),
      );
      const known = counts.filter((count) => count !== null);
      return known.length < counts.length ? undefined : one(known.reduce((sum, count) => sum + count, 0));
    },
  );
}

interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** A gauge that is set anew at every scrape; nothing is told where nothing is known. */
function gauge(
  { registry }: FleetMetricsOptions,
  name: string,
  help: string,
  labelNames: readonly string[],
  samples: () => Promise<readonly Sample[] | undefined>,
): void {
  new Gauge({
    name,
    help,
    labelNames,
    registers: [registry],
    async collect() {
      const found = (await samples()) ?? [];
      this.reset();
      if (labelNames.length === 0) this.remove({});
      for (const { labels, value } of found) this.set(labels, value);
    },
  });
}

/** The newest census that is not too old; one is under way at most. */
function latestCensus({ census, clock, log }: FleetMetricsOptions): () => Promise<FleetCensus | null> {
  let last: { readonly census: FleetCensus; readonly at: number } | null = null;
  let askedAt = -Infinity;
  let asking: Promise<void> | null = null;
  const ask = async (): Promise<void> => {
    try {
      last = { census: await census.census(), at: clock.monotonic() };
    } catch (error) {
      writeEvent(log, 'census-failed', { cause: error instanceof Error ? error.message : String(error) });
    } finally {
      asking = null;
    }
  };
  return async () => {
    if (asking === null && clock.monotonic() - askedAt >= CENSUS_EVERY_MS) {
      askedAt = clock.monotonic();
      asking = ask();
    }
    if (asking !== null) await atMost(asking, clock);
    return last !== null && clock.monotonic() - last.at < CENSUS_OLD_MS ? last.census : null;
  };
}

function atMost(work: Promise<void>, clock: Clock): Promise<void> {
  return new Promise((resolve) => {
    const cancel = clock.after(CENSUS_WAIT_MS, resolve);
    void work.then(() => {
      cancel();
      resolve();
    });
  });
}
