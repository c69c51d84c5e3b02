/**
 * What JetStream says about a message it delivers: it stands in the reply subject (NATS ADR-15).
 *
 *   $JS.ACK.<stream>.<consumer>.<deliveries>.<stream seq>.<consumer seq>.<ns>.<pending>
 *   $JS.ACK.<domain>.<account>.<stream>.<consumer>.<deliveries>.<stream seq>.<consumer seq>.<ns>.<pending>[.<token>]
 */

/** Where a delivered message stands. */
export interface DeliveryInfo {
  /** Its number in the stream. */
  readonly sequence: number;
  /** Counts what this consumer was sent, from 1: a step of more than 1 means that something was lost in transit. */
  readonly deliveryNo: number;
  /** When the stream stored it, ms epoch, rounded up: it is used as "no later than". */
  readonly storedAt: number;
  /** How many messages after it the consumer had yet to send when it sent this one. */
  readonly pending: number;
}

const ACK_PREFIX = '$JS.ACK.';
const SHORT_FORM_DOTS = 8;
const LONG_FORM_DOTS_MIN = 10;
const NS_PER_MS = 1e6;

/** Reads the reply subject of a delivered message; `null` for anything else. It runs for every message that is read. */
export function parseDeliveryInfo(replySubject: string): DeliveryInfo | null {
  if (!replySubject.startsWith(ACK_PREFIX)) return null;
  const dots: number[] = [];
  for (let dot = replySubject.indexOf('.'); dot !== -1; dot = replySubject.indexOf('.', dot + 1))
    dots.push(dot);
  const isShort = dots.length === SHORT_FORM_DOTS;
  if (!isShort && dots.length < LONG_FORM_DOTS_MIN) return null;
  const first = isShort ? 4 : 6;
  const sequence = numberAfter(replySubject, dots, first);
  const deliveryNo = numberAfter(replySubject, dots, first + 1);
  const storedAt = Math.ceil(numberAfter(replySubject, dots, first + 2) / NS_PER_MS);
  const pending = numberAfter(replySubject, dots, first + 3);
  // Whoever guesses an inbox may write anything into it.
  if (!isCount(sequence) || !isCount(deliveryNo) || !isCount(storedAt) || !isCount(pending)) return null;
  return sequence === 0 || deliveryNo === 0 ? null : { sequence, deliveryNo, storedAt, pending };
}

function isCount(number: number): boolean {
  return Number.isSafeInteger(number) && number >= 0;
}

function numberAfter(subject: string, dots: readonly number[], index: number): number {
  const text = subject.slice((dots[index] ?? 0) + 1, dots[index + 1]);
  return text === '' ? NaN : Number(text);
}
