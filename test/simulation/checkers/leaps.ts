import { CLAIMED_N_MAX } from '../../../actors/ring.ts';
import { sampleKey } from '../record.ts';
import type { Checker, Flaw } from './checker.ts';

/** One message whose numbers cannot be moves nothing. */
export const leaps: Checker = {
  name: 'leaps',
  sentence:
    "no twin takes a boot or a number that leaps, or a command number that nobody gives, on one message's word",
  check: ({ record }) => {
    const flaws: Flaw[] = [];
    for (const { at, commit } of record.commits) {
      for (const { device, newest, lastN } of commit.twins) {
        const forged = newest !== null && record.forged.has(sampleKey(device, newest.report));
        if (forged)
          flaws.push({ at, device, text: `its newest report, ${newest.boot}/${newest.seq}, is forged` });
        if (lastN > CLAIMED_N_MAX) flaws.push({ at, device, text: `its numbers have come to ${lastN}` });
      }
    }
    return flaws;
  },
};
