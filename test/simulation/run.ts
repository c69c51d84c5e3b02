/**
 * Runs one world and judges it.
 */
import { checkers } from './checkers/all.ts';
import type { Checker, Flaw } from './checkers/checker.ts';
import { EVERYTHING, type Plan, type Trouble } from './plan.ts';
import { statesVisited } from './rare-states.ts';
import { type Trace, NO_TRACE, KeptTrace } from './trace.ts';
import type { Evidence } from './world/evidence.ts';
import { World, WORLD_BEGINS } from './world/world.ts';

/** A property that does not hold in a world. */
export interface Violation {
  readonly seed: number;
  readonly checker: string;
  readonly sentence: string;
  /** The first place at which it does not hold. */
  readonly flaw: Flaw;
  /** At how many places it does not. */
  readonly flaws: number;
}

/** What happened in a world, in numbers. Plain data: it is sent from process to process. */
export interface Tally {
  readonly seeds: number;
  readonly hours: number;
  readonly events: number;
  readonly reports: number;
  readonly requests: number;
  /** By outcome; an `unknown` that stayed so is `unknown-closed`. */
  readonly commands: Readonly<Record<string, number>>;
  /** By sort. */
  readonly faults: Readonly<Record<string, number>>;
  /** How many worlds were in a rare state, by its name (`rare-states.ts`). */
  readonly rare: Readonly<Record<string, number>>;
}

/** What became of a world. */
export interface Verdict {
  readonly seed: number;
  readonly violations: readonly Violation[];
  readonly tally: Tally;
  /** What happened in it. */
  readonly troubles: readonly Trouble[];
  /** The whole trace as a hash, if there was one. */
  readonly digest: string | null;
}

const HOUR_MS = 3_600_000;

/** Runs the world of a seed, or what a plan leaves of it. */
export async function runSeed(
  seed: number,
  trace: Trace = NO_TRACE,
  plan: Plan = EVERYTHING,
): Promise<Verdict> {
  const world = new World(seed, trace, plan);
  if (trace instanceof KeptTrace) trace.attach(world.schedule);
  const unhandled = (error: unknown): void => {
    const because = error instanceof Error ? (error.stack ?? error.message) : String(error);
    world.record.faults.push({ at: world.schedule.now, what: `a process would have ended: ${because}` });
  };
  process.on('unhandledRejection', unhandled);
  try {
    const evidence = await world.run();
    return {
      seed,
      violations: judge(seed, evidence, checkers),
      tally: tallyOf(evidence),
      troubles: world.happenings.all,
      digest: trace instanceof KeptTrace ? trace.digest() : null,
    };
  } finally {
    process.off('unhandledRejection', unhandled);
  }
}

function judge(seed: number, evidence: Evidence, properties: readonly Checker[]): Violation[] {
  return properties.flatMap(({ name: checker, sentence, check }) => {
    const flaws = check(evidence);
    const [flaw] = [...flaws].sort((a, b) => a.at - b.at);
    return flaw === undefined ? [] : [{ seed, checker, sentence, flaw, flaws: flaws.length }];
  });
}

function tallyOf(evidence: Evidence): Tally {
  const { record, store, events, endedAt } = evidence;
  const commands: Record<string, number> = {};
  for (const { outcome } of [...store.ledger.values()].flat()) {
    const name = outcome === 'unknown' ? 'unknown-closed' : outcome;
    commands[name] = (commands[name] ?? 0) + 1;
  }
  return {
    seeds: 1,
    hours: (endedAt - WORLD_BEGINS) / HOUR_MS,
    events,
    reports: record.made.length,
    requests: record.asked,
    commands,
    faults: Object.fromEntries(record.injected),
    rare: Object.fromEntries([...statesVisited(evidence)].map((state) => [state, 1])),
  };
}

/** No world at all. */
export const NOTHING: Tally = {
  seeds: 0,
  hours: 0,
  events: 0,
  reports: 0,
  requests: 0,
  commands: {},
  faults: {},
  rare: {},
};

/** The numbers of two lots of worlds. */
export function addTallies(a: Tally, b: Tally): Tally {
  return {
    seeds: a.seeds + b.seeds,
    hours: a.hours + b.hours,
    events: a.events + b.events,
    reports: a.reports + b.reports,
    requests: a.requests + b.requests,
    commands: addCounts(a.commands, b.commands),
    faults: addCounts(a.faults, b.faults),
    rare: addCounts(a.rare, b.rare),
  };
}

type Counts = Readonly<Record<string, number>>;

function addCounts(a: Counts, b: Counts): Counts {
  const sum: Record<string, number> = { ...a };
  for (const [name, count] of Object.entries(b)) sum[name] = (sum[name] ?? 0) + count;
  return sum;
}
