/**
 * Everything around a node, for tests that do harm to it: a hub, a site whose link can be cut, a database, a gateway and a
 * backend. Each test has a world of its own, so that what one has broken disturbs no other.
 */
import type { NatsConnection } from '@nats-io/nats-core';
import { connect } from '@nats-io/transport-node';
import type { App } from '../../src/app/app.ts';
import type { RuntimeLimits } from '../../src/runtime/limits.ts';
import type { Hub } from '../../tools/dev/hub.ts';
import type { PostgresServer } from '../../tools/dev/postgres-server.ts';
import type { Site } from '../../tools/dev/site.ts';
import { type DatabaseEye, openEye } from '../contract/database-eye.ts';
import { type Link, startLink } from './link.ts';
import { LoadedFleet } from '../devices/loaded-fleet.ts';
import { startNode } from '../nodes/node.ts';
import { type NodeProcess, type NodeProcessOptions, startNodeProcess } from '../nodes/node-process.ts';
import { RawBackend } from '../callers/raw-backend.ts';
import { RawDevice, type RawDeviceOptions } from '../devices/raw-device.ts';
import {
  createDatabase,
  type KeptStore,
  startHub,
  startSite,
  type Temporary,
  type TestHubOptions,
} from './servers.ts';

/** See `World.startWays`. */
export interface Ways {
  readonly toStore: Link;
  readonly toHub: Link;
  readonly databaseUrl: string;
  /** With the login of a node. */
  readonly natsUrl: string;
}

/** A world that is whole, until a test does something about it. */
export class World {
  /** Between the site's leaf and the hub. */
  readonly link: Link;
  readonly hub: Hub & KeptStore;
  readonly site: Site;
  readonly databaseUrl: string;
  readonly eye: DatabaseEye;
  /** Of the site's devices. */
  readonly gateway: NatsConnection;
  readonly backend: RawBackend;
  readonly #ends: (() => Promise<unknown>)[];
  #devices = 0;

  /** Brings it up. With a `postgres` of its own, it may be stopped and started; nothing is migrated in it before a node does. */
  static async start({
    postgres,
    hub: hubOptions = {},
  }: {
    readonly postgres?: PostgresServer & Temporary;
    readonly hub?: Omit<TestHubOptions, 'link'>;
  } = {}): Promise<World> {
    const ends: (() => Promise<unknown>)[] = [];
    if (postgres !== undefined) ends.push(() => postgres.end());
    const link = await startLink();
    ends.push(() => link.close());
    const hub = await startHub({ ...hubOptions, link });
    ends.push(() => hub.end());
    const site = await startSite(hub, { link });
    ends.push(() => site.end());
    const database = postgres === undefined ? await createDatabase() : null;
    ends.push(async () => database?.drop());
    const databaseUrl = database?.url ?? postgres!.url();
    const eye = await openEye(databaseUrl);
    ends.push(() => eye.close());
    const gateway = await connect({ servers: site.url, maxReconnectAttempts: -1, reconnectTimeWait: 100 });
    ends.push(() => gateway.close());
    const backend = await RawBackend.connect(hub);
    ends.push(() => backend.close());
    return new World({ link, hub, site, databaseUrl, eye, gateway, backend }, ends);
  }

  private constructor(
    parts: Pick<World, 'link' | 'hub' | 'site' | 'databaseUrl' | 'eye' | 'gateway' | 'backend'>,
    ends: (() => Promise<unknown>)[],
  ) {
    this.link = parts.link;
    this.hub = parts.hub;
    this.site = parts.site;
    this.databaseUrl = parts.databaseUrl;
    this.eye = parts.eye;
    this.gateway = parts.gateway;
    this.backend = parts.backend;
    this.#ends = ends;
  }

  /** Something else that has to be ended with the world, before what was there before it. */
  add(end: () => Promise<unknown>): void {
    this.#ends.push(end);
  }

  /** Ways by which a node reaches the database and the hub, and nobody else does: each can be cut. */
  async startWays(): Promise<Ways> {
    const [toStore, toHub] = [await startLink(), await startLink()];
    for (const way of [toStore, toHub]) this.add(() => way.close());
    const [database, hub] = [new URL(this.databaseUrl), new URL(this.hub.url('runtime'))];
    toStore.leadTo(database.host);
    toHub.leadTo(hub.host);
    database.host = toStore.address;
    hub.host = toHub.address;
    return { toStore, toHub, databaseUrl: database.href, natsUrl: hub.href };
  }

  /** A node in this process; with a `databaseUrl`, on another way to the database. */
  async hostNode(limits: Partial<RuntimeLimits> = {}, databaseUrl = this.databaseUrl): Promise<App> {
    const node = await startNode({ hub: this.hub, databaseUrl, limits });
    this.add(() => node.stop());
    return node;
  }

  /** A node as a process of its own. */
  async startNode(options: Partial<NodeProcessOptions> = {}): Promise<NodeProcess> {
    const node = await startNodeProcess({ hub: this.hub, postgresUrl: this.databaseUrl, ...options });
    this.add(async () => {
      node.resume();
      await node.kill();
    });
    return node;
  }

  /** Reference agents behind the site. */
  async startFleet(count: number): Promise<LoadedFleet> {
    const fleet = await LoadedFleet.start({ site: this.site, count, prefix: 'cp' });
    this.add(() => fleet.stop());
    return fleet;
  }

  /** A device written by hand, behind the site; it has not said anything yet. */
  async newDevice(options: Partial<RawDeviceOptions> = {}): Promise<RawDevice> {
    this.#devices += 1;
    return RawDevice.start({ nats: this.gateway, device: `raw-${String(this.#devices)}`, ...options });
  }

  /** A device that the node has heard, and whose age is bounded by a round trip. */
  async knownDevice(options: Partial<RawDeviceOptions> = {}): Promise<RawDevice> {
    const device = await this.newDevice(options);
    await device.report();
    await this.backend.untilDocument(device.device, 'its clock is verified', ({ clock }) =>
      isVerified(clock),
    );
    return device;
  }

  /** Waits until so many reports are in the store. */
  async untilStored(reports: number): Promise<void> {
    await this.eye.untilRow(
      `${String(reports)} reports are stored`,
      'select 1 from (select count(*) as n from report) counted where n >= $1',
      [reports],
    );
  }

  /** Ends everything, the last thing first. */
  async end(): Promise<void> {
    for (let end = this.#ends.pop(); end !== undefined; end = this.#ends.pop()) await end();
  }
}

/** Of a document; a refusal has no clock. */
function isVerified(clock: unknown): boolean {
  return (clock as { readonly verified?: boolean } | undefined)?.verified === true;
}
