/** The hub's clock for a bench or a test. */
import type { HubClock } from '../src/runtime/hub-dates.ts';

/** That of a hub on this machine: nobody sets it. */
export const RIGHT_HUB: HubClock = { isDatedWrong: () => false, hurry: () => undefined };
