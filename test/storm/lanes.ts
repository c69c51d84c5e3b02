/** Storms in lanes: one after the other on servers of their own, some lanes side by side, because most of the time a storm waits. */
import { type Ground, openGround } from './ground.ts';
import { runSeed, type Verdict } from './run.ts';

/** A ground has seen so many storms when it is made anew: every storm leaves its history behind, and all of it is looked at. */
const STORMS_ON_GROUND_MAX = 25;

/** What is run, and how. */
export interface LanesOptions {
  /** Whoever is done takes the next. */
  readonly seeds: Iterator<number, unknown>;
  readonly sideBySide: number;
  /** Of the Postgres that databases are made on; that of the test run where it is not given. */
  readonly postgresUrl?: string;
  /** What hangs is given up after this, ms. */
  readonly patienceMs?: number;
  readonly take: (verdict: Verdict) => void;
}

/** Runs the storms of all seeds; resolves when all have been taken. */
export async function runLanes(options: LanesOptions): Promise<void> {
  await Promise.all(Array.from({ length: options.sideBySide }, () => runLane(options)));
}

async function runLane({ seeds, postgresUrl, patienceMs, take }: LanesOptions): Promise<void> {
  let ground: Ground | null = null;
  let storms = 0;
  try {
    for (let next = seeds.next(); next.done !== true; next = seeds.next()) {
      ground ??= await openGround(postgresUrl);
      const verdict = await runSeed(next.value, ground, patienceMs);
      storms += 1;
      take(verdict);
      // What a storm with a violation has left running is not waited for.
      if (verdict.violations.length === 0 && storms < STORMS_ON_GROUND_MAX) continue;
      await ground.end();
      [ground, storms] = [null, 0];
    }
  } finally {
    await ground?.end();
  }
}
