/**
 * Errors as the NATS service protocol has them: a number and a text in the headers of a reply, so that any service
 * client can tell an error without reading the body. The numbers mean what they mean in HTTP (RFC 9110, RFC 6585).
 */
import type { RefusalCode } from '../contract/refusal.ts';

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
