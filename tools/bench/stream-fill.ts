/** Fills the stream DEVICES as devices would: through the site's account, each message acked. */
import { connectToHub } from '../../src/nats/connect.ts';
import { encode, type Encoding } from '../../src/wire/codec.ts';
import { deviceReport } from '../../src/wire/subjects.ts';
import { type Mix, mixedReport, type ReportMixOptions } from '../fleet/report-mix.ts';

/** What to fill the stream with: of each device the reports `fromStep` to `toStep`, both from 0 and inclusive. */
export interface FillOptions {
  /** The hub with a site's credentials. */
  readonly url: string;
  readonly devices: number;
  readonly fromStep: number;
  readonly toStep: number;
  readonly mix: Mix;
  readonly encoding: Encoding;
  readonly filled: (messages: number) => void;
}

/** Publishes in flight: the server is kept busy, and holds what it has not stored yet in bounds. */
const IN_FLIGHT = 1_000;
const ACK_TIMEOUT_MS = 20_000;

/** Every run of a bench has the same reports. */
const SEED = 1;
/** A device reports once a minute, by its own clock. */
const STEP_MS = 60_000;

/** Fills the stream; resolves with the bytes of all payloads. Rejects when the hub does not store a message. */
export async function fillStream(options: FillOptions): Promise<{ readonly bytes: number }> {
  const connection = await connectToHub({ url: options.url, name: 'corral bench' });
  const messages = messagesOf(options);
  let bytes = 0;
  let done = 0;
  const worker = async (): Promise<void> => {
    for (const { subject, payload } of messages) {
      const ack = await connection.nats.request(subject, payload, { timeout: ACK_TIMEOUT_MS });
      if (!ack.string().includes('"seq"')) throw new Error(`the hub did not store a report: ${ack.string()}`);
      bytes += payload.length;
      done += 1;
      if (done % IN_FLIGHT === 0) options.filled(done);
    }
  };
  try {
    await Promise.all(Array.from({ length: IN_FLIGHT }, worker));
  } finally {
    await connection.close();
  }
  return { bytes };
}

/** Report by report over all devices: as a fleet's heartbeats come in. */
function* messagesOf(
  options: FillOptions,
): Generator<{ readonly subject: string; readonly payload: Uint8Array }> {
  const { devices, fromStep, toStep, mix, encoding } = options;
  const stream: ReportMixOptions = { seed: SEED, mix, stepMs: STEP_MS };
  for (let step = fromStep; step <= toStep; step += 1) {
    for (let index = 0; index < devices; index += 1) {
      const { device, report } = mixedReport(stream, index, step);
      yield { subject: deviceReport(device), payload: encode(report, encoding) };
    }
  }
}
