/**
 * What a state that was answered a moment ago is worth by now. Age goes on while nothing is said, and a page must not go on calling
 * `fresh` what its kind's limit has made stale, nor believe anything while it does not hear from the node.
 */
import type { KnownState, Quality } from './api/twin.ts';
import { qualityName } from './state-name.ts';

/** Something the node said, and when it came, by the monotonic clock, ms. */
export interface Heard<T> {
  readonly said: T;
  readonly heardAt: number;
}

/** How a state is to be shown now. */
export interface Standing {
  readonly quality: Quality;
  /** Its age now, ms; `null` when it was never measured. */
  readonly ageMs: number | null;
  /** Why the quality is not what the node said last, in a sentence; `null` when it is. */
  readonly because: string | null;
}

/**
 * The standing of a state. `freshMs` is the limit of its kind, `null` when it is not known here; `doubt` is why nothing is known to be true
 * any more, in a few words, or `null`.
 */
export function standingOf(
  { said, heardAt }: Heard<Pick<KnownState, 'quality' | 'ageMs' | 'errorMs'>>,
  now: number,
  { freshMs, doubt }: { readonly freshMs: number | null; readonly doubt: string | null },
): Standing {
  const ageMs = said.ageMs === null ? null : said.ageMs + Math.max(0, now - heardAt);
  if (doubt !== null) {
    return {
      quality: 'unknown',
      ageMs,
      because: `${doubt}: it was ${qualityName(said.quality)} when last heard of`,
    };
  }
  const mostMs = ageMs === null ? null : ageMs + (said.errorMs ?? 0);
  if (said.quality === 'fresh' && freshMs !== null && mostMs !== null && mostMs > freshMs) {
    return { quality: 'stale', ageMs, because: 'it has become too old while nothing newer came' };
  }
  return { quality: said.quality, ageMs, because: null };
}
