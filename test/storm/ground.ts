/**
 * The servers of a storm, the nodes on them, and the ways between all of them: a hub, a site's leaf, a database, two nodes. They are real, nothing is
 * wrong with them, and one storm after the other goes over them.
 */
import type { Hub } from '../../tools/dev/hub.ts';
import { startHub as startHubIn } from '../../tools/dev/hub.ts';
import type { Site } from '../../tools/dev/site.ts';
import { MessageLoss } from '../servers/message-loss.ts';
import { createDatabase, startSite, temporaryFolder } from '../servers/servers.ts';
import type { TroubledWay } from './befall.ts';
import { Eye } from './eye.ts';
import { Nodes } from './nodes.ts';
import { type WayName, WAYS } from './trouble.ts';
import { Way } from './way.ts';

/** See the head of this file. */
export interface Ground {
  readonly hub: Hub;
  readonly site: Site;
  readonly ways: Readonly<Record<WayName, TroubledWay>>;
  readonly nodes: Nodes;
  readonly eye: Eye;
  /** Nothing is wrong with any way any more. */
  readonly heal: () => void;
  readonly end: () => Promise<void>;
}

/** A machine may be as busy as it likes: a link that takes so long hangs, ms. */
const LINK_TIMEOUT_MS = 200_000;

/** Starts one. Its database is on the Postgres of `adminUrl`, or on that of the test run. */
export async function openGround(adminUrl?: string): Promise<Ground> {
  const ends: (() => unknown)[] = [];
  const end = async (): Promise<void> => {
    for (let last = ends.pop(); last !== undefined; last = ends.pop()) await last();
  };
  try {
    const troubled = await Promise.all(WAYS.map(async (name) => [name, await openWay(name)] as const));
    const ways = Object.fromEntries(troubled) as Record<WayName, TroubledWay>;
    ends.push(() => Promise.all(troubled.map(([, { way }]) => way.close())));
    const { folder, remove } = temporaryFolder();
    ends.push(remove);
    // Leafs are told to come by the way; otherwise they learn the hub's own address, and go round it.
    const hub = await startHubIn({ dataDir: folder, leafAdvertise: ways.leaf.way.address });
    ends.push(() => hub.stop());
    ways.leaf.way.leadTo(hub.leafAddress);
    const site = await startSite(hub, { link: ways.leaf.way, linkTimeoutMs: LINK_TIMEOUT_MS });
    ends.push(() => site.end());
    const database = await createDatabase(adminUrl);
    ends.push(database.drop);
    const heal = (): void => {
      for (const [, { way, loss }] of troubled) {
        loss.stop();
        way.heal();
      }
    };
    const servers = { hub, databaseUrl: database.url };
    const nodes = await Nodes.start({ ...servers, ways });
    ends.push(() => nodes.stop());
    const eye = await Eye.open(servers);
    ends.push(() => eye.close());
    return { hub, site, ways, nodes, eye, heal, end };
  } catch (error) {
    await end();
    throw error;
  }
}

async function openWay(name: WayName): Promise<TroubledWay> {
  const loss = new MessageLoss();
  const speaksNats = name === 'gateway' || name === 'backend' || name.endsWith(' hub');
  const way = await Way.open(speaksNats ? { name, filter: () => loss.passing() } : { name });
  return { way, loss };
}
