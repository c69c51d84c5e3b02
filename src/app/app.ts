/**
 * Puts a node together: parts are built here and passed down, started in order, and stopped in reverse.
 *
 *   hub (NATS) -> feed -> node (twins) -> store (Postgres)
 *                 bus  <-                  archive -> http, fleet.find
 */
import type { Logger } from 'pino';
import { kinds } from '../../machines/kinds.ts';
import { natsRequester } from '../client/nats-requester.ts';
import { commandGateway, forgetGateway } from './hub-command-port.ts';
import type { Config } from './config.ts';
import { DeviceLog } from '../telemetry/device-log.ts';
import { registerFleetMetrics } from '../telemetry/fleet-metrics.ts';
import type { HttpContext } from '../http/context.ts';
import type { Health } from '../http/health.ts';
import { buildHttp } from '../http/server.ts';
import { writeEvent } from '../telemetry/log-events.ts';
import { NatsBus } from '../nats/bus.ts';
import { NatsChangeFeed } from '../nats/change-feed.ts';
import { connectToHub, type HubConnection, ownInbox } from '../nats/connect.ts';
import { ConsumerWatch } from '../nats/consumer-watch.ts';
import { NatsFeed } from '../nats/feed.ts';
import { hubTime } from '../nats/hub-time.ts';
import { prepareHub } from '../nats/hub.ts';
import { serveLogLevels } from '../nats/log-levels.ts';
import { messagesAfter } from '../nats/messages-after.ts';
import { OwnStreams } from '../nats/own-streams.ts';
import { serveCorral } from '../nats/service.ts';
import { SiteStreams } from '../nats/site-streams.ts';
import { lastSequences } from '../nats/stream-state.ts';
import { nodeHealth } from './node-health.ts';
import { nodeView } from './node-view.ts';
import { migrate } from '../postgres/migrate.ts';
import { PostgresStore } from '../postgres/store.ts';
import { ClockWatch } from '../runtime/clock-watch.ts';
import { findHandler } from '../runtime/find.ts';
import { DEFAULT_LIMITS, type RuntimeLimits } from '../runtime/limits.ts';
import { Node } from '../runtime/node.ts';
import type { Clock } from '../runtime/ports.ts';
import { KEPT_BYTES_MAX, SharedChanges } from '../runtime/shared-changes.ts';
import { StreamWatch } from './stream-watch.ts';
import { systemClock } from '../system/system-clock.ts';
import { logSetup } from '../setup/start-checks.ts';
import { createTelemetry, type NodeTelemetry } from '../telemetry/telemetry.ts';

/** The node cannot start for a reason an operator can act on: one sentence. */
export class StartError extends Error {
  override readonly name = 'StartError';
}

/** A running node. */
export interface App {
  /** Where HTTP listens: `http://127.0.0.1:4800`. */
  readonly httpUrl: string;
  readonly health: Health;
  /** Commits what is decided, publishes it, gives the leases back, and closes everything. Idempotent. */
  stop(): Promise<void>;
}

/** How often the store keeps house (partitions of the history ahead, and retention), ms. */
const MAINTENANCE_MS = 3_600_000;

/** Goes out with the service protocol; the package's own version. */
const VERSION = '0.1.0';

/**
 * Starts a node; `changedLimits` come before what the configuration says. Rejects with `StartError`, `ConnectError` or `HubError`, each
 * one sentence, and leaves nothing running.
 */
export async function startCorral(
  config: Config,
  log: Logger,
  changedLimits: Partial<RuntimeLimits> = {},
  machineClock: Clock = systemClock,
): Promise<App> {
  const { unregisteredDevicesMax } = config;
  const limits = { ...DEFAULT_LIMITS, unregisteredDevicesMax, ...changedLimits };
  const clock = new ClockWatch({
    clock: machineClock,
    serverErrorMs: limits.serverErrorMs,
    everyMs: limits.clockCheckMs,
    onChange: ({ differs, ...difference }) =>
      writeEvent(log, differs ? 'clock-differs' : 'clock-agrees', difference),
  });
  const stops: (() => Promise<void> | void)[] = [];
  const stopAll = async (): Promise<void> => {
    for (let stop = stops.pop(); stop !== undefined; stop = stops.pop()) await stop();
  };
  try {
    return await startParts({ config, log, limits, clock, stops, stopAll });
  } catch (error) {
    await stopAll();
    throw error;
  }
}

