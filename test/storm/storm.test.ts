/**
 * Storms on real servers: every adapter runs as it does for an operator, behind ways on which everything goes wrong.
 */
import { describe, expect, test } from 'vitest';
import { Chance } from '../simulation/world/chance.ts';
import { runLanes } from './lanes.ts';
import { planText, violationText, wayTo } from './print.ts';
import type { Verdict } from './run.ts';
import { neverSeen } from './sights.ts';
import { DEVICES } from './storm.ts';
import { addTallies, NOTHING, tallyOf } from './tally.ts';
import { planStorm, TROUBLES } from './trouble.ts';

/** So many are under way at once, each on servers of its own: most of the time all of them wait. */
const SIDE_BY_SIDE = 4;
const FIRST = 1;
/** As many as a suite has time for; who asks for more has more. */
const STORMS = Number(process.env.CORRAL_STORMS ?? 16);

function* seeds(): Generator<number, void> {
  for (let seed = FIRST; seed < FIRST + STORMS; seed += 1) yield seed;
}

function textOf(verdict: Verdict): string {
  return [...verdict.violations.map(violationText), planText(verdict), wayTo(verdict)].join('\n');
}

/** A machine may be as busy as it likes: what takes so long hangs, ms. */
const TIMEOUT_MS = 3_600_000;

describe('on real servers, behind ways on which everything goes wrong', { timeout: TIMEOUT_MS }, () => {
  test('what is said is true, nothing is lost or done twice, and everything becomes right by itself', async () => {
    const flawed: string[] = [];
    let tally = NOTHING;
    const take = (verdict: Verdict): void => {
      tally = addTallies(tally, tallyOf(verdict));
      if (verdict.violations.length > 0) flawed.push(textOf(verdict));
    };
    await runLanes({ seeds: seeds(), sideBySide: SIDE_BY_SIDE, take });
    expect(flawed.join('\n\n')).toBe('');
    expect(neverSeen(tally.seeds, tally.sights), 'what some storm should have shown').toEqual([]);
  });

  test('every sort of trouble is planned for some of the first hundred storms', () => {
    const plans = Array.from({ length: 100 }, (_, seed) =>
      planStorm(new Chance(seed + 1).fork('plan'), DEVICES),
    );
    const planned = new Set(plans.flat().map(({ sort }) => sort));
    expect(TROUBLES.filter((sort) => !planned.has(sort))).toEqual([]);
  });
});
