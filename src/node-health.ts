/**
 * Whether a node can do its work: asked by `/readyz`.
 */
import type { Health, HealthPart } from './http/health.ts';
import type { HubConnection } from './nats/connect.ts';
import type { Archive } from './runtime/archive.ts';
import type { Node } from './runtime/node.ts';

/** How long the store may take to say that it knows nobody of this name, ms: less than `/readyz` waits for the whole check. */
const STORE_WAIT_MS = 1_500;
const NOBODY = 'nobody';

/** A commit that waits for longer is not as it should be, ms. */
const COMMIT_WAIT_MAX_MS = 2_000;

/** Looks at the store, the hub, the leases and the feed. A standby, which owns nothing, is not ready and says so. */
export function nodeHealth(parts: {
  readonly store: Archive;
  readonly hub: HubConnection;
  readonly node: Node;
}): Health {
  const { store, hub, node } = parts;
  return {
    check: async () => [
      await storePart(store),
      commitsPart(node),
      hubPart(hub),
      leasesPart(node),
      feedPart(node),
    ],
  };
}

async function storePart(store: Archive): Promise<HealthPart> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    const sentence = `nothing was heard of it for ${String(STORE_WAIT_MS)} ms`;
    timer = setTimeout(() => reject(new Error(sentence)), STORE_WAIT_MS);
  });
  try {
    await Promise.race([store.twin(NOBODY), late]);
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

function hubPart(hub: HubConnection): HealthPart {
  const ok = hub.isConnected();
  return { part: 'hub', ok, detail: ok ? 'connected' : 'not connected; it is tried again and again' };
}

function leasesPart(node: Node): HealthPart {
  const { partitions, isSure, storeProblem } = node.status;
  const count = String(partitions.length);
  if (storeProblem !== null) return { part: 'leases', ok: false, detail: storeProblem };
  if (partitions.length === 0)
    return { part: 'leases', ok: false, detail: 'owns no partition: another node does' };
  if (!isSure) return { part: 'leases', ok: false, detail: `${count} leases were not renewed in time` };
  return { part: 'leases', ok: true, detail: `owns ${count} partitions` };
}

function feedPart(node: Node): HealthPart {
  const ok = node.status.isHearing;
  return {
    part: 'feed',
    ok,
    detail: ok ? 'hears all that the stream holds' : 'catching up with the stream, or cut off',
  };
}
