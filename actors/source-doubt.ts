/**
 * Why what was said through a source is not to be trusted, in words: for suspicions, refusals and people.
 */
import type { SpokenFor } from './twin.ts';

/** Why what was said through the source is not to be trusted, as a sentence; `null` where nothing is wrong with it. */
export function doubtDetail({ id, session, doubt, since }: SpokenFor): string | null {
  const time = since === null ? '' : new Date(since).toISOString();
  switch (doubt) {
    case null:
      return null;
    case 'away':
      return `${id}, which speaks for it, is away since ${time}`;
    case 'back':
      return `${id}, which speaks for it, is back since ${time}, and has not said yet how it is`;
    case 'session':
      return `it was last heard in session ${String(session)} of ${id}, which has ended`;
    case 'replay':
      return `${id}, which speaks for it, plays again what was said before, since ${time}`;
  }
}
