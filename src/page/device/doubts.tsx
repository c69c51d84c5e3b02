/**
 * The reasons to doubt the device, before anything else.
 */
import type { VNode } from 'preact';
import { serverNow } from '../api/server-clock.ts';
import type { Suspicion } from '../api/twin.ts';
import { timeOfDay } from '../format.ts';
import { AsKnownThen } from './as-known-then.tsx';

/** The suspicions; nothing where there are none. */
export function Doubts({
  suspicions,
  doubt,
}: {
  readonly suspicions: readonly Suspicion[];
  /** Why nothing is known to be true any more; `null` while it is. */
  readonly doubt: string | null;
}): VNode | null {
  if (suspicions.length === 0) return null;
  return (
    <section class="doubts" aria-label="Suspicions">
      <AsKnownThen doubt={doubt} />
      <ul>
        {suspicions.map(({ reason, since, detail }) => {
          const from = Date.parse(since);
          return (
            <li key={reason}>
              <strong>{reason}</strong> {detail}{' '}
              <span class="soft">since {timeOfDay(from, serverNow() ?? from)} UTC</span>
            </li>
          );
        })}
      </ul>
    </section>
  );
}
