/**
 * What is published is stored in order, whatever the connection and the hub do, and no more is under way than may be.
 */
import { beforeEach, describe, expect, test } from 'vitest';
import {
  type PublishAnswer,
  Publisher,
  type PublisherNotice,
  type PublisherPort,
} from '../../../src/nats/publisher.ts';
import type { Publication } from '../../../src/runtime/ports.ts';

const KIB = 1_024;
const answerOf = (said: object): PublishAnswer => ({
  code: null,
  payload: new TextEncoder().encode(JSON.stringify(said)),
});

/** A connection that a test holds in its hands, and the time. */
class Wire implements PublisherPort {
  readonly sent: { readonly id: string; readonly number: number }[] = [];
  isUp = true;
  now = 0;
  #heard: (number: number, answer: PublishAnswer) => void = () => undefined;
  #changed: (isConnected: boolean) => void = () => undefined;
  readonly #timers = new Set<{ readonly at: number; readonly work: () => void }>();

  isConnected = (): boolean => this.isUp;
  messageBytesMax = (): number => 1_024 * KIB;
  monotonic = (): number => this.now;

  onChange(listener: (isConnected: boolean) => void): () => void {
    this.#changed = listener;
    return () => undefined;
  }

  onAnswer(listener: (number: number, answer: PublishAnswer) => void): () => void {
    this.#heard = listener;
    return () => undefined;
  }

  send({ id }: Publication, number: number): void {
    this.sent.push({ id, number });
  }

