/**
 * Keeps the client library reading. It takes what a connection brings in one loop, and whatever is thrown in there ends the loop:
 * the socket stays open, nothing is heard any more, and only unanswered pings tell, ten seconds later. A message whose headers
 * are malformed is enough, where the library looks into them itself: answers to its own requests, and consumers.
 *
 * Two places are guarded, neither of which the library opens to its users; it is pinned, and tests say when it has changed. What
 * it does with one message is guarded there: the message is lost, whoever waits for it waits until the timeout. What is no NATS
 * protocol at all leaves it without a place to read on from, so the connection is broken at once, and made anew.
 */
import type { NatsConnection } from '@nats-io/nats-core';
import type { Socket } from 'node:net';
import type { HubTrouble } from './hub-trouble.ts';

interface Parser {
  parse(bytes: Uint8Array): void;
}

/** The parts of the library's connection that are touched here. */
interface Inside {
  readonly protocol?: {
    /** Takes one message, error, ping or information of the server. */
    push?: (event: unknown) => void;
    /** Made anew with each connection. */
    parser?: Parser;
    readonly transport?: { readonly socket?: Socket };
  };
}

/** Guards the loop of a connection, for as long as it lives. Throws where the library is not the one that this was written for. */
export function guardReadLoop(nats: NatsConnection, onTrouble: (trouble: HubTrouble) => void): void {
  const { protocol } = nats as Inside;
  const { push, parser } = protocol ?? {};
  if (protocol === undefined || push === undefined || parser === undefined)
    throw new Error('the NATS client library has changed inside: its read loop cannot be guarded');
  protocol.push = (event) => {
    try {
      push.call(protocol, event);
    } catch (error) {
      onTrouble({ type: 'client-failed', detail: messageOf(error) });
    }
  };
  const guarded = (made: Parser): Parser => {
    let isBroken = false;
    return {
      parse: (bytes) => {
        if (isBroken) return;
        try {
          made.parse(bytes);
        } catch (error) {
          isBroken = true;
          onTrouble({ type: 'protocol-broken', detail: messageOf(error) });
          breakConnection(nats);
        }
      },
    };
  };
  let current = guarded(parser);
  Object.defineProperty(protocol, 'parser', {
    get: () => current,
    set: (made: Parser) => {
      current = guarded(made);
    },
  });
}

/** Destroys the socket: the library then reconnects as after any other loss. It has no public way to do that. */
export function breakConnection(nats: NatsConnection): void {
  (nats as Inside).protocol?.transport?.socket?.destroy();
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
