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
}

export const NOTHING: Tally = {
  ...{ seeds: 0, reports: 0, requests: 0, executions: 0, lines: 0, violations: 0 },
  troubles: {},
};

export function tallyOf({ record, violations }: Verdict): Tally {
  return {
    ...{ seeds: 1, reports: record.made.length, requests: record.asked, violations: violations.length },
    executions: record.executions.length,
    lines: record.readers[0]?.told.length ?? 0,
    troubles: Object.fromEntries(record.injected),
  };
}

export function addTallies(a: Tally, b: Tally): Tally {
  const troubles: Record<string, number> = { ...a.troubles };
  for (const [sort, count] of Object.entries(b.troubles)) troubles[sort] = (troubles[sort] ?? 0) + count;
  return {
    seeds: a.seeds + b.seeds,
    reports: a.reports + b.reports,
    requests: a.requests + b.requests,
    executions: a.executions + b.executions,
    lines: a.lines + b.lines,
    violations: a.violations + b.violations,
    troubles,
  };
}
