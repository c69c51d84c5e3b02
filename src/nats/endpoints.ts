/**
 * What backends may ask, as the NATS service protocol lists it, and how often and how long they did.
 */
import type { TwinOperation } from '../wire/subjects.ts';
import { FLEET_FIND, twinCommand, twinDesired, twinGet, twinLedger } from '../wire/subjects.ts';
import type { ServiceError } from '../wire/service-error.ts';
import type { Trace } from '../wire/trace.ts';

/** The owner of a partition answers for its twins. */
export const OWNER_QUEUE = 'owner';
/** Any node answers for the fleet. */
export const FLEET_QUEUE = 'corral';

/** An endpoint's name. */
export type EndpointName = TwinOperation['type'] | 'find';

/** All endpoints under the subjects that backends use. */
export const ENDPOINTS: readonly {
  readonly name: EndpointName;
  readonly subject: string;
  readonly queue: string;
}[] = [
  { name: 'get', subject: twinGet('*'), queue: OWNER_QUEUE },
  { name: 'command', subject: twinCommand('*', '*'), queue: OWNER_QUEUE },
  { name: 'ledger', subject: twinLedger('*'), queue: OWNER_QUEUE },
  { name: 'desired', subject: twinDesired('*'), queue: OWNER_QUEUE },
  { name: 'find', subject: FLEET_FIND, queue: FLEET_QUEUE },
];

/** Requests whose reply is still awaited. At this many the oldest is forgotten: it was never answered, or not here. */
const OPEN_MAX = 100_000;
const NS_PER_MS = 1e6;

/** Counters of one endpoint since the start; durations in ns, as the service protocol has them. */
export interface EndpointCounters {
  requests: number;
  errors: number;
  lastError: string;
  processingNs: number;
  answered: number;
}

/** Counts requests from their arrival to their reply. */
export class EndpointStats {
  readonly #counters = new Map<EndpointName, EndpointCounters>();
  readonly #open = new Map<
    string,
    { readonly name: EndpointName; readonly since: number; readonly trace: Trace | null }
  >();

  /** A request arrived that is to be answered on `replySubject`. */
  began(name: EndpointName, replySubject: string, trace: Trace | null): void {
    this.of(name).requests += 1;
    this.#open.set(replySubject, { name, since: performance.now(), trace });
    if (this.#open.size <= OPEN_MAX) return;
    const [oldest] = this.#open.keys();
    if (oldest !== undefined) this.#open.delete(oldest);
  }

  /** It was answered, with an error or without; the answer belongs to the trace of the request. */
  ended(replySubject: string, error: ServiceError | undefined): Trace | null {
    const request = this.#open.get(replySubject);
    if (request === undefined) return null;
    this.#open.delete(replySubject);
    const counters = this.of(request.name);
    counters.answered += 1;
    counters.processingNs += Math.round((performance.now() - request.since) * NS_PER_MS);
    if (error !== undefined) {
      counters.errors += 1;
      counters.lastError = codesOf(error);
    }
    return request.trace;
  }

  /** The counters of an endpoint. */
  of(name: EndpointName): EndpointCounters {
    let counters = this.#counters.get(name);
    if (counters === undefined) {
      counters = { requests: 0, errors: 0, lastError: '', processingNs: 0, answered: 0 };
      this.#counters.set(name, counters);
    }
    return counters;
  }
}

/** The codes of an error without its sentence, which quotes what a caller sent: whoever may ask for statistics reads this. */
function codesOf({ code, text }: ServiceError): string {
  const [, name = 'refused'] = /^([a-z-]{1,64}): /.exec(text) ?? [];
  return `${String(code)}:${name}`;
}
