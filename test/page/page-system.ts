/**
 * A whole Corral for the page to look at: a hub with a site, Postgres, a node that serves the page, and devices.
 */
import type { NatsConnection } from '@nats-io/nats-core';
import { connect } from '@nats-io/transport-node';
import type { App } from '../../src/app.ts';
import { choosePort } from '../../tools/dev/free-port.ts';
import { buildPage, isPageBuilt } from '../../tools/page/build-page.ts';
import { startNode, until } from '../node.ts';
import { RawDevice, type RawDeviceOptions } from '../raw-device.ts';
import { createDatabase, startHub, startSite } from '../servers.ts';

/** The token with which the page may send commands. */
export const OPERATE_TOKEN = 'a-token-for-operating-0123456789';

/** What the page is looked at on. */
export interface PageSystem {
  readonly url: string;
  /** A charge point that was heard, and whose age a round trip bounds. It has been on for an hour. */
  readonly device: (device: string, options?: Partial<RawDeviceOptions>) => Promise<RawDevice>;
  /** What HTTP says of a device, as soon as it is as wanted. */
  readonly untilTwin: (device: string, what: string, isWanted: (twin: SeenTwin) => boolean) => Promise<void>;
  /** The node goes away, and comes back at the same address. */
  readonly stopNode: () => Promise<void>;
  readonly startNode: () => Promise<void>;
  /** The hub is killed, and started again; resolves when the node is ready on it. */
  readonly killHub: () => Promise<void>;
  readonly startHub: () => Promise<void>;
  readonly end: () => Promise<void>;
}

/** What the tests look at in a twin. */
export interface SeenTwin {
  readonly state: string;
  readonly clock: { readonly verified: boolean };
  readonly sequence: { readonly seq: number | null; readonly late: number; readonly missing: number };
}

/** Starts it; the page is built first, when it has to be. */
export async function startPageSystem(): Promise<PageSystem> {
  if (!isPageBuilt()) await buildPage();
  const hub = await startHub();
  const site = await startSite(hub);
  const database = await createDatabase();
  const port = await choosePort({ port: 0, flag: 'the port of the page' });
  const env = { CORRAL_HTTP_PORT: String(port), CORRAL_HTTP_OPERATE_TOKENS: OPERATE_TOKEN };
  const start = (): Promise<App> => startNode({ hub, databaseUrl: database.url, env });
  let app = await start();
  const nats: NatsConnection = await connect({ servers: site.url });
  const url = `http://127.0.0.1:${String(port)}`;

  const untilTwin: PageSystem['untilTwin'] = async (device, what, isWanted) => {
    await until(`${device}: ${what}`, async () => {
      const response = await fetch(`${url}/v1/devices/${device}`);
      const text = await response.text();
      if (response.ok && isWanted(JSON.parse(text) as SeenTwin)) return { done: true };
      return { done: false, seen: text };
    });
  };
  return {
    url,
    untilTwin,
    device: async (name, options = {}) => {
      const device = await RawDevice.start({ nats, device: name, upMs: 3_600_000, ...options });
      await device.report({ kind: 'charge-point' });
      await untilTwin(name, 'its clock is verified', ({ clock }) => clock.verified);
      return device;
    },
    stopNode: () => app.stop(),
    killHub: () => hub.kill(),
    startHub: async () => {
      await hub.start();
      await until('the node is ready again', async () => {
        const response = await fetch(`${url}/readyz`);
        return response.ok ? { done: true } : { done: false, seen: await response.text() };
      });
    },
    startNode: async () => {
      app = await start();
    },
    end: async () => {
      await nats.close();
      await app.stop();
      await site.end();
      await hub.end();
      await database.drop();
    },
  };
}
