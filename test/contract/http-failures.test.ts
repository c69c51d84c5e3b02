/**
 * What is asked of HTTP in vain is told to the log, and does not fill it.
 */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { FAILURE_LINE_MS } from '../../src/http/failure-log.ts';
import { commitLives, fleet } from './http-fleet.ts';
import { type HttpNode, httpOver, OPEN, StandingClock } from './http-node.ts';
import { memory, type OpenStore } from './http-stores.ts';

let clock: StandingClock;
let opened: OpenStore;
let node: HttpNode;

beforeEach(async () => {
  clock = new StandingClock();
  opened = await memory.open(clock);
  await commitLives(opened.store, fleet);
});
afterEach(async () => {
  await node.app.close();
  await opened.end();
});

interface FailureLine {
  readonly line: string;
  readonly code: string;
  readonly url: string;
  readonly leftOut: number;
}

function failures(): readonly Pick<FailureLine, 'code' | 'url' | 'leftOut'>[] {
  return node.log
    .map((text) => JSON.parse(text) as FailureLine)
    .filter(({ line }) => line === 'http-failed')
    .map(({ code, url, leftOut }) => ({ code, url, leftOut }));
}

test('a thousand answers of 500 and above are some lines of the log: one for each route and code, and how many were left out', async () => {
  node = await httpOver(opened.store, clock);
  node.changes = { last: () => Promise.reject(new Error('away')), open: node.changes.open };
  const ask = async (url: string, times: number): Promise<void> => {
    for (let count = 0; count < times; count += 1)
      expect((await node.app.inject({ url })).statusCode).toBe(503);
  };
  await ask('/v1/events', 500);
  await ask('/v1/devices/cp-001/events', 500);
  clock.move(FAILURE_LINE_MS);
  await ask('/v1/events', 2);
  expect(failures()).toEqual([
    { code: 'hub-unavailable', url: '/v1/events', leftOut: 0 },
    { code: 'hub-unavailable', url: '/v1/devices/cp-001/events', leftOut: 0 },
    { code: 'hub-unavailable', url: '/v1/events', leftOut: 499 },
  ]);
});

test('whoever asks from several addresses of one machine, or of one block, is one who asks', async () => {
  node = await httpOver(opened.store, clock, { ...OPEN, rateMax: 3 });
  const from = async (remoteAddress: string): Promise<number> =>
    (await node.app.inject({ url: '/v1/fleet', remoteAddress })).statusCode;
  for (const address of ['127.0.0.1', '127.8.0.2', '::1']) expect(await from(address)).toBe(200);
  expect(await from('127.0.0.99')).toBe(429);
  for (const address of ['2001:db8::1', '2001:db8::2', '2001:db8:0:0:ffff::1'])
    expect(await from(address)).toBe(200);
  expect(await from('2001:db8::99')).toBe(429);
  for (const address of ['2001:db8:0:1::1', '192.0.2.1', '::ffff:192.0.2.2'])
    expect(await from(address)).toBe(200);
});
