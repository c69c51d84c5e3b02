/**
 * A node in this process that knows other kinds than the usual ones: those whose limits a test can wait for. Its parts are the
 * real ones, put together as `src/app/app.ts` does, without HTTP.
 */
import pino from 'pino';
import { chargePoint } from '../../machines/charge-point.ts';
import type { CommandSpec } from '../../machines/command.ts';
import type { Kind, KindLimits } from '../../machines/kind.ts';
import type { Health } from '../../src/http/health.ts';
import { NatsBus } from '../../src/nats/bus.ts';
import { connectToHub } from '../../src/nats/connect.ts';
import { NatsFeed } from '../../src/nats/feed.ts';
import { SiteStreams } from '../../src/nats/site-streams.ts';
import { prepareHub } from '../../src/nats/hub.ts';
import { nodeHealth } from '../../src/app/node-health.ts';
import { PostgresStore } from '../../src/postgres/store.ts';
import { DEFAULT_LIMITS, type RuntimeLimits } from '../../src/runtime/limits.ts';
import { Node } from '../../src/runtime/node.ts';
import { systemClock } from '../../src/system/system-clock.ts';
import { DeviceLog } from '../../src/telemetry/device-log.ts';
import { createTelemetry } from '../../src/telemetry/telemetry.ts';
import { RIGHT_HUB } from '../../tools/right-hub.ts';
import { until } from './node.ts';
import type { World } from '../servers/world.ts';

/** A charge point for the impatient: the same machine and commands, with other limits. */
export function impatientChargePoint(
  limits: Partial<KindLimits>,
  command: Partial<Pick<CommandSpec, 'startWindowMs' | 'freshWithinMs'>> = {},
): Kind {
  const commands = Object.entries(chargePoint.commands).map(([name, spec]) => {
    const { startWindowMs, freshWithinMs } = { ...spec, ...command };
    const changed = {
      startWindowMs: spec.startWindowMs === null ? null : startWindowMs,
      freshWithinMs: spec.freshWithinMs === null ? null : freshWithinMs,
    };
    return [name, { ...spec, ...changed }] as const;
  });
  return {
    ...chargePoint,
    commands: Object.fromEntries(commands),
    limits: { ...chargePoint.limits, ...limits },
  };
}

/** A running node. */
export interface NodeWithKinds {
  readonly health: Health;
  readonly stop: () => Promise<void>;
}

/** Starts it in a world whose database is migrated, and waits until it is ready; it ends with the world, or before. */
export async function startNodeWithKinds(
  world: World,
  kinds: readonly Kind[],
  limits: Partial<RuntimeLimits> = {},
): Promise<NodeWithKinds> {
  const allLimits = { ...DEFAULT_LIMITS, ...limits };
  const { serverErrorMs } = allLimits;
  const store = new PostgresStore({
    connectionString: world.databaseUrl,
    kinds,
    clock: systemClock,
    serverErrorMs,
  });
  const hub = await connectToHub({ url: world.hub.url('runtime'), name: 'node-with-kinds' });
  await prepareHub(hub);
  const bus = new NatsBus({ hub, requests: hub, onNotice: () => undefined });
  const streams = new SiteStreams({ hub });
  await streams.start();
  const feed = new NatsFeed({ hub, streams, onNotice: () => undefined });
  const log = pino({ level: 'silent' });
  const { telemetry } = createTelemetry(log, new DeviceLog(log, systemClock), systemClock);
  const node = new Node({
    node: 'node-with-kinds',
    kinds,
    clock: systemClock,
    store,
    feed,
    bus,
    limits: allLimits,
    telemetry,
    clockProblem: () => null,
    hubClock: RIGHT_HUB,
  });
  await node.start();
  let stopped: Promise<void> | null = null;
  const stopAll = async (): Promise<void> => {
    await node.stop();
    bus.stop();
    await streams.stop();
    await hub.close();
    await store.close();
  };
  const stop = (): Promise<void> => (stopped ??= stopAll());
  world.add(stop);
  const health = nodeHealth({
    streams: { shares: [] },
    store,
    hub,
    requests: hub,
    node,
    clocks: { isTimeKnown: true, problem: null, differences: [] },
  });
  await untilReady(health);
  return { health, stop };
}

/** Waits until a node can do its work. */
export async function untilReady(health: Health): Promise<void> {
  await until('the node is ready', async () => {
    const missing = (await health.check()).filter(({ ok, standsBy }) => !ok || standsBy === true);
    return { done: missing.length === 0, seen: JSON.stringify(missing) };
  });
}
