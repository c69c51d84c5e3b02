/**
 * The hub in memory: what `nats.conf` and a NATS server do for Corral, for simulations and tests without servers.
 * Programs reach it over links that can be delayed, frozen and cut; the hub itself forgets nothing.
 */
import { replyEncodingOf } from '../wire/request.ts';
import type { ServiceError } from '../wire/service-error.ts';
import { partitionOf } from '../wire/partition.ts';
import { FLEET_FIND, parseRequestSubject, siteCommand } from '../wire/subjects.ts';
import type { BackendRequest, Clock } from '../runtime/ports.ts';
import type { ReplyAddress } from '../../actors/twin.ts';
import type { MemoryLink } from './link.ts';
import { MessageStream } from './message-stream.ts';
import { ReportStreams } from './report-streams.ts';

/** What a backend gets for a request. */
export type MemoryAnswer =
  | { readonly type: 'reply'; readonly payload: Uint8Array; readonly error: ServiceError | null }
  /** Nobody serves it: certainly not decided on. */
  | { readonly type: 'no-responders' }
  /** The link is cut: certainly not sent. */
  | { readonly type: 'disconnected' }
  /** It was sent, and nothing is known. */
  | { readonly type: 'timeout' };

/** A request on `fleet.find`. */
export interface MemoryFindRequest {
  readonly payload: Uint8Array;
  readonly replyTo: ReplyAddress;
}

/** The account in which nodes ask, in the name of those who came to them over HTTP. */
export const RUNTIME_ACCOUNT = 'runtime';
/** For how long streams remember ids, ms: as long as those of a real hub. */
const DUPLICATE_WINDOW_MS = 120_000;

interface Server<Request> {
  readonly link: MemoryLink;
  readonly handle: (request: Request) => void;
}

/** One hub for all nodes, devices and backends of a world. */
export class MemoryHub {
  readonly reports = new ReportStreams();
  readonly changes = new MessageStream({ duplicateWindowMs: DUPLICATE_WINDOW_MS });
  readonly deadLetters = new MessageStream({ duplicateWindowMs: DUPLICATE_WINDOW_MS });
  readonly #clock: Clock;
  readonly #owners = new Map<number, Set<Server<BackendRequest>>>();
  readonly #finders = new Set<Server<MemoryFindRequest>>();
  readonly #sites = new Map<string, Set<(payload: Uint8Array) => void>>();
  readonly #waiting = new Map<string, (payload: Uint8Array, error: ServiceError | null) => void>();
  #requests = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Stores what a device of `site` publishes on `device.<device>.report`, under the partition the broker maps it to. */
  storeReport(
    site: string,
    device: string,
    payload: Uint8Array,
    id: string | null = null,
  ): { readonly sequence: number; readonly isDuplicate: boolean } {
    const subject = `report.${String(partitionOf(device))}.${site}.${device}`;
    return this.reports.of(site).append({ subject, payload, id, now: this.#clock.now() });
  }

  /** Hears `device.<device>.command` in `site`, until the returned function is called. */
  onCommand(site: string, device: string, handle: (payload: Uint8Array) => void): () => void {
    return addTo(this.#sites, siteCommand(site, device), handle);
  }

  /** A command arrived from a node. */
  routeCommand(site: string, device: string, payload: Uint8Array): void {
    for (const handle of this.#sites.get(siteCommand(site, device)) ?? []) handle(payload.slice());
  }

  /** Serves the requests of a partition over `link`, until the returned function is called. */
  serve(partition: number, server: Server<BackendRequest>): () => void {
    return addTo(this.#owners, partition, server);
  }

  /** Serves `fleet.find` over `link`, until the returned function is called. */
  serveFind(server: Server<MemoryFindRequest>): () => void {
    this.#finders.add(server);
    return () => void this.#finders.delete(server);
  }

  /** A node answers; a requester that has stopped waiting hears nothing. */
  routeReply(to: ReplyAddress, payload: Uint8Array, error: ServiceError | null): void {
    this.#waiting.get(to.subject)?.(payload.slice(), error);
  }

  /** A backend's request over its own link, in the name of its account. */
  request(
    link: MemoryLink,
    subject: string,
    payload: Uint8Array,
    timeoutMs: number,
    account = 'backend',
  ): Promise<MemoryAnswer> {
    return new Promise((resolve) => {
      this.#requests += 1;
      const replyTo = { subject: `reply.${String(this.#requests)}`, encoding: replyEncodingOf(payload) };
      const answer = (answered: MemoryAnswer): void => {
        cancel();
        unlisten();
        this.#waiting.delete(replyTo.subject);
        resolve(answered);
      };
      const cancel = this.#clock.after(timeoutMs, () => answer({ type: 'timeout' }));
      const unlisten = link.onChange((state) => {
        if (state === 'cut') answer({ type: 'timeout' });
      });
      this.#waiting.set(replyTo.subject, (reply, error) => {
        link.receive('reply', () => answer({ type: 'reply', payload: reply, error }));
      });
      const hasLeft = link.send('request', () => {
        if (this.#routeRequest({ account, subject, payload, replyTo })) return;
        link.receive('reply', () => answer({ type: 'no-responders' }));
      });
      if (!hasLeft) answer({ type: 'disconnected' });
    });
  }

  #routeRequest(asked: {
    readonly account: string;
    readonly subject: string;
    readonly payload: Uint8Array;
    readonly replyTo: ReplyAddress;
  }): boolean {
    const { account, subject, payload, replyTo } = asked;
    const turn = this.#requests;
    if (subject === FLEET_FIND) return handOver(this.#finders, turn, { payload: payload.slice(), replyTo });
    const request = parseRequestSubject(imported(account, subject));
    if (request === null) return false;
    const owners = this.#owners.get(request.partition) ?? new Set<Server<BackendRequest>>();
    return handOver(owners, turn, { ...request, payload: payload.slice(), replyTo, trace: null });
  }
}

/** The subject as owners hear it. What a node asks for its own callers needs no import, and names them. */
function imported(account: string, subject: string): string {
  const [root, device = '', ...verb] = subject.split('.');
  if (root === 'owner' && account === RUNTIME_ACCOUNT) return subject;
  return root === 'twin' ? ['owner', partitionOf(device), 'nats', account, device, ...verb].join('.') : '';
}

/** To one of the servers that the hub can reach, in turn. A frozen link looks as if it could be. */
function handOver<Request>(servers: Iterable<Server<Request>>, turn: number, request: Request): boolean {
  const reachable = [...servers].filter(({ link }) => link.state !== 'cut');
  const server = reachable[turn % reachable.length];
  return server?.link.receive('request', () => server.handle(request)) ?? false;
}

function addTo<Key, Item>(map: Map<Key, Set<Item>>, key: Key, item: Item): () => void {
  const items = map.get(key) ?? new Set<Item>();
  map.set(key, items);
  items.add(item);
  return () => {
    items.delete(item);
    if (items.size === 0) map.delete(key);
  };
}
