/**
 * What states and qualities are called on the page, the same everywhere. No quality has the name of a state: a twin that is in doubt is
 * `suspect`, and what is known of any device may be `doubted`.
 */
import type { Quality } from './api/twin.ts';

/** One of the two that `suspect` stands for: the twin is in doubt. */
export const DOUBTED = 'suspect.doubted';
/** The other one: the device says itself that it must not be used. */
export const OUT_OF_SERVICE = 'suspect.out-of-service';

/** The state of a twin at this path as people are told it; each is a value of the filter `state`. */
export function shownState(path: string): string {
  const [state = ''] = path.split('.');
  if (state !== 'suspect') return state;
  return path === OUT_OF_SERVICE ? OUT_OF_SERVICE : DOUBTED;
}

/** The name of a state, as twins are in and as devices say it of themselves. */
export function stateName(state: string): string {
  if (state === OUT_OF_SERVICE) return 'out of service';
  if (state === DOUBTED) return 'suspect';
  return state === 'suspect' ? 'suspect or out of service' : state.replaceAll('-', ' ');
}

/** The name of a quality. */
export function qualityName(quality: Quality): string {
  return quality === 'suspect' ? 'doubted' : quality;
}
