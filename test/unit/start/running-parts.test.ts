/**
 * How everything that `npm start` runs is stopped: each part in its time, and whoever waits is told for what.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { type RunningPart, RunningParts } from '../../../tools/start/running-parts.ts';

const LIMIT_MS = 2_400;

const never = (): Promise<void> => new Promise(() => undefined);

function partOf(name: string, stop: () => Promise<void>): RunningPart {
  return { name, stop, waitsFor: () => Promise.resolve(`${name} waits for something that is gone`) };
}

test('a part that never ends leaves the others their time, is told of, and the stop is not whole', async () => {
  const told: string[] = [];
  const parts = new RunningParts((line) => told.push(line));
  await parts.add(
    partOf('first', async () => {
      await sleep(50);
    }),
  );
  await parts.add(partOf('stuck', never));
  expect(await parts.stop(LIMIT_MS)).toBe(false);
  expect(told).toEqual([
    expect.stringMatching(/^stuck .*stuck waits for something that is gone$/),
    expect.stringMatching(/^stuck .*did not stop within 1\.2 s, and is ended$/),
    expect.stringMatching(/^first +stopped$/),
  ]);
});

test('a part that fails to stop is told of, and the stop is not whole', async () => {
  const told: string[] = [];
  const parts = new RunningParts((line) => told.push(line));
  await parts.add(partOf('first', () => Promise.resolve()));
  await parts.add(partOf('broken', () => Promise.reject(new Error('its folder is gone'))));
  expect(await parts.stop(LIMIT_MS)).toBe(false);
  expect(told).toEqual([
    expect.stringMatching(/^broken .*its folder is gone$/),
    expect.stringMatching(/^first +stopped$/),
  ]);
});

test('what is started while everything is being stopped is stopped as well', async () => {
  const parts = new RunningParts(() => undefined);
  expect(await parts.stop(LIMIT_MS)).toBe(true);
  let isStopped = false;
  const late = partOf('late', async () => {
    isStopped = true;
  });
  await expect(parts.add(late)).rejects.toThrow('late was started while everything is being stopped');
  expect(isStopped).toBe(true);
});
