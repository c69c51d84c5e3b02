/** A device of the test's own, taken through the kit on a server of its own. */
import { connectToHub } from '../../src/nats/connect.ts';
import { startBenchServer } from '../../tools/conform/bench-server.ts';
import { conform, type ConformOptions, type ConformResult } from '../../tools/conform/conform.ts';
import { TRIAL_LIMITS, type TrialLimits } from '../../tools/conform/limits.ts';
import { ConformDevice, type Spoiling } from './conform-device.ts';

/** Short waits: the devices are on this machine. */
const limits: TrialLimits = {
  ...TRIAL_LIMITS,
  answerMs: 2_000,
  patienceMs: 8_000,
  quietMs: 400,
  holdMs: 800,
  spentMs: 400,
  outageReports: 12,
  stepMs: 50,
  drainedMs: 1_500,
};

let devices = 0;

/** The verdicts of the kit on a device; all rules of the level `full` are tested where nothing else is said. */
export async function tried(
  spoiling: Spoiling,
  {
    heartbeatMs = null,
    ...asked
  }: Partial<Pick<ConformOptions, 'level' | 'only'> & Pick<TrialLimits, 'heartbeatMs'>> = {},
): Promise<ConformResult> {
  devices += 1;
  const server = await startBenchServer();
  const connection = await connectToHub({ url: server.url, name: 'conform' });
  const device = new ConformDevice({
    device: `tried-${devices}`,
    url: server.url,
    encoding: 'json',
    spoiling,
  });
  const started: Promise<void>[] = [];
  try {
    return await conform({
      device: device.device,
      connection,
      limits: { ...limits, heartbeatMs },
      restart: device.restart,
      ownServer: server,
      level: 'full',
      only: null,
      ...asked,
      // Some of these devices take their first report for delivered, whether or not anybody hears it.
      tell: (event) => {
        if (event.type === 'waiting') started.push(device.start());
      },
    });
  } finally {
    await Promise.all(started);
    await device.stop();
    await connection.close();
    await server.end();
  }
}

/** Each rule with its verdict; where that is not `kept` with what was seen. */
export function verdictsOf({ rules }: ConformResult): Record<string, string> {
  return Object.fromEntries(
    rules.map(({ rule, verdict, detail }) => [rule, verdict === 'kept' ? verdict : `${verdict}: ${detail}`]),
  );
}
