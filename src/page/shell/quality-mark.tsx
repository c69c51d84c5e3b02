/**
 * How far something can be trusted: a sign, a colour and the word, so that none of them has to be seen to understand it.
 */
import type { VNode } from 'preact';
import type { Quality } from '../api/twin.ts';
import { qualityName } from '../state-name.ts';

const SIGNS: Readonly<Record<Quality, string>> = { fresh: '●', stale: '◐', suspect: '▲', unknown: '○' };

/** What each quality means, in a sentence. */
export const MEANING: Readonly<Record<Quality, string>> = {
  fresh: 'A round trip proves that this is no older than the limit of its kind.',
  stale: 'This is older than the limit of its kind, or may be.',
  suspect: 'There is a reason to doubt this, however new it is.',
  unknown: 'Nothing proves how old this is.',
};

/** A quality; `because` says why it is shown, where that is not what the word means anyway. */
export function QualityMark({
  quality,
  because = null,
}: {
  readonly quality: Quality;
  readonly because?: string | null;
}): VNode {
  return (
    <span class={`quality-mark quality-${quality}`} title={because ?? MEANING[quality]}>
      <span aria-hidden="true">{SIGNS[quality]}</span> {qualityName(quality)}
    </span>
  );
}
