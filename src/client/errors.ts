/**
 * What can go wrong for a backend, told apart by what it may conclude.
 */
import type { FirstUse, RefusalCode } from '../../actors/decision.ts';
import type { RefusalBody } from '../wire/reply.ts';

/** The twin refused: nothing was sent to the device. `code` is stable, `allowed` is what would be accepted now. */
export class CorralRefusal extends Error {
  readonly code: RefusalCode;
  /** The id of the command, or `null` for other requests. */
  readonly id: string | null;
  /** The state it was refused in; `null` for an unknown device. */
  readonly state: string | null;
  readonly allowed: readonly string[];
  /** For `id-reused`: what the id names already, which is another command than this. */
  readonly firstUse: FirstUse | null;

  constructor(body: RefusalBody) {
    super(`${body.code}: ${body.detail}`);
    this.name = 'CorralRefusal';
    this.code = body.code;
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
  readonly wasSent: 'no' | 'maybe';
  /** The id of the command, or `null` for other requests. */
  readonly id: string | null;

  constructor(options: {
    readonly wasSent: 'no' | 'maybe';
    readonly id: string | null;
    readonly problem: string;
  }) {
    const meaning = options.wasSent === 'no' ? 'it was certainly not accepted' : 'it may have been accepted';
    super(`no answer in time (${options.problem}): ${meaning}`);
    this.name = 'CorralUnreachable';
    this.wasSent = options.wasSent;
    this.id = options.id;
  }
}

/** A reply is not what this client understands: the runtime is of another version, or it is not Corral's. */
export class CorralBadReply extends Error {
  constructor(detail: string) {
    super(`the reply cannot be read: ${detail}`);
    this.name = 'CorralBadReply';
  }
}
