/**
 * Says over what was known before that it is not known any more: a part of the page that speaks of now must not go on doing so.
 */
import type { VNode } from 'preact';
import { connection } from '../connection.ts';
import { useObservable } from '../observable.ts';
import { clockTime } from '../format.ts';

/** One line; nothing while there is no doubt. */
export function AsKnownThen({ doubt }: { readonly doubt: string | null }): VNode | null {
  const now = useObservable(connection);
  if (doubt === null) return null;
  const since = now.type === 'lost' ? now.since : null;
  return (
    <p class="as-known-then">
      As it was known {since === null ? 'before' : `at ${clockTime(since)} UTC`}. How it is now, nobody here
      knows.
    </p>
  );
}
