/**
 * Whether the page still hears from the node. When it does not, nothing that it shows is known to be true any more, and every part of
 * it has to say so.
 */
import { useEffect, useRef } from 'preact/hooks';
import type { StreamEvent } from './api/event-parser.ts';
import { openEventStream } from './api/event-stream.ts';
import { serverNow } from './api/server-clock.ts';
import { Observable } from './observable.ts';

/** How the page stands to the node. */
export type Connection =
  | { readonly type: 'connecting' }
  | { readonly type: 'live' }
  /** `since` is server time, ms epoch; `null` when the node never answered. */
  | {
      readonly type: 'lost';
      readonly since: number | null;
      readonly reason: string;
      readonly isLocked: boolean;
    };

/** The connection of the view that is open. */
export const connection = new Observable<Connection>({ type: 'connecting' });

/** Follows the events at `path`, once there is one, while the component is there. `onLive` is called whenever the stream begins or goes on. */
export function useEvents(
  path: string | null,
  handlers: { readonly onEvent: (event: StreamEvent) => void; readonly onLive: () => void },
): void {
  const current = useRef(handlers);
  current.current = handlers;
  useEffect(() => {
    if (path === null) return undefined;
    const end = openEventStream({
      path,
      onEvent: (event) => current.current.onEvent(event),
      onState: (state) => {
        if (state.type === 'lost') lose(state);
        else connection.set(state);
        if (state.type === 'live') current.current.onLive();
      },
    });
    return () => {
      end();
      // Nothing arrives any more, until another view follows something.
      if (connection.value.type === 'live') connection.set({ type: 'connecting' });
    };
  }, [path]);
}

/** Why nothing that was answered is known to be true any more, in a few words; `null` while it is. `failure` is that of the last answer. */
export function doubtOf({ type }: Connection, failure: unknown): string | null {
  if (type === 'lost') return 'the connection to Corral is lost';
  return failure === null ? null : 'Corral could not tell how it is now';
}

/** Since when it is lost stays what it was when it was lost. */
function lose({ reason, isLocked }: { readonly reason: string; readonly isLocked: boolean }): void {
  const { value } = connection;
  const since = value.type === 'lost' ? value.since : serverNow();
  connection.set({ type: 'lost', since, reason, isLocked });
}
