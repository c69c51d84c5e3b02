/**
 * Whether a node can do its work: asked by `/readyz`.
 */
import type { Health, HealthPart } from './http/health.ts';
import type { HubConnection } from './nats/connect.ts';
import type { Archive } from './runtime/ports.ts';
import type { Node } from './runtime/node.ts';

/** Looks at the store, the hub, the leases and the feed. A standby, which owns nothing, is not ready and says so. */
export function nodeHealth(parts: {
  readonly store: Archive;
  readonly hub: HubConnection;
  readonly node: Node;
}): Health {
  const { store, hub, node } = parts;
  return {
    check: async () => [await storePart(store), hubPart(hub), leasesPart(node), feedPart(node)],
  };
}

async function storePart(store: Archive): Promise<HealthPart> {
  try {
    await store.counts();
    return { part: 'store', ok: true, detail: 'answers' };
  } catch (error) {
    const because = error instanceof Error ? error.message : String(error);
    return { part: 'store', ok: false, detail: `does not answer: ${because}` };
  }
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
