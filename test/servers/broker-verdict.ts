/**
 * What the broker lets a connection say and hear, asked of the real server. It answers a violation before the PONG to the
 * next PING, so nothing here waits for a silence.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Msg, NatsConnection } from '@nats-io/nats-core';
import { expect } from 'vitest';

const answerTimeoutMs = 5_000;

/** The next message on a subject; rejects after 5 s. Flush the connection before the message is sent. */
export function firstMessage(connection: NatsConnection, subject: string): Promise<Msg> {
  return new Promise((resolve, reject) => {
    connection.subscribe(subject, {
      max: 1,
      timeout: answerTimeoutMs,
      callback: (error, message) => {
        if (error === null) resolve(message);
        else reject(new Error(`nothing was heard on ${subject}`, { cause: error }));
      },
    });
  });
}

/**
 * Asserts that the server refuses a message on `subject`.
 *
 * @param known what the server calls the subject, after its mappings.
 */
export async function expectMayNotSay(
  connection: NatsConnection,
  subject: string,
  known: string = withoutDomain(subject),
): Promise<void> {
  const refused = nextViolation(connection);
  connection.publish(subject, '{}');
  await connection.flush();
  const said = await refused;
  expect(withoutDomain(said)).toBe(`Permissions Violation for Publish to "${known}"`);
}

/** Asserts that the server refuses a subscription to `subject`. */
export async function expectMayNotListenTo(connection: NatsConnection, subject: string): Promise<void> {
  const error = await new Promise<Error | null>((resolve) => {
    connection.subscribe(subject, { timeout: answerTimeoutMs, callback: (problem) => resolve(problem) });
  });
  expect(error?.message).toContain(`Permissions Violation for Subscription to "${subject}"`);
}

/** The next complaint of the server about what this connection does. */
async function nextViolation(connection: NatsConnection): Promise<string> {
  const statuses = connection.status()[Symbol.asyncIterator]();
  const giveUp = new AbortController();
  const tooLate = sleep(answerTimeoutMs, undefined, { signal: giveUp.signal }).then(() => {
    throw new Error(`the server did not complain within ${answerTimeoutMs} ms`);
  });
  const complaint = async (): Promise<string> => {
    for (;;) {
      const next = await statuses.next();
      if (next.done === true) throw new Error('the connection was closed before the server complained');
      if (next.value.type === 'error') return next.value.error.message;
    }
  };
  try {
    return await Promise.race([complaint(), tooLate]);
  } finally {
    giveUp.abort();
    await statuses.return?.();
  }
}

/** The hub maps its own domain's API to the plain one, and complains about that; a leaf does not. */
function withoutDomain(text: string): string {
  return text.replace('$JS.hub.API', '$JS.API');
}
