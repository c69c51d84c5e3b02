/**
 * A body is taken as it is written: what is of another type than its member wants is refused with a sentence, on every route that has a
 * body, and is not made into what is wanted. A query is text, and is.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { HttpGuards } from '../../src/http/limits.ts';
import { commandOutcome } from '../../src/contract/ledger-entry.ts';
import { commitLives, fleet } from './http-fleet.ts';
import { type HttpNode, httpOver, OPEN, StandingClock } from './http-node.ts';
import { type OpenStore, stores } from './http-stores.ts';
import { entry } from './store-samples.ts';

const OPERATOR = { name: 'eva', token: 'a-token-that-may-operate' };
const GUARDS: HttpGuards = {
  ...OPEN,
  access: { readTokens: [], operateTokens: [OPERATOR], isReadOpen: true },
};

/** Right members of bodies, by name: whoever adds one to a route adds it here. */
const RIGHT: Readonly<Record<string, unknown>> = {
  id: '00000000-0000-4000-8000-000000000001',
  name: 'report',
  args: {},
  ifVersion: 1,
  by: 'eva',
  reason: 'sold',
};

/** What is not of a type, however much it looks like it. */
const WRONG: Readonly<Record<string, readonly unknown[]>> = {
  string: [true, 7, null, ['sold'], {}],
  integer: [true, '7', null, '', [7], 1.5],
  object: [true, 7, 'map', null, []],
};

interface Member {
  readonly type: string;
}
interface Operation {
  readonly requestBody?: {
    readonly content: Readonly<
      Record<string, { readonly schema: { readonly properties: Readonly<Record<string, Member>> } }>
    >;
  };
}

let opened: OpenStore;
let node: HttpNode;
/** Every route with a body, and what its body may have. */
let routes: readonly { readonly url: string; readonly members: Readonly<Record<string, Member>> }[];

beforeAll(async () => {
  opened = await stores[0]!.open(new StandingClock());
  await commitLives(opened.store, fleet);
  node = await httpOver(opened.store, opened.clock, GUARDS);
  node.commands = {
    command: async ({ id, name, args }) => ({
      type: 'accepted',
      outcome: commandOutcome(entry('cp-001', { id, name, args })),
    }),
  };
  const { paths } = (await node.app.inject({ url: '/openapi.json' })).json<{
    paths: Record<string, Record<string, Operation>>;
  }>();
  routes = Object.entries(paths).flatMap(([path, operations]) =>
    Object.values(operations).flatMap(({ requestBody }) => {
      const members = requestBody?.content['application/json']?.schema.properties;
      return members === undefined ? [] : [{ url: path.replaceAll('{device}', 'cp-001'), members }];
    }),
  );
});
afterAll(async () => {
  await node.app.close();
  await opened.end();
});

async function post(
  url: string,
  body: object,
): Promise<{ readonly statusCode: number; readonly body: string }> {
  const headers = { authorization: `Bearer ${OPERATOR.token}`, 'content-type': 'application/json' };
  return node.app.inject({ method: 'POST', url, headers, payload: JSON.stringify(body) });
}

describe('a member of a body', () => {
  test('that is of another type is refused on every route, by its name, with what was given and what is wanted', async () => {
    expect(routes.length).toBeGreaterThanOrEqual(2);
    for (const { url, members } of routes) {
      const right = Object.fromEntries(Object.keys(members).map((name) => [name, RIGHT[name]]));
      expect(Object.values(right), url).not.toContain(undefined);
      for (const [name, { type }] of Object.entries(members)) {
        for (const wrong of WRONG[type]!) {
          const { statusCode, body } = await post(url, { ...right, [name]: wrong });
          const what = `${url} ${name}: ${JSON.stringify(wrong)}`;
          expect(statusCode, `${what} ${body}`).toBe(400);
          const { code, detail } = JSON.parse(body) as { readonly code: string; readonly detail: string };
          expect(code, what).toBe('bad-body');
          expect(detail, what).toContain(`body.${name} must be ${type}, got `);
        }
      }
    }
  });

  test('that is right is passed on as it was written, and a number in a query is text', async () => {
    const orders: unknown[] = [];
    const accept = node.commands;
    node.commands = {
      command: (order, caller) => {
        orders.push(order);
        return accept.command(order, caller);
      },
    };
    const args = { count: '5', flag: true, deep: [{ n: 1 }] };
    const url = '/v1/devices/cp-001/commands?waitMs=5';
    const answer = await post(url, { name: 'report', args, ifVersion: 3, by: '7' });
    expect(answer.statusCode, answer.body).toBeLessThan(300);
    expect(orders).toMatchObject([{ args, ifVersion: 3, by: '7', waitMs: 5 }]);
    const wrong = await post('/v1/devices/cp-001/commands?waitMs=soon', { name: 'report' });
    expect(JSON.parse(wrong.body)).toMatchObject({ code: 'bad-query', parameter: 'waitMs' });
  });
});
