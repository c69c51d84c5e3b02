/**
 * A whole Corral for the page to look at: a hub with a site, Postgres, a node that serves the page, and devices. The node is a process of
 * its own, which can be killed, or stand still.
 */
import type { NatsConnection } from '@nats-io/nats-core';
import { connect } from '@nats-io/transport-node';
import { buildPage, isPageBuilt } from '../../tools/page/build-page.ts';
import { until } from '../nodes/node.ts';
import { startLink } from '../servers/link.ts';
import { type NodeProcess, startNodeProcess } from '../nodes/node-process.ts';
import { RawDevice, type RawDeviceOptions } from '../devices/raw-device.ts';
import { createDatabase, startHub, startSite } from '../servers/servers.ts';

/** The token with which the page may send commands. */
export const OPERATE_TOKEN = 'a-token-for-operating-0123456789';

/** What the page is looked at on. */
export interface PageSystem {
  readonly url: string;
  /** A charge point that was heard, and whose age a round trip bounds. It has been on for an hour. */
  readonly device: (device: string, options?: Partial<RawDeviceOptions>) => Promise<RawDevice>;
  /** A charge point that charged so many minutes ago, charges now, and said nothing in between: told by its uptime. */
  readonly silentDevice: (device: string, minutes: number) => Promise<void>;
  /** What HTTP says of a device, as soon as it is as wanted. */
  readonly untilTwin: (device: string, what: string, isWanted: (twin: SeenTwin) => boolean) => Promise<void>;
  /** It comes back at the same address. */
  readonly node: NodeProcess;
  /** The hub is killed, and started again; resolves when the node is ready on it. */
  readonly killHub: () => Promise<void>;
  readonly startHub: () => Promise<void>;
  /** The store neither answers nor goes away, until it is given back. */
  readonly freezeStore: () => void;
  readonly giveStoreBack: () => void;
  /** Nothing of the site's devices reaches the hub any more. */
  readonly cutSite: () => Promise<void>;
  readonly end: () => Promise<void>;
}

/** What the tests look at in a twin. */
export interface SeenTwin {
  readonly state: string;
  readonly clock: { readonly verified: boolean };
  readonly sequence: { readonly seq: number | null; readonly late: number; readonly missing: number };
}

/** Starts it; the page is built first, when it has to be. `env` is more of the node's environment. */
export async function startPageSystem(env: Readonly<Record<string, string>> = {}): Promise<PageSystem> {
  if (!isPageBuilt()) await buildPage();
  const hub = await startHub();
  const site = await startSite(hub);
  const database = await createDatabase();
  const storeLink = await startLink();
  const postgresUrl = new URL(database.url);
  storeLink.leadTo(postgresUrl.host);
  postgresUrl.host = storeLink.address;
  const node = await startNodeProcess({
    hub,
    postgresUrl: postgresUrl.href,
    env: { CORRAL_HTTP_OPERATE_TOKENS: OPERATE_TOKEN, ...env },
  });
  const nats: NatsConnection = await connect({ servers: site.url });
  const url = node.httpUrl;

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
    silentDevice: async (name, minutes) => {
      const device = await RawDevice.start({ nats, device: name, upMs: 7_200_000 });
      const charging = {
        kind: 'charge-point',
        state: 'charging',
        sensors: { cableConnected: true, powerW: 7_400 },
        since: {},
      };
      const before = device.make(charging) as { readonly up: number };
      const after = device.make(charging);
      await device.publish([{ ...before, up: before.up - minutes * 60_000 }, after]);
      await untilTwin(name, 'its clock is verified', ({ clock }) => clock.verified);
    },
    killHub: () => hub.kill(),
    startHub: async () => {
      await hub.start();
      await until('the node is ready again', async () => {
        const response = await fetch(`${url}/readyz`);
        return response.ok ? { done: true } : { done: false, seen: await response.text() };
      });
    },
    node,
    freezeStore: () => storeLink.freeze(),
    giveStoreBack: () => storeLink.heal(),
    cutSite: () => site.end(),
    end: async () => {
      await nats.close();
      node.resume();
      storeLink.heal();
      await node.stop();
      await site.end();
      await hub.end();
      await storeLink.close();
      await database.drop();
    },
  };
}
