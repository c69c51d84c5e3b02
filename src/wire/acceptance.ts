/**
 * What may be concluded, of the command that was asked for, from each word that its caller can be told: the one place that knows. The
 * client, HTTP, the command line and the documents all read it here.
 *
 * A word is about ONE copy of a request. Whether the command was accepted depends on every copy under its id, those of an earlier call
 * or of another program included; so `no` takes that the id was shown to be unknown, or that nobody can have used it before.
 */
import type { RefusalCode } from '../contract/refusal.ts';
import type { FailureCode } from '../contract/reply-bodies.ts';

/** What a word means for the command. */
export const ACCEPTANCES = {
  /**
   * The id is not that of this command: nothing was sent, and nothing of what had arrived before this answer will be. A copy that got no
   * answer and is still on its way is decided on when it arrives.
   */
  no: 'it was certainly not accepted',
  /** Nothing follows from this copy. What an earlier one under the same id came to is not said. */
  'not-this-copy': 'this copy was certainly not accepted, an earlier one with the same id may have been',
  maybe: 'it may have been accepted',
  /** It is in the ledger, and was sent; how it stands is not said. */
  yes: 'it was accepted, and how it stands could not be read',
} as const;
export type Acceptance = keyof typeof ACCEPTANCES;

/** What becomes of a question on its way, where no owner has answered it; see `Answer` in `src/client/requester.ts`. */
export type WayWord = 'no-responders' | 'disconnected' | 'timeout';

/** What the owner answers, and what the way there comes to. */
const OF_OWNERS: Readonly<Record<RefusalCode | FailureCode | WayWord, Acceptance>> = {
  // The twin has decided, after the ledger and its own memory were asked for the id.
  'illegal-state': 'no',
  stale: 'no',
  offline: 'no',
  suspect: 'no',
  pending: 'no',
  'version-mismatch': 'no',
  'id-reused': 'no',
  'desired-too-large': 'no',
  'unknown-command': 'no',
  'unknown-device': 'no',
  'unknown-id': 'no',
  overloaded: 'no',
  // It may have been refused before anybody looked the id up.
  'bad-arguments': 'not-this-copy',
  // What the ledger had of the id is erased.
  forgotten: 'not-this-copy',
  unavailable: 'not-this-copy',
  undecided: 'maybe',
  internal: 'maybe',
  'outcome-unreadable': 'yes',
  'no-responders': 'not-this-copy',
  disconnected: 'not-this-copy',
  timeout: 'maybe',
};

/** What HTTP answers by itself: nearly all before an order has left the node. */
const OF_HTTP: Readonly<Record<string, Acceptance>> = {
  ...always('not-this-copy', [
    'bad-request',
    'bad-query',
    'bad-body',
    'unauthorized',
    'forbidden',
    'foreign-host',
    'foreign-origin',
    'unknown-route',
    'no-such-kind',
    'method-not-allowed',
    'request-timeout',
    'body-too-large',
    'unsupported-media-type',
    'rate-limited',
    'headers-too-large',
    'unknown-kind',
    'store-unavailable',
    'busy',
    'hub-unavailable',
    'no-owner',
    'too-many-readers',
    'not-drawn',
    'not-ready',
  ]),
  'no-answer': 'maybe',
};

const ALL = new Map<string, Acceptance>([...Object.entries(OF_HTTP), ...Object.entries(OF_OWNERS)]);

/** What a code, or what became of a question on its way, means. A word that is not known here may be said of what was accepted. */
export function acceptanceOf(word: string): Acceptance {
  return ALL.get(word) ?? 'maybe';
}

/**
 * What is known of a command after another copy of it: what says less than the copies before does not take it back. A copy that was not
 * accepted says nothing of those before it.
 */
export function afterAnother(before: Acceptance, word: Acceptance): Acceptance {
  if (before === 'yes' || word === 'yes') return 'yes';
  return word === 'maybe' ? 'maybe' : before;
}

function always(acceptance: Acceptance, words: readonly string[]): Record<string, Acceptance> {
  return Object.fromEntries(words.map((word) => [word, acceptance]));
}
