/** How a check of a rule ends when it does not end well: each message is what was seen, or why nothing could be. */

/** The device breaks the rule. */
export class Broken extends Error {
  override readonly name = 'Broken';
}

/** Something was waited for and did not come: the device breaks the rule by its silence. */
export class NotSeen extends Error {
  override readonly name = 'NotSeen';
}

/** The rule cannot be tested with this device, here. */
export class NotTestable extends Error {
  override readonly name = 'NotTestable';
}

/** True for the three above; anything else is a fault of the kit or of its server. */
export function isFinding(error: unknown): error is Broken | NotSeen | NotTestable {
  return error instanceof Broken || error instanceof NotSeen || error instanceof NotTestable;
}
