import { describe, expect, test } from 'vitest';
import { DEFAULT_LIMITS } from '../../../src/runtime/limits.ts';
import { Mailbox, type Work } from '../../../src/runtime/mailbox.ts';
import type { Delivery } from '../../../src/runtime/ports.ts';
import type { Verdict } from '../../../src/runtime/rates.ts';

const inTurn = (): Verdict => 'in-turn';

function said(stream: string, count: number, bytes = 10): readonly Delivery[] {
  return Array.from({ length: count }, (_, index) => ({
    partition: 0,
    stream,
    sequence: index + 1,
    receivedAt: 0,
    site: stream,
    device: `cp-${String(index)}`,
    payload: new Uint8Array(bytes),
  }));
}

/** Streams and sequences in the order in which they are decided on, until nothing waits or so many were. */
async function decided(mailbox: Mailbox, most = Infinity): Promise<readonly string[]> {
  const places: string[] = [];
  while (places.length < most) {
    const work: Work | undefined = mailbox.take();
    if (work === undefined) break;
    if (work.type === 'delivery') places.push(`${work.delivery.stream} ${String(work.delivery.sequence)}`);
    // Whoever waits for room adds more.
    await new Promise((resolve) => setImmediate(resolve));
  }
  return places;
}

describe('the mailbox', () => {
  const limits = { ...DEFAULT_LIMITS, mailboxStreamMessagesMax: 5, mailboxStreamBytesMax: 1_000 };

  test('keeps nobody waiting behind all that another site has to say', async () => {
    const mailbox = new Mailbox(limits);
    void mailbox.offerMessages(said('loud', 1_000), inTurn);
    void mailbox.offerMessages(said('calm', 3), inTurn);
    const first = await decided(mailbox, 10);
    expect(first.filter((place) => place.startsWith('calm'))).toEqual(['calm 1', 'calm 2', 'calm 3']);
  });

  test('takes a share of the bytes of each stream as well', async () => {
    const mailbox = new Mailbox(limits);
    void mailbox.offerMessages(said('loud', 4, 600), inTurn);
    void mailbox.offerMessages(said('calm', 1), inTurn);
    expect((await decided(mailbox)).indexOf('calm 1')).toBe(2);
  });

  test('says from when on more of a stream would keep others waiting, by messages and by bytes', async () => {
    const mailbox = new Mailbox({ ...limits, mailboxLoudMessagesMax: 2, mailboxLoudBytesMax: 500 });
    const crowded: Record<string, readonly boolean[]> = {};
    const judge = ({ stream }: Delivery, isCrowded: boolean): Verdict => {
      crowded[stream] = [...(crowded[stream] ?? []), isCrowded];
      return 'in-turn';
    };
    void mailbox.offerMessages(said('small', 4), judge);
    void mailbox.offerMessages(said('large', 2, 600), judge);
    expect(crowded).toEqual({ small: [false, false, true, true], large: [false, true] });
  });

  test('decides on everything of each stream once, in its order', async () => {
    const mailbox = new Mailbox({ ...limits, mailboxMessagesMax: 7 });
    const streams = ['a', 'b', 'c'];
    const offered = streams.map((stream) => mailbox.offerMessages(said(stream, 100), inTurn));
    const places = await decided(mailbox);
    for (const stream of streams) {
      const own = places.filter((place) => place.startsWith(stream));
      expect(own).toEqual(Array.from({ length: 100 }, (_, index) => `${stream} ${String(index + 1)}`));
    }
    await Promise.all(offered);
  });

  test('judges in the order of the stream, and asks for room also for what only leaves its place', async () => {
    const mailbox = new Mailbox(limits);
    let judged = 0;
    const offered = mailbox.offerMessages(said('loud', 1_000), () => {
      judged += 1;
      return 'above';
    });
    // Each is of another device, so each takes a place.
    expect(judged).toBe(5);
    mailbox.close();
    await offered;
    expect(judged).toBe(5);
  });
});
