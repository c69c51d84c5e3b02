/** The hub's clock for a bench or a test. */
import type { KnownClocks } from '../src/runtime/node.ts';

/** That of a hub on this machine: nobody sets it. */
export const RIGHT_HUB: KnownClocks = {
  isTimeKnown: true,
  uncertainMs: 0,
  isDatedWrong: () => false,
  hurry: () => undefined,
};
