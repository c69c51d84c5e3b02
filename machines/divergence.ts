/**
 * Where the device and the ledger disagree about who may use it: the sorts of disagreement, and what a kind may have done
 * about each.
 */

/** The sorts of divergence, as sentences. */
export const DIVERGENCES = {
  'ghost-hold': 'the device holds itself for somebody for whom the ledger never reserved it',
  'lost-hold': 'the device does not show a hold that it has, and no command and no time ended it',
  'resurrected-hold': 'the device shows a hold again that a command had ended',
  'foreign-use': 'the device is held, and in use all the same: not by its holder, or the hold would be over',
} as const;

/** A sort of divergence. */
export type DivergenceSort = keyof typeof DIVERGENCES;

/** What is done about a divergence, as sentences. */
export const POLICIES = {
  'trust-device': 'what the device shows is so; it is suspect for as long as a report shows the divergence',
  're-assert':
    'the twin tells the device once, as a command of its own in the ledger (`by` is `corral`): `release` for a hold that should not be, `reserve` for what is left of one that is lost; until then it is suspect',
  'ask-person':
    'it stays suspect until an engineer clears it, or the views agree again: the hold is shown as it should be, or its time is over',
} as const;

/** A policy. */
export type DivergencePolicy = keyof typeof POLICIES;

/** A kind's policy for each sort. Nothing can be told to whoever uses a device, so that use is never re-asserted against. */
export type DivergencePolicies = Readonly<
  Record<Exclude<DivergenceSort, 'foreign-use'>, DivergencePolicy>
> & {
  readonly 'foreign-use': Exclude<DivergencePolicy, 're-assert'>;
};
