/**
 * Requests over NATS, with what the client library leaves open settled: nothing is asked of a hub that is away, because
 * the question would be kept and asked some time later; and a question that an outage swallowed is known to be lost at
 * once, not after its timeout.
 */
import { headers, NoRespondersError, RequestError, TimeoutError } from '@nats-io/nats-core';
import type { HubConnection } from '../nats/connect.ts';
import { headersOf } from '../nats/listen.ts';
import { SERVICE_ERROR_HEADERS } from '../wire/service-error.ts';
import { TRACE_HEADERS } from '../wire/trace.ts';
import type { Answer, Asking, Requester } from './requester.ts';

/** A requester over a connection. */
export function natsRequester(hub: HubConnection): Requester {
  return {
    async request(asking) {
      if (!hub.isConnected() && !hub.nats.isClosed()) return { type: 'disconnected' };
      const { promise: lost, unlisten } = untilDisconnected(hub);
      try {
        return await Promise.race([ask(hub, asking), lost]);
      } finally {
        unlisten();
      }
    },
  };
}

async function ask(
  hub: HubConnection,
  { subject, payload, timeoutMs, traceParent }: Asking,
): Promise<Answer> {
  try {
    const heads = traceParent === null ? null : headers();
    if (traceParent !== null) heads?.set(TRACE_HEADERS.parent, traceParent);
    const options = { timeout: timeoutMs, ...(heads === null ? {} : { headers: heads }) };
    const message = await hub.nats.request(subject, payload, options);
    const { data } = message;
    const read = headersOf(message);
    // What the headers say stands in the body as well.
    const answered = read.ok ? read.headers : null;
    const code = answered?.get(SERVICE_ERROR_HEADERS.code) ?? '';
    const text = answered?.get(SERVICE_ERROR_HEADERS.text) ?? '';
    return { type: 'reply', payload: data, error: code === '' ? null : { code: Number(code), text } };
  } catch (error) {
    if (error instanceof TimeoutError) return { type: 'timeout' };
    if (error instanceof RequestError && error.cause instanceof NoRespondersError)
      return { type: 'no-responders' };
    // It was on its way when its own program closed the connection, which the library says in an error of the same sort: nobody hears the
    // answer, and it may be acted upon.
    if (error instanceof RequestError && error.cause instanceof RequestError) return { type: 'timeout' };
    throw error;
  }
}

function untilDisconnected(hub: HubConnection): {
  readonly promise: Promise<Answer>;
  readonly unlisten: () => void;
} {
  let unlisten: () => void = () => undefined;
  const promise = new Promise<Answer>((resolve) => {
    unlisten = hub.onChange((isConnected) => {
      if (!isConnected) resolve({ type: 'timeout' });
    });
  });
  return { promise, unlisten };
}
