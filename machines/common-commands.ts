/**
 * What every kind knows besides `report`: the commands that are left when the known state is in doubt, or nothing is known, and that
 * cannot be left to itself. They stand once, because no kind may have a doubt that nobody can do anything about.
 */
import { Type } from '@sinclair/typebox';
import { noArguments } from './arguments.ts';
import type { CommandSpec } from './command.ts';
import { BY_RING } from './resolver.ts';

/**
 * The command `reboot`. The device stores it as begun, starts anew, and the first report of the next boot names it done: it
 * is done when the device is back, and not before. Its own state may refuse it, as `busy`.
 */
export const reboot = {
  description:
    'Start anew. What the device has stored stays; it is done when the device is back. Of a device in use the answer tells what that `ends`.',
  args: noArguments,
  decidedBy: 'device',
  startWindowMs: 60_000,
  freshWithinMs: null,
  hold: null,
  endsHold: false,
  ends: {
    charging: 'the session that is charging',
    reserved: 'the reservation, unless the device keeps its hold while it starts anew',
  },
  // A later boot proves nothing: it may be a power cut. A boot that goes on proves that the device did not start anew.
  resolver: { ...BY_RING, notDone: ['ring-entry', 'ring-silence', 'boot-goes-on'] },
} as const satisfies CommandSpec;

/** Its one argument: what a person has found, for the journal. */
const reasonArgument = Type.Object(
  {
    reason: Type.String({
      minLength: 1,
      maxLength: 256,
      description: 'what was found, for the journal; the request has to say `by` whom',
    }),
  },
  { additionalProperties: false },
);

/** What a person knows and a twin does not: it is decided at once, in any doubt, and the device never hears of it. */
const engineersWord = {
  decidedBy: 'twin',
  startWindowMs: null,
  freshWithinMs: null,
  hold: null,
  endsHold: false,
  resolver: { done: ['engineer'], notDone: [], isSentAgain: false, compensatedBy: null },
} as const;

/** The name of the command by which an operator gives up one that is in flight beyond its device. */
export const ABANDON = 'abandon';

/**
 * The command `abandon`: an operator gives up a command that is in flight beyond its device (`undecided`), where whoever could tell what
 * became of it does not come back. The device never hears of it.
 */
export const abandon = {
  description:
    'An operator gives up a command that the device has passed on and cannot tell of (`undecided`): nothing more is waited for, and its outcome stays `unknown`, `abandoned`. Only for a gateway that does not come back: the command may still take effect.',
  args: Type.Object(
    {
      command: Type.String({
        minLength: 1,
        maxLength: 64,
        description:
          'ledger id of the command that is given up, or its number where the ledger does not know it',
      }),
      reason: Type.String({
        minLength: 1,
        maxLength: 256,
        description: 'why nothing more can come of it, for the journal; the request has to say `by` whom',
      }),
    },
    { additionalProperties: false },
  ),
  ...engineersWord,
} as const satisfies CommandSpec;

/** The command `clear`: an engineer has looked, and ends what asks for a person. The device never hears of it. */
export const clear = {
  description:
    'An engineer has looked: end the suspicions. What the next report shows again is in doubt again.',
  args: reasonArgument,
  ...engineersWord,
} as const satisfies CommandSpec;

/** The name under which every kind has it. */
export const RENEW_IDENTITY = 'renew-identity';

/**
 * The command `renew-identity`: an engineer knows who speaks under the device's name from now on, as after a repair. What was heard so far
 * is history, and the next report begins a new count. The device never hears of it.
 */
export const renewIdentity = {
  description:
    'An engineer knows who speaks now: whatever is heard next begins a new count of boots, and nothing is known until then.',
  args: reasonArgument,
  ...engineersWord,
} as const satisfies CommandSpec;
