/**
 * What came in over a connection to the hub and could not be taken as it should be. Whatever it was, everything else went on.
 */

/** Counted by type; the subject is as whoever sent the message wrote it, shortened. */
export type HubTrouble =
  /** The headers of a message cannot be read: a request was refused, anything else was handled as if it had none. */
  | { readonly type: 'message-unreadable'; readonly subject: string; readonly detail: string }
  /** Handling a message failed: a fault of ours. */
  | { readonly type: 'message-failed'; readonly subject: string; readonly detail: string }
  /** A command or an answer could not be handed to the connection. */
  | { readonly type: 'not-sent'; readonly subject: string; readonly detail: string }
  /** The client library failed on a message before it came to anybody here: the message is lost. */
  | { readonly type: 'client-failed'; readonly detail: string }
  /** What the connection brought is not NATS: it was made anew. */
  | { readonly type: 'protocol-broken'; readonly detail: string };
