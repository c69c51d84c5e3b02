/**
 * What a node says of itself on `/v1/nodes`: from the node, from what it counts, and from the hub.
 */
import type { Registry } from 'prom-client';
import type { NodeView } from '../http/node-view.ts';
import type { HubConnection } from '../nats/connect.ts';
import { messagesAfter } from '../nats/messages-after.ts';
import { lastSequences } from '../nats/stream-state.ts';
import type { Node } from '../runtime/node.ts';

/** Looks at the node, its metrics and the hub. */
export function nodeView(parts: {
  readonly name: string;
  readonly node: Node;
  readonly hub: HubConnection;
  readonly metrics: Registry;
}): NodeView {
  const { name, node, hub, metrics } = parts;
  return {
    status: async () => {
      const { partitions, isHearing, isSure } = node.status;
      const [batches, seconds, streamSequences] = await Promise.all([
        summaryOf(metrics, 'corral_batch_reports'),
        summaryOf(metrics, 'corral_commit_seconds'),
        lastSequences(hub),
      ]);
      const commits = {
        count: batches.count,
        reportsMean: batches.mean,
        commitMsMean: seconds.mean === null ? null : seconds.mean * 1_000,
      };
      return { node: name, partitions, isHearing, isSure, commits, streamSequences };
    },
    messagesAfter: (undecided, last) => messagesAfter(hub, undecided, last),
  };
}

/** How often a histogram was fed, and with what on average. */
async function summaryOf(
  metrics: Registry,
  histogram: string,
): Promise<{ readonly count: number; readonly mean: number | null }> {
  const metric = await metrics.getSingleMetric(histogram)?.get();
  const valueOf = (suffix: string): number =>
    metric?.values
      .filter((value) => 'metricName' in value && value.metricName === `${histogram}_${suffix}`)
      .reduce((sum, { value }) => sum + value, 0) ?? 0;
  const count = valueOf('count');
  return { count, mean: count === 0 ? null : valueOf('sum') / count };
}
