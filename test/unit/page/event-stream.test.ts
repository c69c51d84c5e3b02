/**
 * What the page takes for being live.
 */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { HEARTBEAT_MS } from '../../../src/http/event-stream.ts';
import { openEventStream, SILENCE_MS, type StreamState } from '../../../src/page/api/event-stream.ts';

let states: string[];
let wake: () => void;
let bodies: WritableStreamDefaultWriter<Uint8Array>[];

beforeEach(() => {
  states = [];
  bodies = [];
  wake = () => undefined;
  vi.stubGlobal('sessionStorage', { getItem: () => null });
  vi.stubGlobal('fetch', async (_path: string, { signal }: RequestInit) => {
    const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
    const body = writable.getWriter();
    signal?.addEventListener('abort', () => void body.abort(signal.reason));
    bodies.push(body);
    wake();
    return new Response(readable, { status: 200 });
  });
});
afterEach(() => {
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

/** Resolves when it is so; looked at whenever something happens. */
function once(isSo: () => boolean): Promise<void> {
  return new Promise((resolve) => {
    wake = () => {
      if (isSo()) resolve();
    };
    wake();
  });
}

test('a stream is live once something has arrived on it, and not a moment longer than it lasts', async () => {
  const onState = ({ type }: StreamState): void => {
    states.push(type);
    wake();
  };
  const stop = openEventStream({ path: '/v1/events', onEvent: () => undefined, onState });
  await once(() => bodies.length === 1);
  // Whatever has to be done about the answer is done: a header is no sign of life.
  await new Promise((resolve) => setImmediate(resolve));
  expect(states).toEqual(['connecting']);
  void bodies[0]?.write(new TextEncoder().encode('retry: 1000\n\n'));
  await once(() => states.length === 2);
  expect(states).toEqual(['connecting', 'live']);
  void bodies[0]?.close();
  await once(() => states.length === 3);
  expect(states).toEqual(['connecting', 'live', 'lost']);
  stop();
});

test('a stream of a device that the node does not know says nothing about the connection', async () => {
  let asked = 0;
  vi.stubGlobal('fetch', async () => {
    asked += 1;
    wake();
    return new Response('{}', { status: 404 });
  });
  const onState = ({ type }: StreamState): void => void states.push(type);
  const stop = openEventStream({ path: '/v1/devices/nobody/events', onEvent: () => undefined, onState });
  await once(() => asked === 2);
  expect(states).toEqual(['connecting']);
  stop();
});

describe('a node that stands still', () => {
  const onState = ({ type }: StreamState): void => void states.push(type);
  /** So that only the clock moves on, and what hangs on promises alone is done. */
  const pass = async (ms: number): Promise<void> => {
    await vi.advanceTimersByTimeAsync(ms);
    await new Promise((resolve) => setImmediate(resolve));
  };
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  });

  test('is noticed within 3 s, and one of whose signs of life every other is late is not', async () => {
    expect(SILENCE_MS).toBeLessThan(3_000);
    const stop = openEventStream({ path: '/v1/events', onEvent: () => undefined, onState });
    await pass(0);
    for (let beat = 0; beat < 5; beat += 1) {
      void bodies[0]?.write(new TextEncoder().encode(': all is well\n\n'));
      await pass(2 * HEARTBEAT_MS);
    }
    expect(states).toEqual(['connecting', 'live']);
    await pass(SILENCE_MS - 2 * HEARTBEAT_MS);
    expect(states).toEqual(['connecting', 'live', 'lost']);
    stop();
  });

  test('is noticed as soon where a stream is only asked for, which is live when the answer comes after all', async () => {
    let answer: (response: Response) => void = () => undefined;
    let asked = 0;
    vi.stubGlobal('fetch', () => {
      asked += 1;
      return new Promise<Response>((resolve) => (answer = resolve));
    });
    const stop = openEventStream({ path: '/v1/events', onEvent: () => undefined, onState });
    await pass(SILENCE_MS - 1);
    expect(states).toEqual(['connecting']);
    await pass(1);
    expect(states).toEqual(['connecting', 'lost']);
    answer(new Response('retry: 1000\n\n', { status: 200 }));
    await pass(0);
    expect(states.slice(0, 3)).toEqual(['connecting', 'lost', 'live']);
    expect(asked).toBe(1);
    stop();
  });
});
