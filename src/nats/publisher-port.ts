/**
 * The port of the publisher on a connection to the hub. The acknowledgements of all messages come to one inbox, which costs a fraction
 * of a request for each message.
 */
import { headers } from '@nats-io/nats-core';
import type { HubConnection } from './connect.ts';
import { listen } from './listen.ts';
import type { PublisherPort } from './publisher.ts';
import { writeTrace } from './trace-headers.ts';

/** Publishes over `hub`. */
export function publisherPort(hub: HubConnection): PublisherPort {
  const inbox = hub.newInbox();
  return {
    isConnected: () => hub.isConnected(),
    onChange: (listener) => hub.onChange(listener),
    messageBytesMax: () => hub.nats.info?.max_payload ?? Infinity,
    send: ({ subject, id, payload, trace }, number) => {
      const heads = headers();
      heads.set('Nats-Msg-Id', id);
      if (trace !== null) writeTrace(heads, trace);
      hub.nats.publish(subject, payload, { headers: heads, reply: `${inbox}.${String(number)}` });
    },
    onAnswer: (listener) => {
      const subscription = listen(hub, {
        subject: `${inbox}.*`,
        handle: ({ subject, headers: heads, payload }) =>
          listener(Number(subject.slice(inbox.length + 1)), { code: heads?.code ?? null, payload }),
      });
      return () => subscription.unsubscribe();
    },
    monotonic: () => performance.now(),
    after: (delayMs, work) => {
      const timer = setTimeout(work, delayMs);
      return () => clearTimeout(timer);
    },
  };
}
