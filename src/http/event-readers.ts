/**
 * The places that a node has for readers of events. A place is taken before anything is waited for, so that no crowd that asks at once
 * gets more of them, and nobody who asks alone gets all.
 *
 * Invariants:
 * I1  Never more than EVENT_READERS_MAX places are taken, and EVENT_READERS_EACH_MAX by one holder.
 * I2  A place is given back once, however its reader ends.
 */
import type { FastifyRequest } from 'fastify';
import { addressBlock } from './remote-address.ts';
import { Problem } from './problem.ts';

/** How many readers a node serves at once; one more is told to ask another node, or later. */
export const EVENT_READERS_MAX = 100;

/** How many of them may be of one token, page of another origin, or address without a token; one more is told that these are his. */
export const EVENT_READERS_EACH_MAX = 50;

/** The places of a node. */
export class EventReaders {
  readonly #holders = new Map<symbol, string>();

  /** Takes a place; the returned function gives it back, and may be called again. Throws the problem `too-many-readers`. */
  take(request: FastifyRequest): () => void {
    const holder = holderOf(request);
    const own = [...this.#holders.values()].filter((one) => one === holder).length;
    if (own >= EVENT_READERS_EACH_MAX) {
      throw new Problem('too-many-readers', `${String(own)} readers of ${holder} follow events here already`);
    }
    if (this.#holders.size >= EVENT_READERS_MAX) {
      throw new Problem(
        'too-many-readers',
        `${String(EVENT_READERS_MAX)} readers follow events here already`,
      );
    }
    const place = Symbol(holder);
    this.#holders.set(place, holder);
    return () => this.#holders.delete(place);
  }
}

/** As far as it is known who reads: a browser that shows several pages speaks for each of them. */
function holderOf({ caller, headers, raw, ip }: FastifyRequest): string {
  if (caller !== null) return `the token of ${caller.name}`;
  if (headers.origin !== undefined && headers.origin !== `http://${raw.headers.host ?? ''}`) {
    return `pages of ${headers.origin}`;
  }
  return addressBlock(ip);
}
