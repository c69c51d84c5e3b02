/**
 * What HTTP counts, for `/metrics`.
 */
import { Counter, type Registry } from 'prom-client';

/** Counters of things that an operator should know to happen. */
export interface HttpCounters {
  /** Connections above the number that the node, or one address, may have. */
  readonly connectionsRefused: Counter;
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
    changesUnreadable: new Counter({
      name: 'corral_http_changes_unreadable_total',
      help: 'Messages of the stream CHANGES that could not be told as events',
      registers,
    }),
  };
}
