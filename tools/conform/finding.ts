/** How a check of a rule ends when it does not end well: each message is what was seen, or why nothing could be. */

/** The device breaks the rule. */
export class Broken extends Error {
  override readonly name = 'Broken';
}

/** Something was waited for and did not come: the device breaks the rule by its silence. */
export class NotSeen extends Error {
  override readonly name = 'NotSeen';
}

/** Something went wrong before it came to this rule, and is another rule's to name. The message follows on "because". */
export class NotJudged extends Error {
  override readonly name = 'NotJudged';
}

/** The rule cannot be tested with this device, here. */
export class NotTestable extends Error {
  override readonly name = 'NotTestable';
}

/** A way in which a check ends. */
export type Finding = Broken | NotSeen | NotJudged | NotTestable;

/** True for the four above; anything else is a fault of the kit or of its server. */
export function isFinding(error: unknown): error is Finding {
  return [Broken, NotSeen, NotJudged, NotTestable].some((finding) => error instanceof finding);
}
