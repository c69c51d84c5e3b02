/**
 * A process for a test to kill: an agent whose device changes as fast as its storage takes it, with nobody to deliver to. It
 * says `<boot>/<seq>` on standard output for each report that is stored.
 */
import { startAgent } from '../../src/device/agent.ts';
import { FileStorage } from '../../src/device/file-storage.ts';
import { AGENT_LIMITS } from '../../src/device/limits.ts';
import type { BodyChange } from '../../src/device/ports.ts';
import { uptimeClock } from '../../src/device/uptime-clock.ts';

const [file = ''] = process.argv.slice(2);
let level = 0;
let tell: (change: BodyChange) => void = () => undefined;

const agent = await startAgent({
  device: 'cp-1',
  kind: null,
  encoding: 'msgpack',
  order: 'current-first',
  limits: AGENT_LIMITS,
  clock: uptimeClock(),
  storage: new FileStorage({ file, device: 'cp-1', replaceAtBytes: 50_000 }),
  link: { publish: () => Promise.reject(new Error('deaf')), listen: () => async () => undefined },
  body: {
    read: () => ({ state: 'available', sensors: { level } }),
    judge: () => ({ type: 'refuse', reason: 'busy' }),
    act: async () => ({ outcome: 'done' }),
    wasExecuted: async () => null,
    scan: () => null,
    watch: (changed) => {
      tell = changed;
      return () => undefined;
    },
  },
  tell: (event) => {
    if (event.type !== 'report') return;
    const { boot, seq, sensors } = event.report;
    process.stdout.write(`${boot}/${seq}/${String(sensors.level)}\n`);
  },
});

for (;;) {
  level += 1;
  tell({});
  await agent.settled();
}
