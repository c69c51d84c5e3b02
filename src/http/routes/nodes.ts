/**
 * Who decides for which partitions, and how far behind the stream it is. All of it is in the store but for what is said of
 * this node, which only this node knows.
 */
import { Type } from '@sinclair/typebox';
import type { LeaseView } from '../../history/ports.ts';
import { linesUnpublished } from '../../runtime/epoch.ts';
import { DEFAULT_LIMITS } from '../../runtime/limits.ts';
import { undecidedIn } from '../../runtime/undecided.ts';
import { askStore, type HttpApp, type HttpContext } from '../context.ts';
import type { NodeView, ThisNode } from '../node-view.ts';
import { problemResponses } from '../problem.ts';
import { rfc3339OrNull } from '../rfc3339.ts';
import { noParameters } from './devices.ts';

const TimeOrNull = Type.Union([Type.String({ format: 'date-time' }), Type.Null()]);
const SequencesOrNull = Type.Union([Type.Record(Type.String(), Type.Integer()), Type.Null()], {
  description: 'by stream of reports, the sequence of its last message; null while the hub cannot be asked',
});
const NumberOrNull = Type.Union([Type.Number(), Type.Null()]);

/** Nodes and partitions. */
export const NodesSchema = Type.Object({
  nodes: Type.Array(
    Type.Object({
      node: Type.String(),
      isThisNode: Type.Boolean({ description: 'the one that answers' }),
      partitions: Type.Array(Type.Integer()),
      leasedUntil: Type.Union([Type.String({ format: 'date-time' }), Type.Null()], {
        description: "when the first of its leases runs out unless it is renewed, by the store's clock",
      }),
      unpublished: Type.Integer({ description: 'lines of the journal not known to be in their streams' }),
      backlogMessages: Type.Integer({
        description:
          'messages before that position that were set aside while others waited, and are not decided yet',
      }),
      behindMessages: Type.Union([Type.Integer(), Type.Null()], {
        description:
          'messages of all streams for its partitions that it has not committed yet: 0 when nothing waits. Partitions that it took just ' +
          'now count once they lag by more than 5,000. null while the hub cannot be asked',
      }),
    }),
    { description: 'those that hold a partition' },
  ),
  unowned: Type.Array(Type.Integer(), { description: 'partitions that nobody decides for' }),
  partitions: Type.Array(
    Type.Object({
      partition: Type.Integer(),
      owner: Type.Union([Type.String(), Type.Null()]),
      leasedUntil: TimeOrNull,
      epoch: Type.Integer(),
      positions: Type.Record(Type.String(), Type.Integer(), {
        description: 'by stream of reports: everything up to this sequence is committed, but for the backlog',
      }),
      backlog: Type.Integer({ description: 'messages that were set aside while others waited' }),
      batch: Type.Integer({ description: 'commits to it so far' }),
      journal: Type.Integer({ description: 'number of the last line of its journal' }),
      published: Type.Integer({ description: 'number of the last line known to be in its stream' }),
    }),
  ),
  streamSequences: SequencesOrNull,
  thisNode: Type.Object(
    {
      node: Type.String(),
      partitions: Type.Array(Type.Integer()),
      isHearing: Type.Boolean({ description: 'it hears all that the stream holds' }),
      isSure: Type.Boolean({ description: 'its leases were renewed in time' }),
      commits: Type.Object({
        count: Type.Integer({ description: 'since it was started' }),
        reportsMean: NumberOrNull,
        commitMsMean: NumberOrNull,
      }),
      streamSequences: SequencesOrNull,
    },
    { description: 'what no other node knows of the one that answers' },
  ),
});

/** Registers `/v1/nodes`. */
export function nodeRoutes(app: HttpApp, context: HttpContext): void {
  app.get(
    '/v1/nodes',
    {
      config: { access: 'read' },
      schema: {
        operationId: 'listNodes',
        summary: 'Which node decides for which partitions',
        tags: ['operation'],
        querystring: noParameters,
        response: { 200: NodesSchema, ...problemResponses },
      },
    },
    async () => {
      const [leases, thisNode] = await Promise.all([
        askStore(context, (fleetReader) => fleetReader.leases()),
        context.nodeView.status(),
      ]);
      const streamSequences = thisNode.streamSequences && Object.fromEntries(thisNode.streamSequences);
      return {
        nodes: await nodesOf(leases, thisNode, context.nodeView),
        unowned: leases.filter(({ owner }) => owner === null).map(({ partition }) => partition),
        partitions: leases.map(({ expiresAt, positions, backlog, ...lease }) => ({
          ...lease,
          positions: Object.fromEntries(positions.map(({ stream, position }) => [stream, position])),
          backlog: messagesIn(backlog),
          leasedUntil: rfc3339OrNull(expiresAt),
        })),
        streamSequences,
        thisNode: { ...thisNode, streamSequences, partitions: [...thisNode.partitions] },
      };
    },
  );
}

function messagesIn(backlog: LeaseView['backlog']): number {
  return backlog.reduce((sum, { messages }) => sum + messages, 0);
}

function nodesOf(leases: readonly LeaseView[], thisNode: ThisNode, view: NodeView) {
  const owners = [...new Set(leases.flatMap(({ owner }) => owner ?? []))].sort();
  return Promise.all(
    owners.map(async (node) => {
      const held = leases.filter(({ owner }) => owner === node);
      return {
        node,
        isThisNode: node === thisNode.node,
        partitions: held.map(({ partition }) => partition),
        leasedUntil: rfc3339OrNull(Math.min(...held.map(({ expiresAt }) => expiresAt ?? Infinity))),
        unpublished: held.reduce((sum, lease) => sum + linesUnpublished(lease), 0),
        backlogMessages: held.reduce((sum, { backlog }) => sum + messagesIn(backlog), 0),
        behindMessages: thisNode.streamSequences && (await behind(held, thisNode.streamSequences, view)),
      };
    }),
  );
}

async function behind(
  held: readonly LeaseView[],
  streams: ReadonlyMap<string, number>,
  view: NodeView,
): Promise<number | null> {
  const { idlePositionLagMax: idleLagMax } = DEFAULT_LIMITS;
  const counts = await Promise.all(
    [...streams].flatMap(([stream, last]) =>
      undecidedIn(held, { stream, last, idleLagMax }).map((undecided) => view.messagesAfter(undecided, last)),
    ),
  );
  return counts.reduce<number | null>(
    (sum, count) => (sum === null || count === null ? null : sum + count),
    0,
  );
}
