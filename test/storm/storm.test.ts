/**
 * Storms on real servers: every adapter runs as it does for an operator, behind ways on which everything goes wrong.
 */
import { describe, expect, test } from 'vitest';
import { type Ground, openGround } from './ground.ts';
import { planText, violationText, wayTo } from './print.ts';
import { runSeed, type Verdict } from './run.ts';
import { DEVICES } from './storm.ts';
import { planStorm, TROUBLES } from './trouble.ts';
import { Chance } from '../simulation/world/chance.ts';

/** So many are under way at once, each on servers of its own: most of the time all of them wait. */
const SIDE_BY_SIDE = 4;
const FIRST = 1;
/** Only who asks for them has them: each takes seconds of a processor. */
const STORMS = Number(process.env.CORRAL_STORMS ?? 0);

async function runAll(): Promise<readonly Verdict[]> {
  const found: Verdict[] = [];
  let next = FIRST;
  const runLane = async (): Promise<void> => {
    let ground: Ground | null = null;
    try {
      while (next < FIRST + STORMS) {
        const seed = next;
        next += 1;
        ground ??= await openGround();
        const verdict = await runSeed(seed, ground);
        found.push(verdict);
        if (verdict.violations.length === 0) continue;
        await ground.end();
        ground = null;
      }
    } finally {
      await ground?.end();
    }
  };
  await Promise.all(Array.from({ length: SIDE_BY_SIDE }, runLane));
  return found;
}

function textOf(verdict: Verdict): string {
  return [...verdict.violations.map(violationText), planText(verdict), wayTo(verdict)].join('\n');
}

/** A machine may be as busy as it likes: what takes so long hangs, ms. */
const TIMEOUT_MS = 3_600_000;

describe('on real servers, behind ways on which everything goes wrong', { timeout: TIMEOUT_MS }, () => {
  const title =
    'what is said is true, nothing is lost or done twice, and everything becomes right by itself (CORRAL_STORMS)';
  test.skipIf(STORMS === 0)(title, async () => {
    const flawed = (await runAll()).filter(({ violations }) => violations.length > 0);
    expect(flawed.map(textOf).join('\n\n')).toBe('');
  });

  test('every sort of trouble is planned for some of the first hundred storms', () => {
    const plans = Array.from({ length: 100 }, (_, seed) =>
      planStorm(new Chance(seed + 1).fork('plan'), DEVICES),
    );
    const planned = new Set(plans.flat().map(({ sort }) => sort));
    expect(TROUBLES.filter((sort) => !planned.has(sort))).toEqual([]);
  });
});
