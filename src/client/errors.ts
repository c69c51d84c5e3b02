/**
 * What can go wrong for a backend, told apart by what it may conclude.
 */
import type { FirstUse, RefusalBody, RefusalCode } from '../contract/refusal.ts';
import { ACCEPTANCES, type Acceptance, acceptanceOf } from '../wire/acceptance.ts';

/**
 * The twin refused: nothing was sent to the device, and nothing of what was asked under this id before was accepted. `code` is stable,
 * `allowed` is what would be accepted now. Only of `bad-arguments`, which may be said before anybody looks the id up, and of `forgotten`,
 * since what the ledger had is erased, an earlier request under an id that the caller gave may have been accepted all the same:
 * `acceptance` tells that apart. A copy of an earlier call that got no answer and is still on its way is decided on when it arrives: within
 * one call the client says so itself. Where the ledger was asked, it is the question that is refused.
 */
export class CorralRefusal extends Error {
  readonly code: RefusalCode;
  /** `no`; `not-this-copy` where an earlier request under the same id may have been accepted; of the ledger `maybe`, where it could not tell. */
  readonly acceptance: 'no' | 'not-this-copy' | 'maybe';
  /** The id of the command, or `null` for other requests. */
  readonly id: string | null;
  /** The state it was refused in; `null` for an unknown device. */
  readonly state: string | null;
  readonly allowed: readonly string[];
  /** For `id-reused`: what the id names already, which is another command than this. */
  readonly firstUse: FirstUse | null;

  /** `before` is what is known without it: `no` where nobody has asked under its id before. */
  constructor(body: RefusalBody, before: 'no' | 'not-this-copy' | 'maybe') {
    super(`${body.code}: ${body.detail}`);
    this.name = 'CorralRefusal';
    this.code = body.code;
    this.acceptance = acceptanceOf(body.code) === 'no' ? 'no' : before;
    this.id = body.id;
    this.state = body.state;
    this.allowed = body.allowed;
    this.firstUse = body.firstUse ?? null;
  }
}

/**
 * No answer came in time. With `wasSent: 'no'` nothing was decided and nothing will happen. With `'maybe'` the request may
 * have been accepted: ask again with the same `id`, or ask the ledger. It is never safe to take it for failed.
 */
export class CorralUnreachable extends Error {
  /**
   * `no` only where no copy of this call was accepted and its id was drawn for it. An id that the caller gave may have been used
   * before, and nobody has looked: `acceptance` tells whether it is only that.
   */
  readonly wasSent: 'no' | 'maybe';
  /**
   * The same, told apart further: `no`; `not-this-copy`, of an id that the caller gave: no copy of this call was accepted, so that it
   * is `no` for whoever knows that the id was never used before; `maybe`; `yes`: it was accepted, and how it stands could not be read.
   */
  readonly acceptance: Acceptance;
  /** The id of the command, or `null` for other requests. */
  readonly id: string | null;
  /** What came instead of an answer: a word for what became of the question on its way, or what the node said. */
  readonly problem: string;

  constructor(options: {
    readonly acceptance: Acceptance;
    readonly id: string | null;
    readonly problem: string;
    readonly cause?: unknown;
  }) {
    const { acceptance, id, problem, cause } = options;
    super(`no answer in time (${problem}): ${ACCEPTANCES[acceptance]}`, cause === undefined ? {} : { cause });
    this.name = 'CorralUnreachable';
    this.acceptance = acceptance;
    this.wasSent = acceptance === 'no' ? 'no' : 'maybe';
    this.id = id;
    this.problem = problem;
  }
}

/**
 * A reply is not what this client understands: the runtime is of another version, or it is not Corral's. What was asked for may have been
 * accepted.
 */
export class CorralBadReply extends Error {
  constructor(detail: string) {
    super(`the reply cannot be read: ${detail}`);
    this.name = 'CorralBadReply';
  }
}
