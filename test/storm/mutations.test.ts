/**
 * Storms can fail: each bug that is planted in an adapter is noticed by some of them. It takes minutes for each, so only who asks for storms has it.
 */
import { describe, expect, test } from 'vitest';
import { runStormMutant } from './mutants.ts';
import { stormMutations } from './mutations.ts';

/** At most so many storms for each. */
const STORMS = Number(process.env.CORRAL_STORMS ?? 0);
/** What takes so long hangs, ms. */
const TIMEOUT_MS = 3_600_000;

describe.skipIf(STORMS === 0)(
  'some storm notices a planted bug (CORRAL_STORMS):',
  { timeout: TIMEOUT_MS },
  () => {
    test.each(stormMutations)('$bug', async (mutation) => {
      const { noticed, output } = await runStormMutant(mutation, { first: mutation.seed, seeds: STORMS });
      expect(noticed.size, output).toBeGreaterThan(0);
    });
  },
);
