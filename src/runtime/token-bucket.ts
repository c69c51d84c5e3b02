/**
 * A token bucket: so many at once, and so many a second on average. It counts by times that it is told, so that whoever asks it again
 * with the same times gets the same answers.
 */

/** What a bucket holds, and how fast it fills. */
export interface Rate {
  readonly perSecond: number;
  readonly burst: number;
}

/** Tokens at a time, ms epoch. Below zero is a debt: something larger than what was left was let through. */
export interface TokenBucket {
  tokens: number;
  at: number;
}

/** A full one. */
export function fullBucket({ burst }: Rate, at: number): TokenBucket {
  return { tokens: burst, at };
}

/** Fills it up to a time. Where that lies before the last one, since a clock was set back, nothing is added. */
export function fill(bucket: TokenBucket, { perSecond, burst }: Rate, at: number): void {
  const elapsedMs = Math.max(0, at - bucket.at);
  bucket.tokens = Math.min(burst, bucket.tokens + (elapsedMs * perSecond) / 1_000);
  bucket.at = at;
}

/** How long an empty one takes to be full, ms. */
export function refillMs({ perSecond, burst }: Rate): number {
  return (burst * 1_000) / perSecond;
}
