/**
 * The two nodes of a ground, each by ways of its own to everything else. The one that comes first takes all partitions; the other one stands by.
 */
import { pino } from 'pino';
import type { App } from '../../src/app/app.ts';
import type { RuntimeLimits } from '../../src/runtime/limits.ts';
import type { Hub, HubUser } from '../../tools/dev/hub.ts';
import { startNode } from '../nodes/node.ts';
import type { TroubledWay } from './befall.ts';
import { OPERATE_TOKEN } from './http.ts';
import { NODES, type NodeName, type WayName } from './trouble.ts';
import { untilConnected } from './until-connected.ts';

/** Where nodes run. */
export interface NodesOptions {
  readonly hub: Hub;
  readonly databaseUrl: string;
  readonly ways: Readonly<Record<WayName, TroubledWay>>;
}

/** A node that is cut off loses its leases within a storm. */
const LIMITS: Partial<RuntimeLimits> = { leaseTtlMs: 4_000, acquireRetryMs: 150 };
/** No site of a storm is refused a device, however many storms its servers have seen. */
const ENVIRONMENT = {
  CORRAL_HTTP_OPERATE_TOKENS: `storm:${OPERATE_TOKEN}`,
  CORRAL_UNREGISTERED_MAX: '1000000',
};

/** See the head of this file. */
export class Nodes {
  readonly #options: NodesOptions;
  readonly #running = new Map<NodeName, App>();
  readonly #httpUrls = new Map<NodeName, string>();
  /** Takes what nodes log. */
  onLine: (node: NodeName, text: string) => void = () => undefined;
  /** Restarts follow each other. */
  #restarting: Promise<void> = Promise.resolve();

  /** Starts both. */
  static async start(options: NodesOptions): Promise<Nodes> {
    const nodes = new Nodes(options);
    try {
      for (const name of NODES) await nodes.#start(name);
    } catch (error) {
      await nodes.stop();
      throw error;
    }
    return nodes;
  }

  private constructor(options: NodesOptions) {
    this.#options = options;
  }

  /** Of each node, by its way; one that is being started anew has what it had. */
  get httpUrls(): readonly string[] {
    return [...this.#httpUrls.values()];
  }

  /** Stops one in order and starts it again, as whoever keeps programs running does: as often as it takes. */
  restart(name: NodeName): void {
    this.#restarting = this.#restarting.then(async () => {
      await this.#running.get(name)?.stop();
      await this.#start(name);
    });
  }

  /** Resolves when nodes that are started anew have been; rejects when one cannot be. */
  settled(): Promise<void> {
    return this.#restarting;
  }

  /** What nodes say that is not as it should be. */
  async brokenParts(): Promise<readonly string[]> {
    const parts = await Promise.all(
      [...this.#running].map(async ([name, { health }]) =>
        (await health.check()).map((part) => ({ name, ...part })),
      ),
    );
    return parts
      .flat()
      .filter(({ ok }) => !ok)
      .map(({ name, part, detail }) => `${name}: ${part}: ${detail}`);
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#running.values()].map((node) => node.stop()));
  }

  async #start(name: NodeName): Promise<void> {
    const { hub, databaseUrl, ways } = this.#options;
    const options = {
      hub: { ...hub, url: (user: HubUser) => ways[`${name} hub`].way.urlOf(hub.url(user)) },
      databaseUrl: ways[`${name} store`].way.urlOf(databaseUrl),
      node: name,
      limits: LIMITS,
      mayStandBy: true,
      env: ENVIRONMENT,
      log: pino({ base: null, timestamp: false }, { write: (line) => this.onLine(name, line.trim()) }),
    };
    const node = await untilConnected(() => startNode(options));
    this.#running.set(name, node);
    this.#httpUrls.set(name, new URL(ways[`${name} http`].way.urlOf(node.httpUrl)).origin);
  }
}
