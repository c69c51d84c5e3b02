/**
 * How the client reaches the hub: the port behind which NATS stands, or the hub in memory in a simulation. What each end of a question
 * means for a command is in `src/wire/acceptance.ts`.
 */
import type { ServiceError } from '../wire/service-error.ts';

/** What became of one request. */
export type Answer =
  | { readonly type: 'reply'; readonly payload: Uint8Array; readonly error: ServiceError | null }
  /** Nobody serves it: this copy is certainly not decided on. */
  | { readonly type: 'no-responders' }
  /** The hub is away: this copy was certainly not sent. */
  | { readonly type: 'disconnected' }
  /** It was sent, and nothing is known. */
  | { readonly type: 'timeout' };

/** A request. */
export interface Asking {
  readonly subject: string;
  readonly payload: Uint8Array;
  readonly timeoutMs: number;
  /** W3C trace context of whoever asks, or `null`. */
  readonly traceParent: string | null;
}

/** Sends a request and waits for its reply at most `timeoutMs`. Rejects only where this copy can never be sent: closed, or not allowed. */
export interface Requester {
  request(asking: Asking): Promise<Answer>;
}
