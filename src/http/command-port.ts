/**
 * The port through which HTTP commands a device: the owner of its partition decides, wherever that is.
 */
import type { CommandOutcome } from '../contract/ledger-entry.ts';
import type { RefusalBody } from '../contract/refusal.ts';
import type { ForgetReply } from '../contract/reply-bodies.ts';

/** A command as a backend gives it; see wire contract 2.3. */
export interface CommandOrder {
  readonly device: string;
  readonly name: string;
  /** The caller's idempotency key. */
  readonly id: string;
  readonly args: Readonly<Record<string, unknown>>;
  /** How long the outcome is waited for, ms. */
  readonly waitMs: number;
  readonly ifVersion: number | null;
  readonly by: string | null;
  /** W3C trace context of the request, or `null`. */
  readonly traceParent: string | null;
}

/** What became of it. */
export type CommandAnswer =
  | { readonly type: 'accepted'; readonly outcome: CommandOutcome }
  | { readonly type: 'refused'; readonly refusal: RefusalBody }
  /** Nobody owns the device's partition, or the owner said that it cannot decide now: this copy was certainly not accepted. */
  | { readonly type: 'no-owner'; readonly detail: string }
  /** The hub is away: this copy was certainly not sent. */
  | { readonly type: 'hub-away' }
  /** It was accepted, and the owner cannot say how it stands: the ledger will. */
  | { readonly type: 'outcome-unreadable'; readonly detail: string }
  /** It was asked for, and nobody knows whether it was accepted: the ledger will. */
  | { readonly type: 'unanswered'; readonly detail: string };

/** An operator's word that a device be forgotten. */
export interface ForgetOrder {
  readonly device: string;
  readonly reason: string;
  readonly by: string | null;
}

/** What became of it. Asked again, it is answered alike. */
export type ForgetAnswer =
  | { readonly type: 'forgotten'; readonly reply: ForgetReply }
  | Exclude<CommandAnswer, { type: 'accepted' | 'outcome-unreadable' }>;

/** Commands devices. */
export interface CommandPort {
  /** `caller` is the name of the token that the order came with: who asks, whatever the order says. */
  command(order: CommandOrder, caller: string): Promise<CommandAnswer>;
}

/** Has devices forgotten. */
export interface ForgetPort {
  /** `caller` is the name of the token that the word came with. */
  forget(order: ForgetOrder, caller: string): Promise<ForgetAnswer>;
}
