/**
 * Whether the page still hears from the node. When it does not, nothing that it shows is known to be true any more, and every part of
 * it has to say so.
 */
import { useEffect, useRef } from 'preact/hooks';
import type { StreamEvent } from './api/event-parser.ts';
import { openEventStream, type StreamState } from './api/event-stream.ts';
import { serverAt } from './api/server-clock.ts';
import { Observable } from './observable.ts';

/** How the page stands to the node. */
export type Connection =
  | { readonly type: 'connecting' }
  | { readonly type: 'live' }
  /** `since` is when anything was heard last, server time, ms epoch; `null` when the node never answered. */
  | {
      readonly type: 'lost';
      readonly since: number | null;
      readonly reason: string;
      readonly isLocked: boolean;
    };

/** The connection of the view that is open. */
export const connection = new Observable<Connection>({ type: 'connecting' });

/** Follows the events at `path` while the component is there. `onLive` is called whenever the stream begins or goes on. */
export function useEvents(
  path: string,
  handlers: { readonly onEvent: (event: StreamEvent) => void; readonly onLive: () => void },
): void {
  const current = useRef(handlers);
  current.current = handlers;
  useEffect(() => {
    const end = openEventStream({
      path,
      onEvent: (event) => current.current.onEvent(event),
      onState: (state) => {
        if (state.type === 'lost') lose(state);
        // Until something is heard it stays lost, whichever view asks.
        else if (state.type === 'live' || connection.value.type !== 'lost') connection.set(state);
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

/** Up to when what is shown is known: the server's time now, or when the connection was lost; ms epoch. */
export function knownUntil(now: Connection, serverMs: number): number {
  return now.type === 'lost' && now.since !== null ? Math.min(now.since, serverMs) : serverMs;
}

/** Why the data shown may be out of date; `null` while live. `failure` is that of the last answer. */
export function doubtOf({ type }: Connection, failure: unknown): string | null {
  if (type === 'lost') return 'the connection to Corral is lost';
  return failure === null ? null : 'Corral could not tell how it is now';
}

/**
 * Since when it is lost stays what it was when it was lost. A view that was opened while it is, and has heard nothing itself, knows no
 * better than that it is now.
 */
function lose({ reason, isLocked, heardAt }: Extract<StreamState, { readonly type: 'lost' }>): void {
  const { value } = connection;
  const since = value.type === 'lost' ? value.since : serverAt(heardAt ?? performance.now());
  connection.set({ type: 'lost', since, reason, isLocked });
}
