/**
 * Brings everything up in order, and down in reverse: Postgres, hub, site, node, fleet.
 */
import { mkdirSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pino from 'pino';
import { type App, startCorral, StartError } from '../../src/app.ts';
import { readConfig } from '../../src/config.ts';
import { openLog } from '../../src/node-log.ts';
import { complain } from '../cli/print.ts';
import { choosePort } from '../dev/free-port.ts';
import { startHub } from '../dev/hub.ts';
import { startPostgres } from '../dev/postgres-server.ts';
import { startSite } from '../dev/site.ts';
import { startFleet } from '../fleet/fleet.ts';
import { buildPage, isPageBuilt } from '../page/build-page.ts';
import { fleetStatus } from './fleet-status.ts';

/** The command line's options; a port of 0 is any free one. */
export interface StartOptions {
  readonly fleet: boolean;
  readonly dataDir: string;
  readonly fresh: boolean;
  readonly httpPort: number;
  readonly natsPort: number;
  readonly leafPort: number;
  readonly sitePort: number;
  readonly postgresPort: number;
}

/** Everything, running. */
export interface Running {
  /** Stops everything in reverse order; what was reported is committed or still in the devices' buffers. */
  stop(): Promise<void>;
}

/** The simulated fleet of `npm start`. */
const FLEET = { chargePoints: 30, cars: 20, kiosks: 3 };
const FLEET_SEED = 1;

/** How long the node may take to read what it knows, and to catch up with the stream, ms. */
const READY_MS = 120_000;

/** How often the fleet's state is shown, ms. */
const STATUS_MS = 15_000;

/** Starts everything; `say` gets a line for each thing that is up. Undoes what it started when one of them fails. */
export async function startAll(options: StartOptions, say: (line: string) => void): Promise<Running> {
  const dataDir = resolve(options.dataDir);
  if (options.fresh) rmSync(dataDir, { recursive: true, force: true });
  mkdirSync(dataDir, { recursive: true });
  const stops: { readonly name: string; readonly stop: () => Promise<void> }[] = [];
  const stop = async (): Promise<void> => {
    for (let last = stops.pop(); last !== undefined; last = stops.pop()) {
      await last.stop();
      say(`${last.name.padEnd(9)} stopped`);
    }
  };
  const started = async <T extends { stop(): Promise<void> }>(
    name: string,
    starting: Promise<T>,
    where: (part: T) => string,
  ): Promise<T> => {
    const part = await starting;
    stops.push({ name, stop: () => part.stop() });
    say(`${name.padEnd(9)} ${where(part)}`);
    return part;
  };
  try {
    const urls = await startParts({ ...options, dataDir }, started, say);
    say(`ready ${JSON.stringify(urls)}`);
    const stopShowing = showStatus(urls.http, say);
    return {
      stop: async () => {
        stopShowing();
        await stop();
      },
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

type Started = <T extends { stop(): Promise<void> }>(
  name: string,
  starting: Promise<T>,
  where: (part: T) => string,
) => Promise<T>;

async function startParts(
  options: StartOptions,
  started: Started,
  say: (line: string) => void,
): Promise<{
  readonly http: string;
  readonly nats: string;
  readonly site: string;
  readonly postgres: string;
}> {
  const { dataDir } = options;
  await upToDatePage();
  const httpPort = await choosePort({ port: options.httpPort, flag: '--http-port' });
  const postgres = await started(
    'postgres',
    startPostgres({ dataDir: join(dataDir, 'postgres'), port: options.postgresPort }),
    (server) => server.url(),
  );
  const hub = await started(
    'hub',
    startHub({ dataDir: join(dataDir, 'hub'), port: options.natsPort, leafPort: options.leafPort }),
    (server) => `${server.url('backend')}, leafs at ${server.leafAddress}`,
  );
  const site = await started(
    'site',
    startSite({ dataDir: join(dataDir, 'site'), hubLeafAddress: hub.leafAddress, port: options.sitePort }),
    (server) => `${server.url}, for devices of ${server.name}`,
  );
  const log = openLog({ level: 'info' }, pino.destination({ dest: join(dataDir, 'node.log'), mkdir: true }));
  const config = readConfig({
    ...process.env,
    CORRAL_NATS_URL: hub.url('runtime'),
    CORRAL_POSTGRES_URL: postgres.url(),
    CORRAL_HTTP_HOST: '127.0.0.1',
    CORRAL_HTTP_PORT: String(httpPort),
  });
  const app = await started(
    'node',
    startCorral(config, log),
    ({ httpUrl }) => `${httpUrl}, log in ${join(dataDir, 'node.log')}`,
  );
  await site.awaitLink();
  await untilReady(app);
  if (options.fleet) await startSimulatedFleet({ siteUrl: site.url, dataDir, started, say });
  return { http: app.httpUrl, nats: hub.url('backend'), site: site.url, postgres: postgres.url() };
}

/** The node serves the page as it was built before the node started. */
async function upToDatePage(): Promise<void> {
  if (isPageBuilt()) return;
  complain('page      building it from src/page');
  await buildPage();
}

async function startSimulatedFleet(options: {
  readonly siteUrl: string;
  readonly dataDir: string;
  readonly started: Started;
  readonly say: (line: string) => void;
}): Promise<void> {
  const { siteUrl, dataDir, started, say } = options;
  const starting = startFleet({ siteUrl, dataDir: join(dataDir, 'fleet'), devices: FLEET, seed: FLEET_SEED });
  const { chargePoints, cars, kiosks } = FLEET;
  const size = `${String(chargePoints)} charge points, ${String(cars)} cars, ${String(kiosks)} kiosks`;
  const fleet = await started('fleet', starting, () => size);
  void fleet.failed.then((error) => {
    say(`fleet     a device ended: ${error.message}`);
  });
}

/** A node that was killed still holds its leases: the next one is ready when they have run out. */
async function untilReady(app: App): Promise<void> {
  const giveUpAt = performance.now() + READY_MS;
  for (;;) {
    const parts = await app.health.check();
    const missing = parts.filter(({ ok, standsBy }) => !ok || standsBy === true);
    if (missing.length === 0) return;
    if (performance.now() > giveUpAt) {
      const what = missing.map(({ part, detail }) => `${part} ${detail}`).join('; ');
      throw new StartError(`The node was not ready after ${String(READY_MS)} ms: ${what}`);
    }
    await sleep(50);
  }
}

/** Shows now and then how the fleet stands, as anybody could ask over HTTP. */
function showStatus(httpUrl: string, say: (line: string) => void): () => void {
  const timer = setInterval(() => {
    fleetStatus(httpUrl).then(say, () => undefined);
  }, STATUS_MS);
  return () => {
    clearInterval(timer);
  };
}
