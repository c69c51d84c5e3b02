/** Brings everything up in order: Postgres, hub, site, node, fleet. */
import { setTimeout as sleep } from 'node:timers/promises';
import pino from 'pino';
import { type App, startCorral, StartError } from '../../src/app/app.ts';
import { type Config, readConfig } from '../../src/app/config.ts';
import { whatIsMissing } from '../../src/app/node-health.ts';
import { openLog } from '../../src/telemetry/node-log.ts';
import { complain } from '../cli/print.ts';
import { choosePort } from '../dev/free-port.ts';
import { startHub } from '../dev/hub.ts';
import { findNatsServer } from '../dev/nats-server-binary.ts';
import { findPostgres } from '../dev/postgres-binaries.ts';
import { startPostgres } from '../dev/postgres-server.ts';
import { startSite } from '../dev/site.ts';
import { startFleet } from '../fleet/fleet.ts';
import { buildPage, isPageBuilt } from '../page/build-page.ts';
import { DataFolder } from './data-folder.ts';
import type { RunningParts } from './running-parts.ts';

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

/** Where everything can be reached: HTTP, the hub for backends, the site for devices, Postgres. */
export interface Urls {
  readonly http: string;
  readonly nats: string;
  readonly site: string;
  readonly postgres: string;
}

/** The simulated fleet of `npm start`. */
const FLEET = { chargePoints: 30, cars: 20, kiosks: 3 };
const FLEET_SEED = 1;

/** How long the node may take to read what it knows, and to catch up with the stream, ms. */
const READY_MS = 120_000;

/**
 * Starts everything: `parts` learns what runs, `say` gets a line for each. What can be checked is checked before anything is deleted or
 * started; where a part fails, those before it run on until whoever asked stops them.
 *
 * @throws DevServerError, ConfigError, ConnectError, HubError, StartError: each one sentence.
 */
export async function startAll(
  options: StartOptions,
  parts: RunningParts,
  say: (line: string) => void,
): Promise<Urls> {
  const folder = DataFolder.open(options.dataDir);
  await folder.endOrphans();
  await checkWhatIsNeeded(options);
  if (options.fresh) {
    const others = folder.makeFresh();
    if (others.length > 0)
      say(`data      kept what npm start did not make in ${folder.path}: ${others.join(', ')}`);
  }
  return startParts({ options, folder, parts, say });
}

/** The configuration of a node: the environment's, but for the servers that are started here. Throws a ConfigError. */
export function nodeConfig({ natsUrl, postgresUrl, httpPort }: Servers): Config {
  return readConfig({
    ...process.env,
    CORRAL_NATS_URL: natsUrl,
    CORRAL_POSTGRES_URL: postgresUrl,
    CORRAL_HTTP_HOST: '127.0.0.1',
    CORRAL_HTTP_PORT: String(httpPort),
  });
}

/** The servers of a node, where they listen. */
interface Servers {
  readonly natsUrl: string;
  readonly postgresUrl: string;
  readonly httpPort: number;
}

/** What every step of a start needs. */
interface Starting {
  readonly options: StartOptions;
  readonly folder: DataFolder;
  readonly parts: RunningParts;
  readonly say: (line: string) => void;
}

/** Ports, programs, the configuration and the page: whatever a start may fail of, as far as it can be known before. */
async function checkWhatIsNeeded(options: StartOptions): Promise<void> {
  const { httpPort, natsPort, leafPort, sitePort, postgresPort } = options;
  await choosePort({ port: httpPort, flag: '--http-port' });
  await choosePort({ port: natsPort, flag: '--nats-port' });
  await choosePort({ port: leafPort, flag: '--leaf-port' });
  await choosePort({ port: sitePort, flag: '--site-port' });
  await choosePort({ port: postgresPort, flag: '--postgres-port' });
  findPostgres();
  await findNatsServer();
  await upToDatePage();
}

async function startParts(starting: Starting): Promise<Urls> {
  const { options, folder } = starting;
  const httpPort = await choosePort({ port: options.httpPort, flag: '--http-port' });
  const postgres = await started(starting, {
    name: 'postgres',
    starting: startPostgres({ dataDir: folder.of('postgres'), port: options.postgresPort }),
    where: (server) => server.url(),
    waitsFor: itsProcess,
  });
  const hub = await started(starting, {
    name: 'hub',
    starting: startHub({
      dataDir: folder.of('hub'),
      port: options.natsPort,
      leafPort: options.leafPort,
    }),
    where: (server) => `${server.url('backend')}, leafs at ${server.leafAddress}`,
    waitsFor: itsProcess,
  });
  const site = await started(starting, {
    name: 'site',
    starting: startSite({
      dataDir: folder.of('site'),
      hubLeafAddress: hub.leafAddress,
      port: options.sitePort,
    }),
    where: (server) => `${server.url}, for devices of ${server.name}`,
    waitsFor: itsProcess,
  });
  const logFile = folder.of('node.log');
  const log = openLog({ level: 'info' }, pino.destination({ dest: logFile, mkdir: true }));
  const config = nodeConfig({ natsUrl: hub.url('runtime'), postgresUrl: postgres.url(), httpPort });
  const app = await started(starting, {
    name: 'node',
    starting: startCorral(config, log),
    where: ({ httpUrl }) => `${httpUrl}, log in ${logFile}`,
    waitsFor: ({ health }) => whatIsMissing(health),
  });
  await site.awaitLink();
  await untilReady(app);
  if (options.fleet) await startSimulatedFleet(starting, site.url);
  return { http: app.httpUrl, nats: hub.url('backend'), site: site.url, postgres: postgres.url() };
}

/** The node serves the page as it was built before the node started. */
async function upToDatePage(): Promise<void> {
  if (isPageBuilt()) return;
  complain('page      building it from src/page');
  await buildPage();
}

async function startSimulatedFleet(starting: Starting, siteUrl: string): Promise<void> {
  const { folder, say } = starting;
  const { chargePoints, cars, kiosks } = FLEET;
  const fleet = await started(starting, {
    name: 'fleet',
    starting: startFleet({ siteUrl, dataDir: folder.of('fleet'), devices: FLEET, seed: FLEET_SEED }),
    where: () => `${String(chargePoints)} charge points, ${String(cars)} cars, ${String(kiosks)} kiosks`,
    waitsFor: async () => 'its devices store what they could not deliver',
  });
  void fleet.failed.then((error) => {
    say(`fleet     a device ended: ${error.message}`);
  });
}

/** Waits for a part to be up, remembers how to stop it, and says where it is. */
async function started<Part extends { stop(): Promise<void> }>(
  { parts, say }: Starting,
  step: {
    readonly name: string;
    readonly starting: Promise<Part>;
    readonly where: (part: Part) => string;
    /** What its stop waits for. */
    readonly waitsFor: (part: Part) => Promise<string>;
  },
): Promise<Part> {
  const { name, where, waitsFor } = step;
  const part = await step.starting;
  await parts.add({ name, stop: () => part.stop(), waitsFor: () => waitsFor(part) });
  say(`${name.padEnd(9)} ${where(part)}`);
  return part;
}

async function itsProcess({ pid }: { readonly pid: () => number }): Promise<string> {
  return `its process ${String(pid())} has not ended yet`;
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
