/**
 * The NATS service protocol (ADR-32), so that any tool that knows it finds Corral, its endpoints and its counters:
 * `$SRV.PING`, `$SRV.INFO` and `$SRV.STATS`, for all services, for those called `corral`, and for one instance.
 *
 * Also answers `fleet.find`, the one endpoint that belongs to no partition.
 */
import type { Encoding } from '../wire/codec.ts';
import type { EncodedReply } from '../wire/reply.ts';
import { FLEET_FIND } from '../wire/subjects.ts';
import { type NatsBus, replyAddressOf } from './bus.ts';
import type { HubConnection } from './connect.ts';
import { ENDPOINTS, FLEET_QUEUE } from './endpoints.ts';
import { answer, listenToRequests, stopListening } from './listen.ts';

/** The name under which all nodes are found. */
export const SERVICE_NAME = 'corral';

const DESCRIPTION = 'Device twins: known state, commands, ledger and desired configuration';

/** What the service needs. */
export interface CorralServiceOptions {
  readonly hub: HubConnection;
  readonly bus: NatsBus;
  /** Unique among the nodes; letters, digits, `-` and `_`. */
  readonly instance: string;
  /** Version of this program, as SemVer has it. */
  readonly version: string;
  /** When this node started, ms epoch. */
  readonly startedAt: number;
  /** Answers `fleet.find`; must not reject. */
  readonly find: (payload: Uint8Array, encoding: Encoding) => Promise<EncodedReply>;
}

/** Answers until the returned function has been called. */
export function serveCorral(options: CorralServiceOptions): () => Promise<void> {
  const { hub, bus, instance, find } = options;
  const verbs = { PING: pingOf, INFO: infoOf, STATS: statsOf };
  const subscriptions = Object.entries(verbs).flatMap(([verb, answerOf]) =>
    [`$SRV.${verb}`, `$SRV.${verb}.${SERVICE_NAME}`, `$SRV.${verb}.${SERVICE_NAME}.${instance}`].map(
      (subject) =>
        listenToRequests(hub, {
          subject,
          handle: ({ reply }) =>
            answer(hub, reply, { payload: Buffer.from(JSON.stringify(answerOf(options))) }),
        }),
    ),
  );
  const findSubscription = listenToRequests(hub, {
    subject: FLEET_FIND,
    queue: FLEET_QUEUE,
    handle: (message) => {
      const replyTo = replyAddressOf(message);
      if (replyTo === null) return;
      bus.stats.began('find', replyTo.subject, null);
      void find(message.payload, replyTo.encoding).then((reply) =>
        bus.reply(replyTo, reply.payload, reply.error),
      );
    },
  });
  return async () => {
    await Promise.all([...subscriptions, findSubscription].map(stopListening));
  };
}

function identityOf({ instance, version }: CorralServiceOptions): object {
  return { name: SERVICE_NAME, id: instance, version, metadata: {} };
}

function pingOf(options: CorralServiceOptions): object {
  return { type: 'io.nats.micro.v1.ping_response', ...identityOf(options) };
}

function infoOf(options: CorralServiceOptions): object {
  return {
    type: 'io.nats.micro.v1.info_response',
    ...identityOf(options),
    description: DESCRIPTION,
    endpoints: ENDPOINTS.map(({ name, subject, queue }) => ({
      name,
      subject,
      queue_group: queue,
      metadata: {},
    })),
  };
}

function statsOf(options: CorralServiceOptions): object {
  return {
    type: 'io.nats.micro.v1.stats_response',
    ...identityOf(options),
    started: new Date(options.startedAt).toISOString(),
    endpoints: ENDPOINTS.map(({ name, subject, queue }) => {
      const { requests, errors, lastError, processingNs, answered } = options.bus.stats.of(name);
      return {
        name,
        subject,
        queue_group: queue,
        num_requests: requests,
        num_errors: errors,
        last_error: lastError,
        processing_time: processingNs,
        average_processing_time: answered === 0 ? 0 : Math.round(processingNs / answered),
      };
    }),
  };
}
