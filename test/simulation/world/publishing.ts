/**
 * A node's way to the streams, as the real publisher sees it: a connection that breaks or stands still, and a hub that refuses to store,
 * or stores and does not say so.
 */
import type { MemoryHub } from '../../../src/memory/hub.ts';
import type { MemoryLink } from '../../../src/memory/link.ts';
import { NotStored, type Refusal } from '../../../src/memory/message-stream.ts';
import type { PublishAnswer, PublisherPort } from '../../../src/nats/publisher.ts';
import type { Clock, Publication } from '../../../src/runtime/ports.ts';
import { parseChangeSubject } from '../../../src/wire/subjects.ts';
import type { WorldRecord } from '../record.ts';
import type { Chance } from './chance.ts';
import type { Process } from './process.ts';
import type { Schedule } from './schedule.ts';

/** What is wrong with the hub's streams at present. */
export interface StreamTrouble {
  /** Of this part of what is published nothing is said, although it is stored. */
  unsaidPart: number;
}

export interface PublishingOptions {
  readonly process: Process;
  readonly link: MemoryLink;
  readonly hub: MemoryHub;
  readonly hubClock: Clock;
  readonly schedule: Schedule;
  readonly chance: Chance;
  readonly record: WorldRecord;
  readonly trouble: StreamTrouble;
}

/** As large as a hub takes where nothing else is configured. */
const MESSAGE_BYTES_MAX = 1_048_576;

/** What a server answers where a stream does not store, or nobody listens on its subjects. */
const REFUSALS: Readonly<Record<Refusal, PublishAnswer | null>> = {
  full: answerOf({ error: { code: 503, err_code: 10077, description: 'maximum bytes exceeded' } }),
  away: { code: 503, payload: new Uint8Array() },
  silent: null,
};

/** The port of one process's publisher. */
export function publishing(options: PublishingOptions): PublisherPort {
  const { process, link, hub, hubClock, schedule, chance, record, trouble } = options;
  let hear: (number: number, answer: PublishAnswer) => void = () => undefined;
  const store = ({ subject, payload, id }: Publication): PublishAnswer | null => {
    const stream = parseChangeSubject(subject) === null ? hub.deadLetters : hub.changes;
    try {
      const { sequence, isDuplicate } = stream.append({ subject, payload, id, now: hubClock.now() });
      record.noteStored(stream, schedule.now);
      if (isDuplicate) record.count('publication-repeated');
      if (!chance.hits(trouble.unsaidPart)) return answerOf({ stream: stream.name, seq: sequence });
      record.count('publication-unsaid');
      return null;
    } catch (error) {
      if (!(error instanceof NotStored)) throw error;
      return REFUSALS[error.refusal];
    }
  };
  return {
    isConnected: () => link.state !== 'cut',
    onChange: (listener) => {
      let wasConnected = link.state !== 'cut';
      return link.onChange((state) => {
        const isConnected = state !== 'cut';
        if (isConnected === wasConnected) return;
        wasConnected = isConnected;
        process.enter(() => listener(isConnected));
      });
    },
    messageBytesMax: () => MESSAGE_BYTES_MAX,
    send: (message, number) => {
      if (!process.leave()) return;
      link.send('publication', () => {
        const answer = store(message);
        if (answer === null) return;
        link.receive('acknowledgement', () => process.enter(() => hear(number, answer)));
      });
    },
    onAnswer: (listener) => {
      hear = listener;
      return () => {
        hear = () => undefined;
      };
    },
    monotonic: () => schedule.now,
    after: (delayMs, work) => schedule.after(delayMs, () => process.enter(work)),
  };
}

function answerOf(said: object): PublishAnswer {
  return { code: null, payload: new TextEncoder().encode(JSON.stringify(said)) };
}
