/**
 * The one command that every kind knows: `report`. It is how a twin finds out whether its messages arrive, how old its
 * knowledge is, and who answers under a device's name; so it is legal in every state, and never too late.
 */
import { noArguments } from './arguments.ts';
import type { CommandSpec } from './command.ts';
import { BY_RING } from './resolver.ts';

/** The name under which every kind has it. */
export const REPORT = 'report';

/** The command `report`: it changes nothing, so that it carries no deadline (wire contract 2.2). */
export const probe = {
  description: 'Say how you are, now.',
  args: noArguments,
  decidedBy: 'device',
  startWindowMs: null,
  freshWithinMs: null,
  hold: null,
  endsHold: false,
  // A device that forgot everything still executes a copy of it, so that nothing proves it not done.
  resolver: { ...BY_RING, notDone: ['ring-entry'], isSentAgain: false },
} as const satisfies CommandSpec;
