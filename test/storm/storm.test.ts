/**
 * Storms on real servers: every adapter runs as it does for an operator, behind ways on which everything goes wrong.
 */
import { describe, expect, test } from 'vitest';
import { type Ground, openGround } from './ground.ts';
import { planText, violationText, wayTo } from './print.ts';
import { runSeed, type Verdict } from './run.ts';
import { TROUBLES } from './trouble.ts';

/** So many are under way at once, each on servers of its own: most of the time all of them wait. */
const SIDE_BY_SIDE = 4;
const FIRST = 1;
const STORMS = 40;

/** Of storms that a seed has planned; each is run once, for all tests that look at it. */
let verdicts: Promise<readonly Verdict[]> | null = null;

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
  test('what is said is true, nothing is lost or done twice, and everything becomes right by itself', async () => {
    verdicts ??= runAll();
    const flawed = (await verdicts).filter(({ violations }) => violations.length > 0);
    expect(flawed.map(textOf).join('\n\n')).toBe('');
  });

  test('every sort of trouble happens in some of the storms', async () => {
    verdicts ??= runAll();
    const happened = new Set((await verdicts).flatMap(({ plan }) => plan.map(({ sort }) => sort)));
    expect(TROUBLES.filter((sort) => !happened.has(sort))).toEqual([]);
  });
});
