import { describe, expect, it } from 'vitest';
import type { IngestMeasurement, IngestOptions } from '../../../tools/bench/ingest.ts';
import type { Round } from '../../../tools/bench/run-round.ts';
import { ingestResult, ingestTable, ingestTargets } from '../../../tools/bench/ingest-result.ts';
import type { Rows, Side } from '../../../tools/bench/round.ts';

const ROWS: Rows = { report: 3_000, twin: 2_800, transition: 120, lease: 64, other: 0 };

function round(side: Side, reportsPerSecond: number, rows = ROWS): Round {
  return {
    side,
    reportsPerSecond,
    ms: 3_000_000 / reportsPerSecond,
    rows,
    batches: [2_000, 1_000],
    walBytes: 4_000,
    cpuMicrosPerReport: { process: side === 'runtime' ? 40.04 : 20, postgres: 13, nats: null },
  };
}

function measured(...rounds: readonly Round[]): IngestMeasurement {
  const settings = {
    fsync: 'on',
    synchronous_commit: 'on',
    full_page_writes: 'on',
    wal_sync_method: 'fdatasync',
    shared_buffers: '256MB',
    max_wal_size: '4GB',
  };
  return { devices: 100, reports: 3_000, payloadBytes: 900_000, settings, rounds };
}

const OPTIONS: IngestOptions = {
  devices: 100,
  reports: 3_000,
  webReports: 0,
  rounds: 3,
  mix: 'believable',
  encoding: 'msgpack',
  profileDir: null,
  progress: { step: () => undefined, at: () => undefined },
};

describe('the result of a bench', () => {
  it('is the ratio of the medians of both sides', () => {
    const result = ingestResult(
      measured(
        round('runtime', 10_000),
        round('floor', 20_000),
        round('floor', 90_000),
        round('runtime', 100),
        round('runtime', 12_000),
        round('floor', 25_000),
      ),
      OPTIONS,
    );
    expect(result).toMatchObject({ reportsPerSecond: 10_000, floorReportsPerSecond: 25_000, ratio: 0.4 });
    expect(result.runtime.rounds).toEqual([10_000, 100, 12_000]);
    expect(result.cpuMicrosPerReport).toEqual({ runtime: 40, postgres: 13, nats: null });
  });

  it('says whether both sides wrote the same rows', () => {
    const equal = ingestResult(measured(round('runtime', 1), round('floor', 1)), OPTIONS);
    expect(equal.rowsAreEqual).toBe(true);
    const fewer = { ...ROWS, transition: 119 };
    const unequal = ingestResult(measured(round('runtime', 1), round('floor', 1, fewer)), OPTIONS);
    expect(unequal.rowsAreEqual).toBe(false);
    expect(unequal.rows.floor.transition).toBe(119);
  });

  it('says of each target whether it is met, and nothing of what is not known', () => {
    const slow = round('web', 500);
    const result = ingestResult(measured(round('runtime', 4_000), round('floor', 8_000), slow), OPTIONS);
    expect(ingestTargets(result)).toMatchObject([
      { target: '>= 0.6', measured: 0.5, isMet: false },
      { target: '>= 10', measured: 8, isMet: false },
      { target: '<= 35', measured: null, isMet: null },
    ]);
  });

  it('shows settings, rows and what is not known', () => {
    const table = ingestTable(
      ingestResult(measured(round('runtime', 4_000), round('floor', 8_000)), OPTIONS),
    );
    expect(table).toContain('3,000 reports of 100 devices, believable, msgpack, 900,000 bytes');
    expect(table).toContain('fsync=on');
    expect(table).toMatch(/rows: transition\W+120\W+120/);
    expect(table).toMatch(/CPU of the hub, µs\/report\W+-\W+-/);
  });
});
