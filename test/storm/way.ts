/**
 * A way between two programs that speak TCP, on which everything can go wrong that can on a network: it is cut, at both ends or at one, freezes, slows
 * down, takes bytes apart, refuses whoever comes, and loses the last thing that was said.
 */
import { createServer, type Server, Socket, type AddressInfo } from 'node:net';
import { Flow, type Manner } from './flow.ts';

/** `up`: from who connects to who listens; `down`: the other way. */
export type Direction = 'up' | 'down';
export const DIRECTIONS = ['up', 'down'] as const;

/** How whoever connects is received. */
export type Reception =
  | 'open'
  | 'refuse'
  /** Taken in, and nothing is ever heard or said; reset in the end. */
  | 'mute';

/** What a way is made with. */
export interface WayOptions {
  readonly name: string;
  /** What everything on its way down passes on a connection, in whole operations of its protocol; what is not returned is lost. */
  readonly filter?: () => (bytes: Buffer) => Buffer;
}

interface Pair {
  readonly near: Socket;
  readonly far: Socket;
  readonly flows: Readonly<Record<Direction, Flow>>;
}

/** What befalls the next connection on which something is said. */
interface Trap {
  /** What has to be in the bytes, from who connects. */
  readonly said: Buffer;
  /** Whether they still arrive. */
  readonly arrives: boolean;
}

/** See the head of this file. */
export class Way {
  readonly name: string;
  readonly #filter: WayOptions['filter'];
  readonly #pairs = new Set<Pair>();
  /** Sockets one end of which was told that the other is gone, though it is not. */
  readonly #orphans = new Set<Socket>();
  #target = '';
  #reception: Reception = 'open';
  #manners: Readonly<Record<Direction, Manner>> = { up: { type: 'pass' }, down: { type: 'pass' } };
  #trap: Trap | null = null;
  readonly #server: Server;

  /** Opens one on a free port of this machine's loopback. */
  static async open(options: WayOptions): Promise<Way> {
    const way = new Way(options);
    await new Promise<void>((resolve) => void way.#server.listen(0, '127.0.0.1', resolve));
    return way;
  }

  private constructor({ name, filter }: WayOptions) {
    this.name = name;
    this.#filter = filter;
    this.#server = createServer({ allowHalfOpen: true }, (near) => this.#receive(near));
  }

  /** Where it begins: `host:port`. */
  get address(): string {
    return `127.0.0.1:${String((this.#server.address() as AddressInfo).port)}`;
  }

  /** Where it leads from now on. */
  leadTo(target: string): void {
    this.#target = target;
  }

  /** `url`, by this way. */
  urlOf(url: string): string {
    const by = new URL(url);
    this.leadTo(by.host);
    by.host = this.address;
    return by.href;
  }

  /** How bytes pass from now on, on all connections. */
  set(manner: Manner, directions: readonly Direction[] = DIRECTIONS): void {
    for (const direction of directions) {
      this.#manners = { ...this.#manners, [direction]: manner };
      for (const { flows } of this.#pairs) flows[direction].set(manner);
    }
  }

  /** How whoever connects is received from now on. */
  receive(reception: Reception): void {
    this.#reception = reception;
  }

  /** Breaks all connections: at both ends, or so that one end believes that it still has one. */
  reset(ends: 'both' | 'near' | 'far' = 'both'): void {
    for (const pair of this.#pairs) {
      this.#pairs.delete(pair);
      if (ends !== 'far') pair.near.resetAndDestroy();
      else this.#abandon(pair.near);
      if (ends !== 'near') pair.far.resetAndDestroy();
      else this.#abandon(pair.far);
    }
  }

  /** Ends all connections in good order: both ends are told that nothing more comes. */
  end(): void {
    for (const { near, far } of this.#pairs) {
      near.end();
      far.end();
    }
  }

  /** As soon as this is said on a connection, its answer is lost, or it does not even arrive; the connection is broken a moment later. */
  trap(trap: Trap | null): void {
    this.#trap = trap;
  }

  /** Everything is as it should be, and whoever believes in a connection that is none is told. */
  heal(): void {
    this.#trap = null;
    this.#reception = 'open';
    this.set({ type: 'pass' });
    for (const pair of this.#pairs)
      if (DIRECTIONS.some((direction) => pair.flows[direction].hasLost)) this.#break(pair);
    for (const socket of this.#orphans) socket.resetAndDestroy();
    this.#orphans.clear();
  }

  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => void this.#server.close(() => resolve()));
    this.reset();
    this.heal();
    await closed;
  }

  #receive(near: Socket): void {
    near.setNoDelay(true).on('error', () => undefined);
    if (this.#reception === 'refuse' || this.#target === '') {
      near.resetAndDestroy();
      return;
    }
    if (this.#reception === 'mute') {
      this.#abandon(near);
      return;
    }
    const [host = '', port = ''] = this.#target.split(':');
    const far = new Socket({ allowHalfOpen: true });
    far.setNoDelay(true).connect(Number(port), host);
    const filter = this.#filter?.();
    const pair: Pair = {
      near,
      far,
      flows: {
        up: new Flow(near, far, (bytes) => this.#hear(pair, bytes)),
        down: new Flow(far, near, filter),
      },
    };
    for (const direction of DIRECTIONS) pair.flows[direction].set(this.#manners[direction]);
    this.#pairs.add(pair);
    // A connection that broke at one end is broken at the other; one that ended in order is ended there by its flow.
    const over = (hadError: boolean): void => {
      if (!this.#pairs.has(pair)) return;
      if (hadError) this.#break(pair);
      else if (near.closed && far.closed) this.#pairs.delete(pair);
    };
    far.on('error', () => undefined);
    near.on('close', over);
    far.on('close', over);
  }

  #break(pair: Pair): void {
    this.#pairs.delete(pair);
    pair.near.resetAndDestroy();
    pair.far.resetAndDestroy();
  }

  #abandon(socket: Socket): void {
    this.#orphans.add(socket);
    socket.removeAllListeners('data').removeAllListeners('end').resume();
    socket.on('close', () => this.#orphans.delete(socket));
  }

  #hear(pair: Pair, bytes: Buffer): Buffer {
    const trap = this.#trap;
    if (trap === null || !bytes.includes(trap.said)) return bytes;
    this.#trap = null;
    pair.flows.down.set({ type: 'swallow' });
    if (!trap.arrives) pair.flows.up.set({ type: 'swallow' });
    // What was said is under way by then, and may be acted upon while nobody hears the answer.
    setTimeout(() => this.#break(pair), TRAPPED_MS);
    return bytes;
  }
}

/** How long a connection of which the answer is lost goes on, ms: the server is at work on it meanwhile. */
const TRAPPED_MS = 20;
