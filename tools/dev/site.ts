/** A site of development and tests: the leaf nats-server of `site.conf` on this machine's loopback. */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { DevServerError } from './dev-server-error.ts';
import { quoteLog } from './child-server.ts';
import { developmentPasswords, type SiteName } from './hub.ts';
import { type ConfigVariables, startNatsServer, type NatsServer } from './nats-server.ts';
import { projectFolder } from './project-folders.ts';

/** Which site, and how it reaches the hub. */
export interface SiteOptions {
  /** Log and pid file. */
  readonly dataDir: string;
  /** `host:port` of the hub's leaf listener, or of a proxy before it. */
  readonly hubLeafAddress: string;
  /** Default: `depot`. */
  readonly name?: SiteName;
  /** What the site says at the hub. Default: the password of development. */
  readonly password?: string;
  /** Another configuration than `site.conf`, which takes the same variables, and `variables` besides. */
  readonly configFile?: string;
  readonly variables?: ConfigVariables;
  /** For devices; 0 is any free one, and the default. */
  readonly port?: number;
}

/** A running site. */
export interface Site extends NatsServer<'client'> {
  readonly name: SiteName;
  /** For devices and gateways: no credentials. */
  readonly url: string;
  /** Whether the link to the hub stands, and the hub takes reports through it. */
  readonly isLinked: () => Promise<boolean>;
  /**
   * Waits until `isLinked`.
   *
   * @throws DevServerError `not-started` after `timeoutMs` (default 15 s).
   */
  readonly awaitLink: (timeoutMs?: number) => Promise<void>;
}

const linkTimeoutMs = 15_000;
const pollIntervalMs = 20;

/** The part of `/leafz?subs=1` that tells what the other side of the link wants to hear. */
interface LeafPage {
  readonly leafs?: readonly { readonly subscriptions_list?: readonly string[] }[];
}

/**
 * Starts a site's server and waits until it answers; the link to the hub may come later (`awaitLink`).
 *
 * @throws DevServerError `port-in-use`, `binary-missing`, `data-in-use`, `not-started`.
 */
export async function startSite(options: SiteOptions): Promise<Site> {
  const { dataDir, hubLeafAddress, name = 'depot', port = 0 } = options;
  const { password = developmentPasswords[name], variables = {} } = options;
  const { configFile = join(projectFolder, 'tools/dev/site.conf') } = options;
  const server = await startNatsServer<'client'>({
    name: `site-${name}`,
    configFile,
    dataDir,
    ports: { client: { port, flag: '--site-port' }, monitor: { port: 0, flag: '' } },
    variables: (chosen) => ({
      CORRAL_SITE_NAME: name,
      CORRAL_SITE_LISTEN: `127.0.0.1:${chosen.client}`,
      CORRAL_SITE_MONITOR_LISTEN: `127.0.0.1:${chosen.monitor}`,
      CORRAL_SITE_REMOTE: `nats-leaf://${name}:${password}@${hubLeafAddress}`,
      ...variables,
    }),
  });
  const isLinked = async (): Promise<boolean> => {
    const page = (await server.monitor('/leafz?subs=1')) as LeafPage;
    return (page.leafs ?? []).some((leaf) => leaf.subscriptions_list?.includes('device.*.report') === true);
  };
  return {
    ...server,
    name,
    url: `nats://127.0.0.1:${server.ports.client}`,
    isLinked,
    awaitLink: async (timeoutMs = linkTimeoutMs) => {
      const giveUpAt = performance.now() + timeoutMs;
      while (!(await isLinked())) {
        if (performance.now() > giveUpAt) {
          throw new DevServerError(
            'not-started',
            `The site ${name} had no link to the hub at ${hubLeafAddress} after ${timeoutMs} ms: ${quoteLog(server.logFile)}`,
          );
        }
        await sleep(pollIntervalMs);
      }
    },
  };
}
