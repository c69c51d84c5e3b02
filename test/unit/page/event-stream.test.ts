/**
 * What the page takes for being live.
 */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { openEventStream, type StreamState } from '../../../src/page/api/event-stream.ts';

let states: string[];
let wake: () => void;
let bodies: WritableStreamDefaultWriter<Uint8Array>[];

beforeEach(() => {
  states = [];
  bodies = [];
  wake = () => undefined;
  vi.stubGlobal('sessionStorage', { getItem: () => null });
  vi.stubGlobal('fetch', async () => {
    const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
    bodies.push(writable.getWriter());
    wake();
    return new Response(readable, { status: 200 });
  });
});
afterEach(() => vi.unstubAllGlobals());

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
