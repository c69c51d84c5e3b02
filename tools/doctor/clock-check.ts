/** How far another server's clock is from this machine's: a node adds `serverErrorMs` wherever it compares two of them. */
import { type ClockComparison, compareClock } from '../../src/runtime/clock-watch.ts';
import { DEFAULT_LIMITS } from '../../src/runtime/limits.ts';
import type { TimeSource } from '../../src/runtime/ports.ts';
import { systemClock } from '../../src/system/system-clock.ts';
import { bad, becauseOf, type Finding, good, warning } from '../../src/setup/finding.ts';

/** Asked so often, because the answer that came soonest tells most. */
const COMPARISONS = 5;

/** Asks a server for its time, and judges it. */
export async function clockFinding(source: TimeSource, whose: string): Promise<Finding> {
  const check = `${source.server === 'store' ? 'postgres' : source.server}-clock`;
  const comparisons: ClockComparison[] = [];
  try {
    for (let asked = 0; asked < COMPARISONS; asked += 1)
      comparisons.push(await compareClock(source, systemClock));
  } catch (error) {
    const found = `${whose} does not tell the time: ${becauseOf(error)}`;
    return warning(check, found, 'look at the checks above; without streams, a hub has no time to tell');
  }
  const leastMs = Math.max(...comparisons.map((comparison) => comparison.leastMs));
  const mostMs = Math.min(...comparisons.map((comparison) => comparison.mostMs));
  return judged(check, whose, { leastMs, mostMs });
}

function judged(
  check: string,
  whose: string,
  { leastMs, mostMs }: Pick<ClockComparison, 'leastMs' | 'mostMs'>,
): Finding {
  const { serverErrorMs } = DEFAULT_LIMITS;
  const [offset, uncertain] = [(leastMs + mostMs) / 2, Math.abs(mostMs - leastMs) / 2].map((ms) =>
    ms.toFixed(1),
  );
  const found = `${whose} is ${offset ?? ''} ms from this machine (± ${uncertain ?? ''} ms)`;
  if (leastMs <= serverErrorMs && mostMs >= -serverErrorMs) return good(check, found);
  return bad(
    check,
    found,
    `let both machines follow NTP: more than ${String(serverErrorMs)} ms from the hub's, a node accepts no commands`,
  );
}
