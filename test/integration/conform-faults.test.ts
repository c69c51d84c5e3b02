/** The conformance kit finds every fault, and blames it on the rule that it breaks. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { connectToHub, type HubConnection } from '../../src/nats/connect.ts';
import { type BenchServer, startBenchServer } from '../../tools/conform/bench-server.ts';
import { conform, type ConformResult } from '../../tools/conform/conform.ts';
import { TRIAL_LIMITS, type TrialLimits } from '../../tools/conform/limits.ts';
import { rules } from '../../tools/conform/rules.ts';
import { ConformDevice, type Spoiling } from './conform-device.ts';
import { deafAfterReconnect, faults } from './conform-faults.ts';

/** Short waits: the devices are on this machine. */
const limits: TrialLimits = {
  ...TRIAL_LIMITS,
  answerMs: 2_000,
  patienceMs: 8_000,
  quietMs: 400,
  holdMs: 800,
  outageReports: 12,
  stepMs: 50,
  drainedMs: 1_500,
};

let server: BenchServer;
let connection: HubConnection;
let devices = 0;

beforeAll(async () => {
  server = await startBenchServer();
  connection = await connectToHub({ url: server.url, name: 'conform' });
});

afterAll(async () => {
  await connection.close();
  await server.end();
});

async function tried(
  spoiling: Spoiling,
  {
    only,
    isServerOurs = false,
  }: { readonly only: readonly string[] | null; readonly isServerOurs?: boolean },
): Promise<ConformResult> {
  devices += 1;
  const device = new ConformDevice({
    device: `faulty-${devices}`,
    url: server.url,
    encoding: 'json',
    spoiling,
  });
  const started: Promise<void>[] = [];
  try {
    return await conform({
      ...{ device: device.device, connection, limits, restart: device.restart, only },
      ownServer: isServerOurs ? server : null,
      // Some of these devices take their first report for delivered, whether or not anybody hears it.
      tell: (event) => {
        if (event.type === 'waiting') started.push(device.start());
      },
    });
  } finally {
    await Promise.all(started);
    await device.stop();
  }
}

const verdicts = ({ rules: judged }: ConformResult): Record<string, string> =>
  Object.fromEntries(
    judged.map(({ rule, verdict, detail }) => [rule, verdict === 'kept' ? verdict : `${verdict}: ${detail}`]),
  );

describe.concurrent('a device that', () => {
  test.each(faults)('$does is told so', async ({ breaks, keeps = [], spoiling }) => {
    const result = await tried(spoiling(), { only: [...breaks, ...keeps] });
    expect(verdicts(result)).toEqual({
      ...Object.fromEntries(breaks.map((rule) => [rule, expect.stringMatching(/^broken: ./) as string])),
      ...Object.fromEntries(keeps.map((rule) => [rule, 'kept'])),
    });
    expect(result.passed).toBe(false);
  });
});

test('a device that is deaf to commands once its connection was lost is told so', async () => {
  const result = await tried(deafAfterReconnect(), {
    only: ['report-answered', 'reconnects'],
    isServerOurs: true,
  });
  expect(verdicts(result)).toEqual({
    'report-answered': 'kept',
    reconnects: expect.stringMatching(/^broken: ./) as string,
  });
});

test('every rule is broken by some fault', () => {
  const broken = new Set(['reconnects', ...faults.flatMap(({ breaks }) => breaks)]);
  expect(rules.map(({ id }) => id).filter((id) => !broken.has(id))).toEqual([]);
});

test('a fault that keeps a device from answering leaves the rest untested, not kept', async () => {
  const silent = faults.find(({ breaks }) => breaks.includes('report-answered'));
  const result = await tried(silent?.spoiling() ?? {}, {
    only: ['report-answered', 'superseded', 'hold-ends'],
  });
  expect(verdicts(result)).toMatchObject({
    superseded: 'not-testable: the device does not answer `report`',
    'hold-ends': 'not-testable: the device does not answer `report`',
  });
});
