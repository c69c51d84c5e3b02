/** Shrinks the world of a violation; what shrinking is, is in `shrink.ts`. */
import { EVERYTHING, type Plan } from './plan.ts';
import { runSeed, type Verdict, type Violation } from './run.ts';
import { shrink, type Shrunk, type Trial } from './shrink.ts';
import { NO_TRACE } from './trace.ts';
import { WORLD_BEGINS } from './world/world.ts';

/** The least of a seed's world in which the same property does not hold. */
export async function shrinkViolation({ seed, checker }: Violation, mayGoOn: () => boolean): Promise<Shrunk> {
  const run = async (plan: Plan): Promise<Trial> => trialOf(await runSeed(seed, NO_TRACE, plan), checker);
  return shrink({ run, whole: await run(EVERYTHING), begins: WORLD_BEGINS, mayGoOn });
}

function trialOf({ violations, troubles }: Verdict, checker: string): Trial {
  const violation = violations.find((other) => other.checker === checker);
  return { brokenAt: violation?.flaw.at ?? null, troubles };
}
