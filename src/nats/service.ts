/**
 * The NATS service protocol (ADR-32), so that any tool that knows it finds Corral, its endpoints and its counters:
 * `$SRV.PING`, `$SRV.INFO` and `$SRV.STATS`, for all services, for those called `corral`, and for one instance.
 *
 * Also answers `fleet.find`, the one endpoint that belongs to no partition.
 */
import type { Msg } from '@nats-io/nats-core';
import type { ReplyAddress } from '../../actors/twin.ts';
import { replyEncodingOf } from '../wire/request.ts';
import { FLEET_FIND } from '../wire/subjects.ts';
import type { HubConnection } from './connect.ts';
import { ENDPOINTS, type EndpointStats, FLEET_QUEUE } from './endpoints.ts';

/** The name under which all nodes are found. */
export const SERVICE_NAME = 'corral';

const DESCRIPTION = 'Device twins: known state, commands, ledger and desired configuration';

/** A request on `fleet.find`. */
export interface FindRequest {
  readonly payload: Uint8Array;
  readonly replyTo: ReplyAddress;
}

/** What a service needs. */
export interface NatsServiceOptions {
  readonly hub: HubConnection;
  /** Unique among the nodes; letters, digits, `-` and `_`. */
  readonly instance: string;
  /** Version of this program, as SemVer has it. */
  readonly version: string;
  /** When this node started, ms epoch. */
  readonly startedAt: number;
  readonly stats: EndpointStats;
  /** Answers through the bus. */
  readonly find: (request: FindRequest) => void;
}

/** Answers until the returned function has been called. */
export function natsService(options: NatsServiceOptions): () => Promise<void> {
  const { hub, instance, stats } = options;
  const verbs = { PING: pingOf, INFO: infoOf, STATS: statsOf };
  const subscriptions = Object.entries(verbs).flatMap(([verb, answerOf]) =>
    [`$SRV.${verb}`, `$SRV.${verb}.${SERVICE_NAME}`, `$SRV.${verb}.${SERVICE_NAME}.${instance}`].map(
      (subject) =>
        hub.nats.subscribe(subject, {
          callback: (error, message) => {
            if (error === null) message.respond(JSON.stringify(answerOf(options)));
          },
        }),
    ),
  );
  const findSubscription = hub.nats.subscribe(FLEET_FIND, {
    queue: FLEET_QUEUE,
    callback: (error, message) => {
      const replyTo = error === null ? replyAddressOf(message) : null;
      if (replyTo === null) return;
      stats.began('find', replyTo.subject);
      options.find({ payload: message.data, replyTo });
    },
  });
  return async () => {
    const open = [...subscriptions, findSubscription].filter((subscription) => !subscription.isClosed());
    await Promise.all(open.map((subscription) => subscription.drain()));
  };
}

function replyAddressOf(message: Msg): ReplyAddress | null {
  if (message.reply === undefined || message.reply === '') return null;
  return { subject: message.reply, encoding: replyEncodingOf(message.data) };
}

function identityOf({ instance, version }: NatsServiceOptions): object {
  return { name: SERVICE_NAME, id: instance, version, metadata: {} };
}

function pingOf(options: NatsServiceOptions): object {
  return { type: 'io.nats.micro.v1.ping_response', ...identityOf(options) };
}

function infoOf(options: NatsServiceOptions): object {
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

function statsOf(options: NatsServiceOptions): object {
  return {
    type: 'io.nats.micro.v1.stats_response',
    ...identityOf(options),
    started: new Date(options.startedAt).toISOString(),
    endpoints: ENDPOINTS.map(({ name, subject, queue }) => {
      const { requests, errors, lastError, processingNs, answered } = options.stats.of(name);
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
