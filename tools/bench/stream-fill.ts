/** Fills the stream of a site as devices would: through the site's account, each message acknowledged. */
import { connectToHub } from '../../src/nats/connect.ts';
import { listen } from '../../src/nats/listen.ts';
import { deviceReport } from '../../src/wire/subjects.ts';
import { type FleetMix, fleetMessages } from './fleet-mix.ts';

/** What to fill the stream with. */
export interface FillOptions {
  /** The hub with a site's credentials. */
  readonly url: string;
  readonly fleet: FleetMix;
  readonly messages: number;
  readonly filled: (messages: number) => void;
}

/** Publishes in flight: the server is kept busy, and holds what it has not stored yet in bounds. */
const IN_FLIGHT_MAX = 2_000;
const ACK_TIMEOUT_MS = 20_000;

/** Fills the stream; resolves with the bytes of all payloads. Rejects when the hub does not store a message. */
export async function fillStream({ url, fleet, messages, filled }: FillOptions): Promise<{ bytes: number }> {
  const connection = await connectToHub({ url, name: 'corral bench' });
  const inbox = connection.newInbox();
  let sent = 0;
  let acknowledged = 0;
  let bytes = 0;
  let problem: string | null = null;
  let wake = (): void => undefined;
  listen(connection, {
    subject: inbox,
    handle: ({ payload }) => {
      const text = Buffer.from(payload).toString();
      if (!text.includes('"seq"')) problem = text;
      acknowledged += 1;
      wake();
    },
  });
  /** Resolves when at most so many are in flight. */
  const untilInFlight = async (most: number): Promise<void> => {
    while (sent - acknowledged > most && problem === null) {
      await new Promise<void>((resolve, reject) => {
        const before = acknowledged;
        const timer = setTimeout(() => {
          if (acknowledged === before) reject(new Error('the hub does not acknowledge reports'));
        }, ACK_TIMEOUT_MS);
        wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    if (problem !== null) throw new Error(`the hub did not store a report: ${problem}`);
  };
  try {
    for (const { device, payload } of fleetMessages(fleet, messages)) {
      if (sent - acknowledged >= IN_FLIGHT_MAX) await untilInFlight(IN_FLIGHT_MAX / 2);
      connection.nats.publish(deviceReport(device), payload, { reply: inbox });
      sent += 1;
      bytes += payload.length;
      if (sent % IN_FLIGHT_MAX === 0) filled(sent);
    }
    await untilInFlight(0);
  } finally {
    await connection.close();
  }
  return { bytes };
}
