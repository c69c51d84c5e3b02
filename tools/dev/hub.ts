/** The hub of development and tests: `nats.conf` on this machine's loopback. */
import { join } from 'node:path';
import type { PortRequest } from './free-port.ts';
import { type ConfigVariables, startNatsServer, type NatsServer } from './nats-server.ts';
import { projectFolder } from './project-folders.ts';

/** The sites that `nats.conf` defines. */
export type SiteName = 'depot' | 'harbour';

/** The users that `nats.conf` defines. */
export type HubUser = 'runtime' | 'operator' | 'warden' | 'backend' | 'booking' | 'engineer' | SiteName;

/**
 * The passwords of development, one per user. A hub with these listens on loopback only; a real one is given its
 * passwords by whoever runs it.
 */
export const developmentPasswords: Readonly<Record<HubUser, string>> = {
  runtime: 'runtime',
  operator: 'operator',
  warden: 'warden',
  backend: 'backend',
  booking: 'booking',
  engineer: 'engineer',
  depot: 'depot',
  harbour: 'harbour',
};

/** Where the hub runs. */
export interface HubOptions {
  /** Store, log and pid file. */
  readonly dataDir: string;
  /** For clients; 0 is any free one, and the default. */
  readonly port?: number;
  /** For leafs; 0 is any free one, and the default. */
  readonly leafPort?: number;
  /** `host:port` that leafs are told to reconnect to; default: the leaf port itself. */
  readonly leafAdvertise?: string;
  /** Another configuration than `nats.conf`, which takes the same variables, and `variables` besides. */
  readonly configFile?: string;
  readonly variables?: ConfigVariables;
}

/** A running hub. */
export interface Hub extends NatsServer<'client' | 'leaf'> {
  /** With the user's credentials: `nats://backend:backend@127.0.0.1:4222`. */
  readonly url: (user: HubUser) => string;
  /** `host:port` where leafs connect. */
  readonly leafAddress: string;
}

/**
 * Starts a hub, and waits until it answers.
 *
 * @throws DevServerError `port-in-use`, `binary-missing`, `data-in-use`, `not-started`.
 */
export async function startHub(options: HubOptions): Promise<Hub> {
  const { dataDir, port = 0, leafPort = 0, leafAdvertise, variables = {} } = options;
  const { configFile = join(projectFolder, 'nats.conf') } = options;
  const ports: Record<'client' | 'leaf' | 'monitor', PortRequest> = {
    client: { port, flag: '--nats-port' },
    leaf: { port: leafPort, flag: '--leaf-port' },
    monitor: { port: 0, flag: '' },
  };
  const server = await startNatsServer({
    name: 'hub',
    configFile,
    dataDir,
    ports,
    variables: (chosen) => ({
      CORRAL_HUB_LISTEN: `127.0.0.1:${chosen.client}`,
      CORRAL_HUB_MONITOR_LISTEN: `127.0.0.1:${chosen.monitor}`,
      CORRAL_HUB_STORE_DIR: join(dataDir, 'store'),
      CORRAL_HUB_LEAF_LISTEN: `127.0.0.1:${chosen.leaf}`,
      CORRAL_HUB_LEAF_ADVERTISE: leafAdvertise ?? `127.0.0.1:${chosen.leaf}`,
      CORRAL_RUNTIME_PASSWORD: developmentPasswords.runtime,
      CORRAL_OPERATOR_PASSWORD: developmentPasswords.operator,
      CORRAL_WARDEN_PASSWORD: developmentPasswords.warden,
      CORRAL_BACKEND_PASSWORD: developmentPasswords.backend,
      CORRAL_BOOKING_PASSWORD: developmentPasswords.booking,
      CORRAL_ENGINEER_PASSWORD: developmentPasswords.engineer,
      CORRAL_SITE_DEPOT_PASSWORD: developmentPasswords.depot,
      CORRAL_SITE_HARBOUR_PASSWORD: developmentPasswords.harbour,
      ...variables,
    }),
  });
  return {
    ...server,
    url: (user) => `nats://${user}:${developmentPasswords[user]}@127.0.0.1:${server.ports.client}`,
    leafAddress: `127.0.0.1:${server.ports.leaf}`,
  };
}
