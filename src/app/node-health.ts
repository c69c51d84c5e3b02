/**
 * Whether a node can do its work: asked by `/readyz`.
 */
import type { Health, HealthPart } from '../http/health.ts';
import type { HubConnection } from '../nats/connect.ts';
import { type ClockWatch, shownOffset } from '../runtime/clock-watch.ts';
import type { Node, NodeStatus } from '../runtime/node.ts';
import { FULL_SHARE, type StreamWatch } from './stream-watch.ts';

/** How long the store may take to tell the time, ms: less than `/readyz` waits for the whole check. */
const STORE_WAIT_MS = 1_500;

/** A commit that waits for longer is not as it should be, ms. */
const COMMIT_WAIT_MAX_MS = 2_000;

/** Tells the time, over connections that nobody who reads can take. */
interface StoreTime {
  readonly serverTime: () => Promise<number>;
}

type Connection = Pick<HubConnection, 'isConnected'>;

/** What is known of other servers' clocks. */
type Clocks = Pick<ClockWatch, 'problem' | 'differences' | 'isTimeKnown'>;

/** Looks at the store, the hub, the clocks, the leases and the feed. A standby, which owns nothing, is ready to, and says so. */
export function nodeHealth(parts: {
  readonly store: StoreTime;
  readonly hub: Connection;
  readonly requests: Connection;
  readonly node: Node;
  readonly clocks: Clocks;
  readonly streams: Pick<StreamWatch, 'shares'>;
}): Health {
  const { store, hub, requests, node, clocks, streams } = parts;
  // However many ask for it, one question is under way: it is asked without a token.
  let asking: Promise<HealthPart> | null = null;
  const storeAsked = (): Promise<HealthPart> =>
    (asking ??= storePart(store).finally(() => {
      asking = null;
    }));
  return {
    check: async () => [
      await storeAsked(),
      commitsPart(node),
      hubPart(hub, requests),
      clockPart(clocks),
      leasesPart(node.status, clocks),
      feedPart(node.status),
      streamsPart(streams),
    ],
  };
}

/** What a node cannot do now, and why, as a sentence. */
export async function whatIsMissing(health: Health): Promise<string> {
  const missing = (await health.check()).filter(({ ok }) => !ok);
  if (missing.length === 0) return 'it commits and publishes what is decided';
  return missing.map(({ part, detail }) => `${part}: ${detail}`).join('; ');
}

/** A full stream is no failure of this node: it works, and one site may be refused. */
function streamsPart({ shares }: Pick<StreamWatch, 'shares'>): HealthPart {
  const full = shares.filter(({ share }) => share >= FULL_SHARE);
  const names = full.map(({ stream, share }) => `${stream} is ${String(Math.round(100 * share))} % full`);
  return { part: 'streams', ok: true, detail: names.length === 0 ? 'each has room' : names.join(', ') };
}

async function storePart(store: StoreTime): Promise<HealthPart> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    const sentence = `nothing was heard of it for ${String(STORE_WAIT_MS)} ms`;
    timer = setTimeout(() => reject(new Error(sentence)), STORE_WAIT_MS);
  });
  try {
    await Promise.race([store.serverTime(), late]);
    return { part: 'store', ok: true, detail: 'answers' };
  } catch (error) {
    const because = error instanceof Error ? error.message : String(error);
    return { part: 'store', ok: false, detail: `does not answer: ${because}` };
  } finally {
    clearTimeout(timer);
  }
}

/** A store may answer whoever reads, and take nothing: its disk is full, or somebody holds a lock. */
function commitsPart(node: Node): HealthPart {
  const { commitProblem, commitWaitedMs } = node.status;
  const seconds = `${String(Math.round(commitWaitedMs / 1_000))} s`;
  if (commitProblem !== null) {
    const detail = `not taken by the store for ${seconds}, tried again and again, nothing is lost: ${commitProblem}`;
    return { part: 'commits', ok: false, detail };
  }
  if (commitWaitedMs > COMMIT_WAIT_MAX_MS)
    return { part: 'commits', ok: false, detail: `one has been waiting for the store for ${seconds}` };
  return { part: 'commits', ok: true, detail: 'are taken by the store' };
}

function hubPart(hub: Connection, requests: Connection): HealthPart {
  const again = 'it is tried again and again';
  if (!hub.isConnected()) return { part: 'hub', ok: false, detail: `not connected; ${again}` };
  if (requests.isConnected()) return { part: 'hub', ok: true, detail: 'connected' };
  const detail = `connected, but not the connection on which backends ask; ${again}`;
  return { part: 'hub', ok: false, detail };
}

/** With another time than the hub's it can neither tell how old a state is nor set a device a deadline. */
function clockPart(clocks: Clocks): HealthPart {
  const { problem, differences, isTimeKnown } = clocks;
  const without = isTimeKnown ? 'accepts no commands' : 'takes no partitions before two clocks agree';
  if (problem !== null) return { part: 'clock', ok: false, detail: `${problem}; it ${without}` };
  const detail = differences
    .map(({ server, offsetMs, uncertainMs, differs }) =>
      differs
        ? `${shownOffset(-offsetMs)} the ${server}'s, by which leases run out and nothing else: set it`
        : `that of the ${server} (± ${String(Math.round(uncertainMs))} ms)`,
    )
    .join(', ');
  return { part: 'clock', ok: true, detail };
}

function leasesPart(
  { partitions, isSure, isStandby, storeProblem, givenUp }: NodeStatus,
  { isTimeKnown }: Clocks,
): HealthPart {
  const count = String(partitions.length);
  if (storeProblem !== null) return { part: 'leases', ok: false, detail: storeProblem };
  if (isStandby) {
    const detail = 'owns no partition: other nodes hold all of them, and it takes over when one dies';
    return { part: 'leases', ok: true, detail, standsBy: true };
  }
  if (partitions.length === 0) {
    if (!isTimeKnown)
      return { part: 'leases', ok: false, detail: 'owns no partition yet: it waits for its clock' };
    const detail =
      givenUp === null
        ? 'owns no partition yet: it is taking those that nobody holds'
        : `owns no partition, and tries again; it gave them up: ${givenUp}`;
    return { part: 'leases', ok: false, detail };
  }
  if (!isSure) return { part: 'leases', ok: false, detail: `${count} leases were not renewed in time` };
  return { part: 'leases', ok: true, detail: `owns ${count} partitions` };
}

function feedPart({ isHearing, isStandby }: NodeStatus): HealthPart {
  if (isStandby) return { part: 'feed', ok: true, detail: 'has nothing to hear' };
  const detail = isHearing ? 'hears all that the stream holds' : 'catching up with the stream, or cut off';
  return { part: 'feed', ok: isHearing, detail };
}
