/**
 * What time the hub has it: every answer of JetStream about a stream says it.
 */
import type { TimeSource } from '../runtime/ports.ts';
import { STREAMS } from '../wire/subjects.ts';
import type { HubConnection } from './connect.ts';

/** How long the hub may take for the answer, ms. */
const ANSWER_MS = 1_000;

/** The clock of the server that this connection leads to. */
export function hubTime(hub: HubConnection): TimeSource {
  return {
    server: 'hub',
    now: async () => {
      if (!hub.isConnected()) throw new Error('the hub is away');
      // The stream that least is written to: counting it costs the hub least.
      const subject = `$JS.API.STREAM.INFO.${STREAMS.deadLetters.name}`;
      const answer = await hub.nats.request(subject, '', { timeout: ANSWER_MS });
      const { ts } = answer.json<{ readonly ts?: string }>();
      const now = ts === undefined ? Number.NaN : Date.parse(ts);
      if (Number.isNaN(now)) throw new Error('the hub does not say what time it is');
      return now;
    },
  };
}