  after(delayMs: number, work: () => void): () => void {
    const timer = { at: this.now + delayMs, work };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  connect(isUp: boolean): void {
    this.isUp = isUp;
    this.#changed(isUp);
  }

  answer(from: number, answer: PublishAnswer = answerOf({ stream: 'CHANGES', seq: 1 })): void {
    for (const { number } of this.sent.slice(from)) this.#heard(number, answer);
  }

  pass(ms: number): void {
    this.now += ms;
    for (const timer of this.#timers) if (timer.at <= this.now && this.#timers.delete(timer)) timer.work();
  }

  /** Ids of what was sent, from a place on. */
  ids(from = 0): readonly string[] {
    return this.sent.slice(from).map(({ id }) => id);
  }
}

const message = (id: number, bytes = 10): Publication => ({
  subject: 'twin.cp-1.changed',
  id: String(id),
  payload: new Uint8Array(bytes),
  trace: null,
});
const messages = (count: number, bytes = 10): readonly Publication[] =>
  Array.from({ length: count }, (_, id) => message(id, bytes));

/** The call is done. The wire is in the test's hands, so that nothing that could still come is waited for. */
async function stored(call: Promise<void>): Promise<void> {
  const turnLater = new Promise((goOn) => setImmediate(() => goOn('it still waits')));
  expect(await Promise.race([call.then(() => 'stored'), turnLater])).toBe('stored');
}

let wire: Wire;
let notices: PublisherNotice[];
let publisher: Publisher;

beforeEach(() => {
  wire = new Wire();
  notices = [];
  publisher = new Publisher(wire, (notice) => notices.push(notice));
});

describe('what is not acknowledged is sent again, in its order and before what follows it', () => {
  const nobody = new TextEncoder().encode('{"stream":"CHANGES","seq":7}');
  test.each<[string, string, () => void]>([
    ['where the connection was lost', 'was lost', () => [false, true].forEach((isUp) => wire.connect(isUp))],
    ['where no answer comes', 'not acknowledged within 3000 ms', () => wire.pass(3_000)],
    [
      'where nobody listens',
      'no stream takes it',
      () => wire.answer(0, { code: 503, payload: new Uint8Array() }),
    ],
    [
      'where nobody listens, whatever else that says',
      'no stream takes it',
      () => wire.answer(0, { code: 503, payload: nobody }),
    ],
    ['where the hub refuses', 'full', () => wire.answer(0, answerOf({ error: { description: 'full' } }))],
    [
      'where the answer is none',
      'not an acknowledgement',
      () => wire.answer(0, { code: null, payload: new Uint8Array([123]) }),
    ],
  ])('%s', async (_, because, happens) => {
    const all = publisher.publish(messages(600));
    expect(wire.sent).toHaveLength(512);
    happens();
    wire.pass(500);
    expect(wire.ids(512)).toEqual(messages(512).map(({ id }) => id));
    wire.answer(512);
    expect(wire.ids(1_024)).toEqual(
      messages(600)
        .map(({ id }) => id)
        .slice(512),
    );
    wire.answer(1_024);
    await stored(all);
    expect(notices).toMatchObject([
      { type: 'publish-retried', messages: 512, detail: expect.stringContaining(because) as unknown },
    ]);
  });
});

describe('no more is under way', () => {
  test.each([512 * KIB, 1_000 * KIB])('than its bytes allow, of %d each, however often', async (bytes) => {
    const most = Math.ceil((4 * KIB * KIB) / bytes);
    const all = publisher.publish(messages(3 * most, bytes));
    expect(wire.sent).toHaveLength(most);
    wire.connect(false);
    wire.connect(true);
    wire.pass(500);
    expect(wire.sent).toHaveLength(2 * most);
    for (const from of [1, 2, 3]) {
      wire.answer(from * most);
      expect(wire.sent).toHaveLength(Math.min(from + 2, 4) * most);
    }
    await stored(all);
  });
});

test('nothing is handed to a connection that is not there', async () => {
  wire.connect(false);
  const all = publisher.publish(messages(2));
  wire.pass(10_000);
  expect(wire.sent).toEqual([]);
  wire.connect(true);
  wire.answer(0);
  await stored(all);
});

test('what the hub would not take with its headers is left out, and said', async () => {
  const largest = 1_024 * KIB - 2_048;
  await stored(publisher.publish([message(1, largest + 1)]));
  expect(notices).toMatchObject([{ type: 'publish-too-large', id: '1', bytes: largest + 1 }]);
  const rest = publisher.publish([message(2, largest), message(3, largest + 1)]);
  expect(wire.ids()).toEqual(['2']);
  wire.answer(0);
  await stored(rest);
});

test('a call is not done before the last of its messages is stored', async () => {
  let isDone = false;
  const all = publisher.publish(messages(2)).then(() => void (isDone = true));
  const [one, two] = wire.sent;
  wire.sent.length = 0;
  wire.sent.push(one ?? { id: '', number: 0 });
  wire.answer(0);
  await Promise.resolve();
  expect(isDone).toBe(false);
  wire.sent.push(two ?? { id: '', number: 0 });
  wire.answer(1);
  await stored(all);
});

describe('what is given up', () => {
  test('is not sent again, and what follows it is sent in its order', async () => {
    const giving = new AbortController();
    const first = publisher.publish(messages(600), giving.signal);
    const second = publisher.publish([message(1_000), message(1_001)]);
    expect(wire.sent).toHaveLength(512);
    giving.abort();
    await expect(first).rejects.toThrow('given up before the hub acknowledged');
    expect(wire.ids(512)).toEqual(['1000', '1001']);
    wire.connect(false);
    wire.connect(true);
    wire.pass(500);
    expect(wire.ids(514)).toEqual(['1000', '1001']);
    wire.answer(514);
    await stored(second);
  });

  test('takes no room of what follows, also where it is answered later', async () => {
    const giving = new AbortController();
    const given = publisher.publish(messages(4, 1_000 * KIB), giving.signal);
    giving.abort();
    await expect(given).rejects.toThrow('given up');
    const next = publisher.publish(messages(5, 1_000 * KIB));
    expect(wire.sent).toHaveLength(9);
    wire.answer(0);
    expect(wire.sent).toHaveLength(9);
    await stored(next);
  });

  test('was not begun where it was given up before', async () => {
    await expect(publisher.publish(messages(1), AbortSignal.abort())).rejects.toThrow('given up');
    expect(wire.sent).toEqual([]);
  });

  test('is nothing of what is stored', async () => {
    const giving = new AbortController();
    const all = publisher.publish(messages(2), giving.signal);
    wire.answer(0);
    await stored(all);
    giving.abort();
    expect(notices).toEqual([]);
  });
});

test('a publisher that is stopped gives up all, also what it had not sent yet', async () => {
  wire.connect(false);
  const waiting = publisher.publish(messages(1));
  publisher.stop();
  await expect(waiting).rejects.toThrow('stopped before the hub acknowledged');
  await expect(publisher.publish(messages(1))).rejects.toThrow('has been stopped');
  expect(wire.sent).toEqual([]);
});
