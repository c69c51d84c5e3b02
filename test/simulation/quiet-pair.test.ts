/** A healthy pair of nodes through a quiet hour: what stands in their logs at `warn` and above, somebody would have to do something about. */
import { pino } from 'pino';
import { expect, test } from 'vitest';
import { kinds } from '../../machines/kinds.ts';
import { DeviceLog } from '../../src/telemetry/device-log.ts';
import type { HttpApp } from '../../src/http/context.ts';
import { buildHttp } from '../../src/http/server.ts';
import { MemoryBus } from '../../src/memory/bus.ts';
import { MemoryChangeFeed } from '../../src/memory/change-feed.ts';
import { MemoryFeed } from '../../src/memory/feed.ts';
import { MemoryHub } from '../../src/memory/hub.ts';
import { MemoryLink } from '../../src/memory/link.ts';
import { MemoryStore } from '../../src/memory/store.ts';
import { nodeHealth } from '../../src/app/node-health.ts';
import { ClockWatch } from '../../src/runtime/clock-watch.ts';
import { DEFAULT_LIMITS } from '../../src/runtime/limits.ts';
import { Node } from '../../src/runtime/node.ts';
import type { Clock } from '../../src/runtime/ports.ts';
import { createTelemetry } from '../../src/telemetry/telemetry.ts';
import { OPEN, THIS_NODE } from '../contract/http-node.ts';
import { WorldRecord } from './record.ts';
import { NO_TRACE } from './trace.ts';
import { Chance } from './world/chance.ts';
import { Device } from './world/device.ts';
import { Network } from './world/network.ts';
import { Schedule } from './world/schedule.ts';
import { Site, SITE } from './world/site.ts';

const BEGINS = Date.UTC(2026, 0, 5, 6);
const HOUR_MS = 3_600_000;
/** How often something asks whether a node is ready. */
const POLL_MS = 1_000;
const PINO_WARN = 40;

interface Line {
  readonly level: number;
  readonly node: string;
  readonly line?: string;
}

const schedule = new Schedule(BEGINS);
const clock: Clock = {
  now: () => Math.ceil(schedule.now),
  monotonic: () => schedule.now,
  after: (delayMs, work) => schedule.after(delayMs, work),
};
const hub = new MemoryHub(clock);
const { serverErrorMs, clockCheckMs } = DEFAULT_LIMITS;
const store = new MemoryStore({ kinds, clock, serverErrorMs, retentionDays: 30 });
const log: Line[] = [];

/** A node on the hub and the store that all share, and its HTTP side, in memory but for those two ports. */
async function startNode(name: string): Promise<HttpApp> {
  const logger = pino(
    { base: { node: name } },
    { write: (line: string) => void log.push(JSON.parse(line) as Line) },
  );
  const { registry, telemetry } = createTelemetry(logger, new DeviceLog(logger, clock), clock);
  const link = new MemoryLink(clock);
  const clocks = new ClockWatch({
    clock,
    serverErrorMs,
    everyMs: clockCheckMs,
    onChange: () => expect.fail(),
  });
  await clocks.start([{ server: 'hub', now: async () => clock.now() }]);
  const node = new Node({
    node: name,
    kinds,
    clock,
    store,
    telemetry,
    limits: DEFAULT_LIMITS,
    feed: new MemoryFeed({ hub, link, clock }),
    bus: new MemoryBus({ hub, link, clock }),
    clockProblem: () => clocks.problem,
    hubClock: clocks,
  });
  await node.start();
  const connection = { isConnected: () => true };
  const health = nodeHealth({
    store: { serverTime: async () => clock.now() },
    node,
    clocks,
    hub: connection,
    requests: connection,
    streams: { shares: [] },
  });
  return buildHttp({
    fleetReader: store,
    kinds,
    clock,
    health,
    metrics: registry,
    serverErrorMs,
    guards: OPEN,
    logger,
    nodeView: { status: async () => THIS_NODE, messagesAfter: async () => null },
    changes: new MemoryChangeFeed(hub),
    commands: { command: async () => ({ type: 'hub-away' }) },
    forgetting: { forget: async () => ({ type: 'hub-away' }) },
  });
}

/** A device of each kind, on a day on which nothing happens to it. */
function startDevices(): void {
  const chance = new Chance(1);
  const record = new WorldRecord();
  const network = new Network(schedule, chance.fork('network'), record);
  const site = new Site({ schedule, network, record, hub, chance: chance.fork('site') });
  for (const kind of kinds) {
    const device = new Device({
      device: `${kind.name}-1`,
      kind,
      namesKind: true,
      schedule,
      network,
      intake: site,
      record,
      trace: NO_TRACE,
      chance: chance.fork(kind.name),
      died: () => expect.fail(),
    });
    site.connect(device);
    device.switchOn();
  }
}

test('nothing stands in the log that somebody would have to do something about', async () => {
  const statuses = new Map<string, number>();
  const poll = (name: string, app: HttpApp): void => {
    void app.inject('/readyz').then(({ statusCode, body }) => {
      const { status } = JSON.parse(body) as { readonly status: string };
      const seen = `${name} ${statusCode} ${status}`;
      statuses.set(seen, (statuses.get(seen) ?? 0) + 1);
    });
    schedule.after(POLL_MS, () => poll(name, app));
  };
  startDevices();
  for (const name of ['owner', 'standby']) {
    poll(name, await startNode(name));
    await schedule.runUntil(schedule.now + 10 * POLL_MS);
  }
  await schedule.runUntil(BEGINS + HOUR_MS);
  expect(log.filter(({ level }) => level >= PINO_WARN)).toEqual([]);
  // It was a quiet hour of a pair that works, and not of one that does nothing.
  expect(statuses.get('owner 200 ready')).toBeGreaterThan(3_500);
  expect(statuses.get('standby 200 standby')).toBeGreaterThan(3_500);
  expect(log.map(({ node, line }) => `${node} ${line ?? ''}`)).toEqual(
    expect.arrayContaining(['owner partitions-taken', 'owner node-ready', 'standby node-ready']),
  );
  const { twin } = (await store.twin('car-1'))!;
  expect(twin.site).toBe(SITE);
  expect(schedule.now - twin.lastContactAt!).toBeLessThan(2 * 60_000);
});
