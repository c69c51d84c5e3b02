/** How far another server's clock is from this machine's: a node adds `serverErrorMs` wherever it compares two of them. */
import { DEFAULT_LIMITS } from '../../src/runtime/limits.ts';
import { bad, type Finding, good } from './finding.ts';

/** A clock that was asked, ms epoch of this machine before and after, and of the other one in between. */
export interface ClockSample {
  readonly askedAt: number;
  readonly answeredAt: number;
  readonly theirs: number;
}

/** Judges the best of some samples: the one whose answer came soonest. */
export function clockFinding(check: string, whose: string, samples: readonly ClockSample[]): Finding {
  const [best] = [...samples].sort((a, b) => a.answeredAt - a.askedAt - (b.answeredAt - b.askedAt));
  if (best === undefined) return bad(check, `${whose} does not tell the time`, 'look at the checks above');
  const { askedAt, answeredAt, theirs } = best;
  const uncertainMs = (answeredAt - askedAt) / 2;
  const offsetMs = theirs - (askedAt + uncertainMs);
  const found = `${whose} is ${shown(offsetMs)} ms from this machine (± ${shown(uncertainMs)} ms)`;
  const { serverErrorMs } = DEFAULT_LIMITS;
  if (Math.abs(offsetMs) - uncertainMs <= serverErrorMs) return good(check, found);
  return bad(
    check,
    found,
    `let both machines follow NTP: nodes count with at most ${String(serverErrorMs)} ms, and call states fresh that are not`,
  );
}

function shown(ms: number): string {
  return ms.toFixed(1);
}
