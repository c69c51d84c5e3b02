/**
 * What HTTP counts, for `/metrics`.
 */
import { Counter, type Registry } from 'prom-client';

/** Counters of things that an operator should know to happen. */
export interface HttpCounters {
  /** Connections above the number that the node, or one address, may have. */
  readonly connectionsRefused: Counter;
  /** Requests behind an answer without an end, on the same connection. */
  readonly requestsBehindEvents: Counter;
  /** Messages of the stream CHANGES that readers of events were not told, because they are not what belongs there. */
  readonly changesUnreadable: Counter;
}

/** Registers the counters. */
export function httpCounters(registry: Registry): HttpCounters {
  const registers = [registry];
  return {
    connectionsRefused: new Counter({
      name: 'corral_http_connections_refused_total',
      help: 'Connections that were closed at once because there were too many',
      registers,
    }),
    requestsBehindEvents: new Counter({
      name: 'corral_http_requests_behind_events_total',
      help: 'Times that something was asked behind events on one connection, where it could never be answered',
      registers,
    }),
    changesUnreadable: new Counter({
      name: 'corral_http_changes_unreadable_total',
      help: 'Messages of the stream CHANGES that could not be told as events',
      registers,
    }),
  };
}
