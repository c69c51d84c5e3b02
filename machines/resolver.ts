/**
 * How the fate of a command is found out: what proves that it was executed, what proves that it was not, whether it may be
 * sent again, and what undoes it. Declared in a kind's command table, read by `actors/proof.ts`: there is no other place.
 *
 * A proof has to be sound: no honest device may be able to show it where the opposite is true. So a state alone proves
 * almost nothing. `charging` after a `start` may be a driver with a card; a bay that is free after a `release` may have
 * become so by itself; a later boot after a `reboot` may be a power cut. Where a command leaves a mark that nothing else
 * can leave, such as a hold that bears its id, that mark is a proof.
 */

/** Everything the ledger's `proof` may begin with, and what it means. */
export const PROOFS = {
  'ring-entry': 'the ring of a report names the command, with what became of it',
  'hold-shown': 'a report shows the hold that bears the command’s id: only the command can have begun it',
  'ring-silence':
    'a report of a device that is past the command, whose ring reaches back to before it and does not name it as executed',
  'hold-goes-on':
    'a report of the same boot, measured after `notAfterUp`, still shows a hold from before the command: executing it would have ended that',
  'boot-goes-on':
    'a report of the same boot, measured after `notAfterUp`: executing the command would have ended that boot',
  'nothing-reaches-back':
    'a report of a device that is past the command, and that remembers nothing from before it: what became of the command cannot be proved any more, and the state that the report shows is certain all the same',
  'new-incarnation':
    'the device counts anew and remembers nothing: what became of the command cannot be proved any more',
  'identity-conflict':
    'two devices spoke under one name while the command could be executed: what the one has not executed, the other may have; only a word `done` of either proves anything',
  'given-up': 'a `report` that nobody answered made room for another command; it changes nothing',
  engineer: 'an engineer’s word, with `by` and reason',
} as const;

/** A name of {@link PROOFS}. */
export type ProofName = keyof typeof PROOFS;

/** What can prove that a command was executed. `engineer` is for what the twin itself does on a person's word. */
export type DoneProof = Extract<ProofName, 'ring-entry' | 'hold-shown' | 'engineer'>;

/** What can prove that a command was not executed and never will be. */
export type NotDoneProof = Extract<
  ProofName,
  'ring-entry' | 'ring-silence' | 'hold-goes-on' | 'boot-goes-on'
>;

/** How the fate of one command is found out. */
export interface Resolver {
  /** What proves it done. */
  readonly done: readonly DoneProof[];
  /** What proves it not done: `rejected` where the device gives a reason of its own, else `expired`. */
  readonly notDone: readonly NotDoneProof[];
  /**
   * Whether it is sent again, under the same `n`, while it may still start. The device's ring makes that harmless for
   * everything that carries a deadline; a command without one changes nothing, and the next one is as good.
   */
  readonly isSentAgain: boolean;
  /**
   * The command that undoes it, for a caller who does not want it any more, or `null`. The runtime never sends it of
   * itself: only the caller knows whether a late `done` is still welcome.
   */
  readonly compensatedBy: string | null;
}

/** For a command of which only the device's ring can tell: whatever state it leads to, somebody on the spot can lead to. */
export const BY_RING = {
  done: ['ring-entry'],
  notDone: ['ring-entry', 'ring-silence'],
  isSentAgain: true,
  compensatedBy: null,
} as const satisfies Resolver;

/** For a command that begins a hold: the hold bears its id. A hold that is not there proves nothing; it may be over. */
export const BY_HOLD = { ...BY_RING, done: ['ring-entry', 'hold-shown'] } as const satisfies Resolver;

/**
 * For a command that ends whatever hold there is: one from before that goes on was not ended. That none is there proves
 * nothing; it may have ended by itself.
 */
export const BY_HOLD_ENDED = {
  ...BY_RING,
  notDone: ['ring-entry', 'ring-silence', 'hold-goes-on'],
} as const satisfies Resolver;
