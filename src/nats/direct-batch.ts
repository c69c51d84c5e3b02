/**
 * Asks a stream for many messages of one subject at once (direct get with `batch`, servers since 2.11). The client library's own way
 * would do, but that a connection that breaks in the middle leaves it waiting for ever.
 *
 * Any server of a cluster may answer, also one that has not got the newest messages yet: what is brought is right and without a hole,
 * but that there is no more has to be asked of the leader.
 */
import type { HubConnection } from './connect.ts';
import { type Heard, listen } from './listen.ts';
import { storedAtOf } from './stored-at.ts';
import type { StreamMessage } from './stream-message.ts';

/** What to bring. */
export interface BatchQuestion {
  /** Where the account of the stream is asked. */
  readonly apiPrefix: string;
  readonly stream: string;
  readonly subject: string;
  /** From this sequence on. */
  readonly from: number;
  readonly messages: number;
  readonly bytes: number;
}

/** How long the hub may take from one message to the next, ms. */
const ANSWER_MS = 2_000;

/** Statuses: 204 the batch is whole, 404 there is nothing. */
const ENDS: readonly (number | undefined)[] = [204, 404];

/** What one server has of it, in order. Rejects when the answer breaks off, or cannot be read. */
export function readDirectBatch(
  hub: HubConnection,
  { apiPrefix, stream, subject, from, messages, bytes }: BatchQuestion,
): Promise<readonly StreamMessage[]> {
  return new Promise((resolve, reject) => {
    const found: StreamMessage[] = [];
    const inbox = hub.newInbox();
    const end = (settle: () => void): void => {
      clearTimeout(timer);
      subscription.unsubscribe();
      settle();
    };
    const fail = (detail: string): void => end(() => reject(new Error(detail)));
    const timer = setTimeout(() => fail('the hub did not answer in time'), ANSWER_MS);
    const take = (message: Heard): void => {
      timer.refresh();
      if (ENDS.includes(message.headers?.code)) {
        end(() => resolve(found));
        return;
      }
      const next = messageOf(message);
      if (next === null) fail(`the hub refuses: ${message.headers?.description ?? 'no header'}`);
      else if (found.length > 0 && next.after !== found.at(-1)?.sequence)
        fail('a message was lost on the way');
      else found.push(next.message);
    };
    const subscription = listen(hub, {
      subject: inbox,
      handle: take,
      refused: (error) => fail(error.message),
    });
    const question = { seq: from, next_by_subj: subject, batch: messages, max_bytes: bytes };
    hub.nats.publish(`${apiPrefix}.DIRECT.GET.${stream}`, JSON.stringify(question), { reply: inbox });
  });
}

/** A message of a batch, and the sequence of the one before it there; `null` for what is none. */
function messageOf({
  headers,
  payload,
}: Heard): { readonly message: StreamMessage; readonly after: number } | null {
  const subject = headers?.last('Nats-Subject') ?? '';
  const sequence = Number(headers?.last('Nats-Sequence'));
  const timestamp = headers?.last('Nats-Time-Stamp') ?? '';
  if (subject === '' || !Number.isSafeInteger(sequence) || Number.isNaN(Date.parse(timestamp))) return null;
  const message = { subject, sequence, storedAt: storedAtOf(timestamp), payload };
  return { message, after: Number(headers?.last('Nats-Last-Sequence')) };
}
