/**
 * What an answer to a published report says: whether the hub has stored it. Whatever is no acknowledgement of a stream is a refusal, since
 * a report that was let go of is gone.
 */

/** Why it is not known that the hub has stored a payload. */
export class PublishError extends Error {
  readonly code: 'not-connected' | 'no-ack' | 'refused';

  constructor(code: PublishError['code'], message: string, cause?: unknown) {
    super(message, { cause });
    this.name = 'PublishError';
    this.code = code;
  }
}

/** Throws a {@link PublishError} unless the answer acknowledges that a report of `device` is stored. */
export function assertStored(device: string, answer: string): void {
  if (isPubAck(answer)) return;
  throw new PublishError('refused', `the hub did not store a report of ${device}: ${answer.slice(0, 200)}`);
}

/**
 * `{"stream": ..., "seq": ...}`, where a refusal is `{"error": {...}}`. With `"duplicate": true` nothing was stored: the stream had another
 * message with the same `Nats-Msg-Id`, which may be another device's.
 */
function isPubAck(answer: string): boolean {
  try {
    const parsed = JSON.parse(answer) as {
      readonly error?: unknown;
      readonly seq?: unknown;
      readonly duplicate?: unknown;
    } | null;
    if (parsed?.duplicate === true) return false;
    return typeof parsed?.seq === 'number' && parsed.seq > 0 && parsed.error === undefined;
  } catch {
    // Whoever answered was no stream.
    return false;
  }
}
