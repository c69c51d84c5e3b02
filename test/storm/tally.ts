/** What happened in storms, in numbers. */
import type { Verdict } from './run.ts';

/** See the head of this file. */
export interface Tally {
  readonly seeds: number;
  readonly reports: number;
  readonly requests: number;
  readonly executions: number;
  readonly lines: number;
  readonly violations: number;
  /** By sort. */
  readonly troubles: Readonly<Record<string, number>>;
  /** In how many storms each was seen (`sights.ts`). */
  readonly sights: Readonly<Record<string, number>>;
}

export const NOTHING: Tally = {
  seeds: 0,
  reports: 0,
  requests: 0,
  executions: 0,
  lines: 0,
  violations: 0,
  troubles: {},
  sights: {},
};

export function tallyOf({ record, violations, sights }: Verdict): Tally {
  return {
    seeds: 1,
    reports: record.made.length,
    requests: record.asked,
    violations: violations.length,
    executions: record.executions.length,
    lines: record.readers[0]?.told.length ?? 0,
    troubles: Object.fromEntries(record.injected),
    sights: Object.fromEntries(sights.map((sight) => [sight, 1])),
  };
}

export function addTallies(a: Tally, b: Tally): Tally {
  return {
    seeds: a.seeds + b.seeds,
    reports: a.reports + b.reports,
    requests: a.requests + b.requests,
    executions: a.executions + b.executions,
    lines: a.lines + b.lines,
    violations: a.violations + b.violations,
    troubles: addCounts(a.troubles, b.troubles),
    sights: addCounts(a.sights, b.sights),
  };
}

type Counts = Readonly<Record<string, number>>;

function addCounts(a: Counts, b: Counts): Counts {
  const sum: Record<string, number> = { ...a };
  for (const [name, count] of Object.entries(b)) sum[name] = (sum[name] ?? 0) + count;
  return sum;
}