interface Assembly {
  readonly config: Config;
  readonly log: Logger;
  readonly limits: RuntimeLimits;
  /** What time it is, for every part of the node. */
  readonly clock: ClockWatch;
  /** What to undo, in the order it was done. */
  readonly stops: (() => Promise<void> | void)[];
  readonly stopAll: () => Promise<void>;
}

async function startParts(assembly: Assembly): Promise<App> {
  const { config, log, limits, clock, stops, stopAll } = assembly;
  const devices = new DeviceLog(log, clock);
  const nodeTelemetry = createTelemetry(log, devices, clock);
  const store = await openStore(assembly);
  const hub = await openConnection(assembly, nodeTelemetry, 'hub');
  await prepareHub(hub, {
    allowOldHub: config.allowOldHub,
    onNotice: (notice) => nodeTelemetry.notice('streams', notice),
  });
  stops.push(() => clock.stop());
  await logSetup(config, { hub, log });
  await clock.start([hubTime(hub), { server: 'store', now: () => store.serverTime() }]);
  const requests = await openConnection(assembly, nodeTelemetry, 'requests');
  const bus = new NatsBus({ hub, requests, onNotice: (notice) => nodeTelemetry.notice('bus', notice) });
  stops.push(() => {
    bus.stop();
  });
  const streams = await keepStreams(assembly, { hub, store, telemetry: nodeTelemetry });
  const node = await startNode(assembly, { store, hub, bus, streams, telemetry: nodeTelemetry });
  const watch = startWatches(assembly, { store, hub, node, telemetry: nodeTelemetry });
  const find = findHandler({ fleetReader: store.finds, kinds, clock, limits });
  stops.push(
    serveCorral({
      hub: requests,
      bus,
      find,
      instance: config.node,
      version: VERSION,
      startedAt: clock.now(),
    }),
  );
  stops.push(serveLogLevels({ hub: requests, apply: logLevels(config.node, devices) }));
  registerFleetMetrics({
    registry: nodeTelemetry.registry,
    census: store,
    clock,
    log,
    status: () => node.status,
    clocks: () => clock.differences,
    streamSequences: () => lastSequences(hub),
    messagesAfter: (undecided, last) => messagesAfter(hub, undecided, last),
    streamShares: () => watch.shares.map(({ share }) => share),
  });
  const health = nodeHealth({ store, hub, requests, node, clocks: clock, streams: watch });
  const view = nodeView({ name: config.node, node, hub, metrics: nodeTelemetry.registry });
  const httpUrl = await serveHttp(assembly, {
    store,
    health,
    nodeView: view,
    nodeTelemetry,
    changes: new NatsChangeFeed({ hub, onNotice: (notice) => nodeTelemetry.notice('changes', notice) }),
    commands: commandGateway(natsRequester(hub)),
    forgetting: forgetGateway(natsRequester(hub)),
  });
  let stopping: Promise<void> | null = null;
  return { httpUrl, health, stop: () => (stopping ??= stopAll()) };
}

/** What the node and those who watch its streams are made of. */
interface NodeParts {
  readonly store: PostgresStore;
  readonly hub: HubConnection;
  readonly telemetry: NodeTelemetry;
}

async function startNode(
  { config, limits, clock, stops }: Assembly,
  parts: NodeParts & { readonly bus: NatsBus; readonly streams: SiteStreams },
): Promise<Node> {
  const { store, hub, bus, streams, telemetry } = parts;
  const feed = new NatsFeed({
    hub,
    clock,
    streams,
    onNotice: (notice) => telemetry.notice('feed', notice),
  });
  const node = new Node({
    node: config.node,
    kinds,
    clock,
    store,
    feed,
    bus,
    limits,
    telemetry: telemetry.telemetry,
    clockProblem: () => clock.problem,
    hubClock: clock,
  });
  stops.push(() => node.stop());
  await node.start();
  return node;
}

/** Watches how full the streams are, and what reads them. */
function startWatches(
  { log, stops }: Assembly,
  { store, hub, node, telemetry }: NodeParts & { readonly node: Node },
): StreamWatch {
  const watch = new StreamWatch({ hub, store, node, log });
  watch.start();
  stops.push(() => watch.stop());
  const consumers = new ConsumerWatch({ hub, onNotice: (notice) => telemetry.notice('changes', notice) });
  consumers.start();
  stops.push(() => consumers.stop());
  return watch;
}

/** Sets a device's log level, where one is given, and tells what it has then. */
function logLevels(node: string, devices: DeviceLog): Parameters<typeof serveLogLevels>[0]['apply'] {
  return (device, request) => {
    const own = request === null ? devices.levelOf(device) : devices.setLevel(device, request.level, request);
    return { node, level: own?.level ?? null, until: own?.until ?? null };
  };
}

