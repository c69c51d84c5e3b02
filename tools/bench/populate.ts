/**
 * Writes a fleet into a database as the runtime would have: every device has been heard once, and its twin decided on that
 * report. It goes around the hub, because a bench is about what comes after.
 */
import { decide } from '../../actors/decide.ts';
import type { Decision } from '../../actors/decision.ts';
import { bornTwin } from '../../actors/twin.ts';
import { kinds } from '../../machines/kinds.ts';
import { PostgresStore } from '../../src/postgres/store.ts';
import { DEFAULT_LIMITS } from '../../src/runtime/limits.ts';
import type { Commit, Lease } from '../../src/runtime/ports.ts';
import type { JournalEntry } from '../../src/contract/journal-entry.ts';
import { systemClock } from '../../src/system/system-clock.ts';
import type { Encoding } from '../../src/wire/codec.ts';
import { partitionOf, PARTITIONS } from '../../src/wire/partition.ts';
import { mixedReport } from '../fleet/report-mix.ts';
import { type FleetMix, mixOptions, SITE } from './fleet-mix.ts';

/** Which fleet, where to. */
export interface PopulateOptions extends FleetMix {
  /** Of a migrated, empty database. */
  readonly postgresUrl: string;
  readonly written: (devices: number) => void;
}

const DEVICES_AT_ONCE = 4_000;
const LEASE_TTL_MS = 3_600_000;
const { serverErrorMs } = DEFAULT_LIMITS;

/** Writes it. Rejects when the database does not take it. */
export async function populate(options: PopulateOptions): Promise<void> {
  const { postgresUrl, devices, written } = options;
  const store = new PostgresStore({
    connectionString: postgresUrl,
    kinds,
    clock: systemClock,
    serverErrorMs,
  });
  try {
    await store.maintain(systemClock.now());
    const leases = await store.acquire({
      node: 'populate',
      limit: PARTITIONS,
      ttlMs: LEASE_TTL_MS,
      epochAtLeast: Date.now(),
    });
    const states = new Map(leases.map((lease) => [lease.partition, { ...lease }]));
    for (let from = 0; from < devices; from += DEVICES_AT_ONCE) {
      const to = Math.min(devices, from + DEVICES_AT_ONCE);
      const result = await store.commit(commitOf(options, { from, to, states }));
      if (result.type !== 'committed') throw new Error(`the fleet could not be written: ${result.type}`);
      written(to);
    }
    await store.release(leases);
  } finally {
    await store.close();
  }
}

type Growing = { -readonly [Key in keyof Lease]: Lease[Key] };

function commitOf(
  fleet: FleetMix,
  part: { readonly from: number; readonly to: number; readonly states: ReadonlyMap<number, Growing> },
): Commit {
  const { from, to, states } = part;
  const touched = new Map<Growing, number>();
  const journal: JournalEntry[] = [];
  const decisions = Array.from({ length: to - from }, (_, offset) => {
    const decision = heardOnce(fleet, from + offset);
    const state = states.get(partitionOf(decision.twin.device));
    if (state === undefined) throw new Error('not all partitions were free');
    touched.set(state, touched.get(state) ?? state.batch);
    for (const transition of decision.transitions) {
      state.journal += 1;
      journal.push({ type: 'transition', no: state.journal, partition: state.partition, transition });
    }
    return decision;
  });
  const partitions = [...touched].map(([state, afterBatch]) => {
    state.batch = afterBatch + 1;
    const { partition, epoch, journal: lines } = state;
    return { partition, epoch, afterBatch, positions: [], backlog: [], journal: lines, published: lines };
  });
  const twins = decisions.map(({ twin }) => twin);
  const reports = decisions.flatMap(({ filed }) => filed ?? []);
  return { partitions, twins, reports, ledger: [], journal, clocks: [] };
}

function heardOnce(fleet: FleetMix, index: number): Decision {
  const { device, kind: name, report } = mixedReport(mixOptions(fleet), index, 0);
  const kind = kinds.find((known) => known.name === name);
  if (kind === undefined) throw new Error(`there is no kind ${name}`);
  const now = systemClock.now();
  const encoding: Encoding = fleet.encoding;
  return decide(
    kind,
    bornTwin({ device, kind, site: SITE }),
    { type: 'report', report, receivedAt: now, encoding },
    { now, hearingSince: null, readThroughAt: null, epoch: 1, serverErrorMs },
  );
}
