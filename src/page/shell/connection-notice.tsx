/**
 * Says whether the page hears from the node; and when it does not, that nothing on it is known to be true.
 */
import type { VNode } from 'preact';
import { serverNow } from '../api/server-clock.ts';
import { connection } from '../connection.ts';
import { useObservable } from '../observable.ts';
import { age, clockTime } from '../format.ts';
import { useTick } from '../ticker.ts';

/** One word about the connection, and the time at the server. */
export function ConnectionMark(): VNode {
  const { type } = useObservable(connection);
  useTick();
  const now = serverNow();
  const words = { connecting: 'connecting', live: 'live', lost: 'connection lost' } as const;
  return (
    <span class={`connection connection-${type}`}>
      <span class="swatch" aria-hidden="true" />
      <span role="status">{words[type]}</span>
      {now !== null && (
        <time class="clock" dateTime={new Date(now).toISOString()} title="the time at the server, UTC">
          {clockTime(now)} UTC
        </time>
      )}
    </span>
  );
}

/** The banner over everything while the connection is lost. */
export function ConnectionBanner(): VNode | null {
  const now = useObservable(connection);
  useTick();
  if (now.type !== 'lost') return null;
  const { since, reason, isLocked } = now;
  const server = serverNow();
  if (isLocked) {
    return (
      <div class="banner" role="alert">
        <strong>This node shows itself only to those with a token.</strong> Enter one at the top.
      </div>
    );
  }
  return (
    <div class="banner">
      <span role="alert">
        <strong>Connection to Corral lost{since === null ? '' : ` at ${clockTime(since)} UTC`}.</strong>{' '}
        {since === null
          ? 'Nothing was heard yet.'
          : 'What is shown is what was known then; what it is now, nobody here knows.'}{' '}
        {reason.charAt(0).toUpperCase() + reason.slice(1)}; it is tried again and again
      </span>
      {since !== null && server !== null && ` (${age(server - since)} by now)`}.
    </div>
  );
}