/** Keeps the streams on the hub, for as long as the node runs; those of the sites are what it reads. */
async function keepStreams(
  { config, stops }: Assembly,
  parts: { readonly hub: HubConnection; readonly store: PostgresStore; readonly telemetry: NodeTelemetry },
): Promise<SiteStreams> {
  const { hub, store, telemetry } = parts;
  const onNotice = (notice: { readonly type: string }): void => telemetry.notice('streams', notice);
  const streams = new SiteStreams({
    hub,
    onNotice,
    bytes: config.siteStreamBytes,
    otherSites: () => otherSites(config, store),
  });
  stops.push(() => streams.stop());
  await streams.start();
  const own = new OwnStreams({ hub, onNotice });
  stops.push(() => own.stop());
  own.start();
  return streams;
}

/** Sites that are known without the hub: those of registered and heard devices, and those that the configuration names. */
async function otherSites({ sites }: Config, store: PostgresStore): Promise<readonly string[]> {
  return [...new Set([...sites, ...(await store.sites())])];
}

async function openStore({ config, log, limits, clock, stops }: Assembly): Promise<PostgresStore> {
  const unusable = (error: unknown): never => {
    const { host } = new URL(config.postgresUrl);
    throw new StartError(`Postgres at ${host} cannot be used: ${messageOf(error)}`, { cause: error });
  };
  await migrate(config.postgresUrl).catch(unusable);
  const { serverErrorMs } = limits;
  const store = new PostgresStore({
    connectionString: config.postgresUrl,
    kinds,
    clock,
    serverErrorMs,
    onNotice: ({ type, ...fields }) => writeEvent(log, type, fields),
  });
  stops.push(() => store.close());
  await store.maintain(clock.now()).catch(unusable);
  const timer = setInterval(() => {
    store.maintain(clock.now()).catch((error: unknown) => {
      writeEvent(log, 'store-housekeeping-failed', { err: error });
    });
  }, MAINTENANCE_MS);
  stops.push(() => {
    clearInterval(timer);
  });
  return store;
}

/**
 * Connects to the hub: `hub` is what reports are read and commands are sent on, `requests` what backends ask on. Whatever happens to
 * the connection is told.
 */
async function openConnection(
  { config, log, stops }: Assembly,
  telemetry: NodeTelemetry,
  connection: 'hub' | 'requests',
): Promise<HubConnection> {
  const { natsUrl: url, natsSecurity: security, node } = config;
  const name = connection === 'hub' ? `corral ${node}` : `corral ${node} requests`;
  const hub = await connectToHub({ url, security, name, inboxPrefix: ownInbox(url, security) });
  stops.push(() => hub.close());
  const unlisten = [
    hub.onChange((isConnected) => {
      writeEvent(log, isConnected ? 'hub-back' : 'hub-away', { connection });
    }),
    hub.onServerError((error) => {
      writeEvent(log, 'hub-refused', { connection, err: error });
    }),
    hub.onTrouble((trouble) => telemetry.notice(connection, trouble)),
  ];
  stops.push(() => {
    for (const stop of unlisten) stop();
  });
  return hub;
}

async function serveHttp(
  { config, log, limits, clock, stops }: Assembly,
  parts: Pick<HttpContext, 'health' | 'nodeView' | 'changes' | 'commands' | 'forgetting'> & {
    readonly store: PostgresStore;
    readonly nodeTelemetry: NodeTelemetry;
  },
): Promise<string> {
  const { store, nodeTelemetry, changes: feed, ...others } = parts;
  const http = await buildHttp({
    ...others,
    changes: new SharedChanges({ feed, clock, keptBytesMax: KEPT_BYTES_MAX }),
    fleetReader: store,
    kinds,
    clock,
    metrics: nodeTelemetry.registry,
    serverErrorMs: limits.serverErrorMs,
    logger: log,
    guards: config.httpGuards,
  });
  stops.push(() => http.close());
  const { httpHost: host, httpPort: port } = config;
  return http.listen({ host, port }).catch((error: unknown) => {
    throw new StartError(`HTTP cannot listen on ${host}:${String(port)}: ${messageOf(error)}`, {
      cause: error,
    });
  });
}

function messageOf(error: unknown): string {
  // A refused connection to a name with several addresses is an AggregateError without a message of its own.
  if (error instanceof AggregateError) return error.errors.map(messageOf).join('; ');
  return error instanceof Error ? error.message : String(error);
}
