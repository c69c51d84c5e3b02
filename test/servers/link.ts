/**
 * A TCP link that can be cut, frozen and healed: it stands between a site's leaf and the hub, where outages happen.
 *
 * The hub has to advertise the link's address (`startHub({ link })` does so); otherwise the leaf learns the hub's own and
 * reconnects round the link.
 */
import { createServer, Socket, type AddressInfo } from 'node:net';
import { PassThrough, Transform } from 'node:stream';
import { setTimeout as pause } from 'node:timers/promises';

/** `up`: from the site to the hub; `down`: from the hub to the site. */
export type LinkDirection = 'up' | 'down';

/** A link between two TCP programs. */
export interface Link {
  /** `host:port` where the site connects. */
  readonly address: string;
  /** Where the link leads: `host:port`. Connections that are made from now on go there. */
  readonly leadTo: (target: string) => void;
  /** Resets all connections and refuses new ones, until `heal`. */
  readonly cut: () => void;
  /**
   * From now on nothing passes, in one direction or in both, and nobody is told: connections stay open and new ones are
   * accepted. What comes in meanwhile passes after `heal`, as on a network that stalls.
   */
  readonly freeze: (direction?: LinkDirection) => void;
  /** From now on whatever passes takes this long in each direction, ms: on connections that are made from now on. */
  readonly delay: (ms: number) => void;
  /** Undoes `cut` and `freeze`. */
  readonly heal: () => void;
  /** Connections that are open now. */
  readonly connections: () => number;
  /** Ends all connections and the link itself. */
  readonly close: () => Promise<void>;
}

interface Pair {
  readonly site: Socket;
  readonly hub: Socket;
  /** What a byte passes on its way in each direction. */
  readonly up: Transform;
  readonly down: Transform;
}

/** Everything comes out in order, so long after it went in. */
function delayLine(delayMs: number): Transform {
  if (delayMs === 0) return new PassThrough();
  let last: Promise<void> = Promise.resolve();
  return new Transform({
    highWaterMark: DELAYED_BYTES_MAX,
    transform(chunk: Buffer, _encoding, done) {
      last = Promise.all([last, pause(delayMs)]).then(() => void this.push(chunk));
      done();
    },
    flush(done) {
      void last.then(() => done());
    },
  });
}

/** Bytes on their way on a slow link, in each direction. */
const DELAYED_BYTES_MAX = 1024 * 1024;

/**
 * Opens a link on a free port of this machine's loopback. `filter` makes what everything from the hub passes on a connection, and may keep
 * back what it wants.
 */
export async function startLink({ filter }: { readonly filter?: () => Transform } = {}): Promise<Link> {
  let target: string | null = null;
  let isCut = false;
  let delayMs = 0;
  const frozen = new Set<LinkDirection>();
  const pairs = new Set<Pair>();

  const flow = (from: Socket, line: Transform, direction: LinkDirection): void => {
    from.unpipe(line);
    if (frozen.has(direction)) from.pause();
    else from.pipe(line);
  };
  const flowBothWays = ({ site, hub, up, down }: Pair): void => {
    flow(site, up, 'up');
    flow(hub, down, 'down');
  };

  const server = createServer((site) => {
    if (isCut || target === null) {
      site.on('error', () => undefined);
      site.resetAndDestroy();
      return;
    }
    const [host = '', port = ''] = target.split(':');
    const pair = { site, hub: new Socket(), up: delayLine(delayMs), down: delayLine(delayMs) };
    pair.up.pipe(pair.hub);
    (filter === undefined ? pair.down : pair.down.pipe(filter())).pipe(site);
    pair.hub.connect(Number(port), host);
    pairs.add(pair);
    const end = (): void => {
      pairs.delete(pair);
      site.destroy();
      pair.hub.destroy();
    };
    for (const socket of [site, pair.hub]) socket.setNoDelay(true).on('error', end).on('close', end);
    flowBothWays(pair);
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });

  const reset = (): void => {
    for (const { site, hub } of pairs) {
      site.resetAndDestroy();
      hub.resetAndDestroy();
    }
  };
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    leadTo: (address) => {
      target = address;
    },
    cut: () => {
      isCut = true;
      reset();
    },
    freeze: (direction) => {
      for (const each of direction === undefined ? (['up', 'down'] as const) : [direction]) frozen.add(each);
      pairs.forEach(flowBothWays);
    },
    delay: (ms) => {
      delayMs = ms;
    },
    heal: () => {
      isCut = false;
      frozen.clear();
      pairs.forEach(flowBothWays);
    },
    connections: () => pairs.size,
    close: async () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      reset();
      await closed;
    },
  };
}
