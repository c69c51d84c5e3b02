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

/** `{"stream": ..., "seq": ...}`, where a refusal is `{"error": {...}}`. */
function isPubAck(answer: string): boolean {
  try {
    const parsed = JSON.parse(answer) as { readonly error?: unknown; readonly seq?: unknown } | null;
    return typeof parsed?.seq === 'number' && parsed.seq > 0 && parsed.error === undefined;
  } catch {
    // Whoever answered was no stream.
    return false;
  }
}
