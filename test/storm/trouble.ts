/**
 * What befalls the ways of a storm, and in what order: drawn from a seed before anything runs, so that the same seed plans the same faults. What
 * comes of them depends on which byte is where at that moment, and is different each time.
 */
import type { Chance } from '../simulation/world/chance.ts';
import type { Direction } from './way.ts';

/** The nodes of a storm. */
export const NODES = ['node-a', 'node-b'] as const;
export type NodeName = (typeof NODES)[number];

/** The ways, each from who connects to who listens. */
export const WAYS = [
  'leaf',
  'gateway',
  'backend',
  ...NODES.flatMap((node) => [`${node} hub`, `${node} store`, `${node} http`] as const),
] as const;
export type WayName = (typeof WAYS)[number];

/** What can go wrong on any way. */
const ON_ANY_WAY = [
  /** All connections are reset, and whoever comes is refused. */
  'cut',
  /** All connections are reset, and may be made again at once. */
  'reset',
  /** All connections end in order, in the middle of whatever is said. */
  'ended',
  /** One end is told that the connection is gone, and the other one goes on believing in it. */
  'half-cut',
  /** Nothing passes, in one direction or in both, and nobody is told. */
  'freeze',
  'delay',
  'dribble',
  'split',
  /** What is said in one direction is lost, and then the connection with it. */
  'swallow',
  /** Whoever comes is refused; connections that there are go on. */
  'refuse',
  /** The same, but nobody is told. */
  'mute',
] as const;

/** Where NATS is spoken: messages are lost, and nothing else, as a server does to whom it takes for slow, and a client that reconnects. */
const ON_NATS = ['deliveries-lost', 'replies-lost', 'requests-lost'] as const;
/** On the way to the store: the next commit is written, and its answer lost; or it does not arrive, which looks the same. */
const ON_STORE = ['commit-unanswered', 'commit-unheard'] as const;
/** What befalls programs. */
const OF_PROGRAMS = [
  'device-restarts',
  'node-restarts',
  'node-cut-off',
  'readers-leave',
  /** The hub stores no report, and says so. */
  'hub-refuses',
] as const;

export const TROUBLES = [...ON_ANY_WAY, ...ON_NATS, ...ON_STORE, ...OF_PROGRAMS] as const;
export type TroubleSort = (typeof TROUBLES)[number];

/** One trouble. Times are ms from the beginning of the storm. */
export interface Trouble {
  readonly at: number;
  readonly forMs: number;
  readonly sort: TroubleSort;
  /** Where; a program's trouble names the node, or the number of the device, instead. */
  readonly where: WayName | NodeName | number | null;
  /** `null`: both. */
  readonly direction: Direction | null;
  /** How much of it: this part of messages is lost, or this is how long bytes take, ms. */
  readonly amount: number;
}

/** How much goes on. */
const TROUBLES_MIN = 8;
const TROUBLES_MAX = 20;
/** The last of them begins by then, ms. */
const STORM_MS = 1_500;
/** How long one lasts, ms on average and at most. */
const USUAL_MS = 220;
const LONGEST_MS = 900;
/** A node that is cut off is so for longer than its leases last, ms. */
const CUT_OFF_MS = { from: 4_300, to: 5_500 };
/** In this part of all storms a node is cut off, or started anew. */
const CUT_OFF_PART = 0.2;
const NODE_RESTART_PART = 0.25;
/** In this part of them the hub refuses to store for a while. */
const HUB_REFUSES_PART = 0.3;
/** In this part of those it is the one that has the partitions in the beginning. */
const OWNER_PART = 0.75;

/** How often a way is chosen. */
const WEIGHTS: Readonly<Record<WayName, number>> = {
  leaf: 4,
  gateway: 3,
  backend: 4,
  // The first node takes all partitions; the other one stands by for the time in which it loses them.
  'node-a hub': 7,
  'node-a store': 7,
  'node-a http': 2,
  'node-b hub': 2,
  'node-b store': 2,
  'node-b http': 2,
};

/** Draws the troubles of a storm, in the order in which they begin. */
export function planStorm(chance: Chance, devices: number): readonly Trouble[] {
  const plan = Array.from({ length: chance.integer(TROUBLES_MIN, TROUBLES_MAX) }, () => drawTrouble(chance));
  const rare = chance.fork('programs');
  const common = { direction: null, amount: 0 };
  const at = (): number => Math.round(rare.between(0, STORM_MS / 2));
  const owner = (): NodeName => (rare.hits(OWNER_PART) ? 'node-a' : 'node-b');
  if (rare.hits(CUT_OFF_PART)) {
    const forMs = Math.round(rare.between(CUT_OFF_MS.from, CUT_OFF_MS.to));
    plan.push({ ...common, sort: 'node-cut-off', where: owner(), at: at(), forMs });
  }
  if (rare.hits(NODE_RESTART_PART))
    plan.push({ ...common, sort: 'node-restarts', where: owner(), at: at(), forMs: 0 });
  if (rare.hits(0.5)) {
    const where = rare.integer(0, devices - 1);
    plan.push({ ...common, sort: 'device-restarts', where, at: at(), forMs: 0 });
  }
  if (rare.hits(0.5)) plan.push({ ...common, sort: 'readers-leave', where: null, at: at(), forMs: 0 });
  if (rare.hits(HUB_REFUSES_PART)) {
    const forMs = Math.round(rare.between(100, LONGEST_MS));
    plan.push({ ...common, sort: 'hub-refuses', where: null, at: at(), forMs });
  }
  return plan.sort((a, b) => a.at - b.at);
}

function drawTrouble(chance: Chance): Trouble {
  const where = chance.weighted(WEIGHTS);
  const speaksNats = where === 'gateway' || where === 'backend' || where.endsWith(' hub');
  const own = speaksNats ? ON_NATS : where.endsWith(' store') ? ON_STORE : [];
  const sort: TroubleSort = own.length > 0 && chance.hits(0.4) ? chance.pick(own) : chance.pick(ON_ANY_WAY);
  return {
    sort,
    where,
    at: Math.round(chance.between(0, STORM_MS)),
    forMs: Math.round(Math.min(LONGEST_MS, chance.exponential(USUAL_MS))),
    direction: chance.pick(['up', 'down', null]),
    amount: sort === 'delay' ? Math.round(chance.between(5, 150)) : chance.pick([0.05, 0.3, 1]),
  };
}

/** A trouble as a line of text. */
export function troubleText({ at, forMs, sort, where, direction, amount }: Trouble): string {
  const which = where === null ? '' : ` of ${typeof where === 'number' ? `device ${where}` : where}`;
  return `at ${at} ms for ${forMs} ms: ${sort}${which}${direction === null ? '' : `, ${direction}`}, ${amount}`;
}
