/**
 * A client of the HTTP side, and what it takes an answer to be.
 */
import type { Lease } from '../../src/runtime/ports.ts';
import { expect } from 'vitest';
import { PROBLEMS } from '../../src/http/problem.ts';
import { commitLives, fleet } from './http-fleet.ts';
import { type HttpNode, httpOver, StandingClock } from './http-node.ts';
import type { OpenStore, StoreKind } from './http-stores.ts';

/** What was answered. */
export interface Answer {
  readonly status: number;
  readonly type: string;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly text: string;
  readonly body: Body;
}

/** What the tests look at in a body, of whatever resource. */
interface Body extends Readonly<Record<List, readonly Item[]>> {
  readonly cursor: string | null;
  readonly after: string | null;
  readonly next: string | null;
  readonly version: number;
  readonly asOf: string;
  readonly ageMs: number;
  readonly clock: { readonly verified: boolean; readonly errorMs: number };
  readonly allowed: readonly string[];
  readonly knownNow: { readonly state: string | null; readonly report: Item };
  readonly detail: string;
  readonly parameter: string;
  readonly instance: string;
  readonly total: number;
  readonly states: Readonly<Record<string, number>>;
  readonly shownStates: Readonly<Record<string, number>>;
  readonly qualities: Readonly<Record<string, number>>;
}

type List = 'devices' | 'reports' | 'intervals' | 'transitions' | 'commands' | 'problems';

/** One of a list, of whatever resource. */
export interface Item extends Readonly<Record<TextMember, string>> {
  readonly boot: number;
  readonly seq: number;
  readonly to: string | null;
}

type TextMember =
  | ('device' | 'kind' | 'site' | 'state' | 'quality' | 'firmware')
  | ('disposition' | 'fate' | 'from' | 'measuredAt' | 'proof' | 'certainAt' | 'code');

/** Asks the HTTP side of a node over a store that holds the fleet of `http-fleet.ts`. */
export class FleetClient {
  readonly node: HttpNode;
  readonly opened: OpenStore;
  /** Of the node that owns every device. */
  leases: readonly Lease[] = [];

  private constructor(node: HttpNode, opened: OpenStore) {
    this.node = node;
    this.opened = opened;
  }

  static async over({ open }: StoreKind): Promise<FleetClient> {
    const opened = await open(new StandingClock());
    await commitLives(opened.store, fleet);
    const client = new FleetClient(await httpOver(opened.store, opened.clock), opened);
    await client.#own();
    return client;
  }

  /** Commits more. */
  async commit(lives: Parameters<typeof commitLives>[1]): Promise<void> {
    await this.opened.store.release(this.leases);
    await commitLives(this.opened.store, lives);
    await this.#own();
  }

  /** While it is asked, a node owns every device. */
  async #own(): Promise<void> {
    this.leases = await this.opened.store.acquire({
      node: 'a-node',
      limit: 32,
      ttlMs: 3_600_000,
      epochAtLeast: Date.now(),
    });
  }

  async request(
    method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'DELETE' | 'OPTIONS',
    url: string,
    headers: Record<string, string> = {},
  ): Promise<Answer> {
    const response = await this.node.app.inject({ method, url, headers });
    const type = String(response.headers['content-type']);
    const text = response.body;
    const body = (type.includes('json') && text !== '' ? JSON.parse(text) : null) as Body;
    return { status: response.statusCode, type, headers: response.headers, text, body };
  }

  get(url: string, headers?: Record<string, string>): Promise<Answer> {
    return this.request('GET', url, headers);
  }

  /** Every page, by `next`. */
  async everyPage(url: string, list: List): Promise<Item[]> {
    const items: Item[] = [];
    let next: string | null = url;
    while (next !== null) {
      const { status, body } = await this.get(next);
      expect(status, `GET ${next}: ${JSON.stringify(body)}`).toBe(200);
      items.push(...body[list]);
      next = body.next;
    }
    return items;
  }

  async end(): Promise<void> {
    await this.node.app.close();
    await this.opened.end();
  }
}

/** The answer is this problem, in every word that a problem has. */
export function expectProblem(answer: Answer, code: keyof typeof PROBLEMS): void {
  const { status, title } = PROBLEMS[code];
  expect(answer.body).toMatchObject({ code, status, title, type: `/problems/${code}` });
  expect(answer.status).toBe(status);
  expect(answer.type).toMatch(/^application\/problem\+json/);
  expect(answer.body.detail).toEqual(expect.any(String));
  expect(answer.body.instance).toMatch(/^urn:uuid:[0-9a-f-]{36}$/);
}
