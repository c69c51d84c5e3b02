/**
 * Errors as the NATS service protocol has them: a number and a text in the headers of a reply, so that any service
 * client can tell an error without reading the body. The numbers mean what they mean in HTTP (RFC 9110, RFC 6585).
 */
import type { RefusalCode } from '../../actors/decision.ts';

/** Headers of a reply that is an error. */
export const SERVICE_ERROR_HEADERS = {
  code: 'Nats-Service-Error-Code',
  text: 'Nats-Service-Error',
} as const;

/** Code and text for the headers. */
export interface ServiceError {
  readonly code: number;
  readonly text: string;
}

/** Refusals: the twin has decided. */
export const REFUSAL_ERROR_CODES: Readonly<Record<RefusalCode, number>> = {
  'illegal-state': 409,
  stale: 409,
  offline: 409,
  suspect: 409,
  pending: 409,
  'version-mismatch': 412,
  'id-reused': 409,
  'desired-too-large': 413,
  'bad-arguments': 400,
  'unknown-command': 404,
  'unknown-device': 404,
  forgotten: 410,
  'unknown-id': 404,
  overloaded: 429,
};

/**
 * Answers that decide nothing; `acceptance.ts` has what each means for a command. The list may grow: a code that a caller does not know
 * means that the command may have been accepted.
 *
 * - `unavailable`: this copy of the request was not accepted. Ask again, with the same id.
 * - `undecided`: a copy with the same id waits until the device has answered, or was decided on by a node that gave the device up before it
 *   knew whether the decision is kept. It may be accepted yet, or have been.
 * - `outcome-unreadable`: the command was accepted, and how it stands cannot be said here. Ask again, with the same id.
 * - `internal`: a fault of ours, which is in the log; whether the command was accepted, the ledger knows.
 */
export const FAILURES = {
  unavailable: 503,
  undecided: 504,
  'outcome-unreadable': 504,
  internal: 500,
} as const;
export type FailureCode = keyof typeof FAILURES;
