/**
 * No operation answers 5xx to any input, whatever it is: tried on each store, with what the description of the interface says there is.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { HttpGuards } from '../../src/http/limits.ts';
import { commandOutcome } from '../../src/contract/ledger-entry.ts';
import { faultsAmong } from '../hostile/http-fuzz.ts';
import { type Description, everyNasty, nastyMixtures } from '../hostile/nasty-requests.ts';
import { commitLives, fleet, PENDING_ID, time } from './http-fleet.ts';
import { type HttpNode, httpOver, OPEN, StandingClock } from './http-node.ts';
import { type OpenStore, stores } from './http-stores.ts';
import { entry } from './store-samples.ts';

const OPERATOR = { name: 'fuzz', token: 'a-token-that-may-operate' };
const GUARDS: HttpGuards = {
  ...OPEN,
  access: { readTokens: [], operateTokens: [OPERATOR], isReadOpen: true },
};
const headers = { authorization: `Bearer ${OPERATOR.token}` };

const KNOWN = {
  device: ['cp-001'],
  kind: ['car'],
  code: ['stale'],
  id: [PENDING_ID],
  time: [time(-60)],
  name: ['"report"'],
};
const SEED = 11;
const MIXTURES = 1_500;
const PARALLEL = 8;

describe.each(stores)('over $name', ({ open }) => {
  let opened: OpenStore;
  let node: HttpNode;
  let url: string;
  let description: Description;

  beforeAll(async () => {
    opened = await open(new StandingClock());
    await commitLives(opened.store, fleet);
    node = await httpOver(opened.store, opened.clock, GUARDS);
    node.commands = {
      command: async ({ id, name, args }) => ({
        type: 'accepted',
        outcome: commandOutcome(entry('cp-001', { id, name, args })),
      }),
    };
    node.forgetting = {
      forget: async ({ device, reason, by }, asker) => ({
        type: 'forgotten',
        reply: {
          device,
          reason,
          by,
          asker,
          site: 'depot',
          at: opened.clock.now(),
          outcome: 'forgotten',
          isRepeated: false,
          inFlight: 'nothing',
          inFlightUntil: null,
        },
      }),
    };
    url = await node.app.listen({ host: '127.0.0.1', port: 0 });
    description = (await (await fetch(`${url}/openapi.json`)).json()) as Description;
  });
  afterAll(async () => {
    await node.app.close();
    await opened.end();
  });

  test('no nasty value in any place of any operation is answered 5xx', async () => {
    const requests = everyNasty(description, KNOWN);
    expect(requests.length).toBeGreaterThan(5_000);
    const { faults, statuses } = await faultsAmong(requests, { url, parallel: PARALLEL, headers });
    expect(faults).toEqual([]);
    // They get to where something is asked, and are not all turned away at the door.
    expect(statuses.get(200) ?? 0).toBeGreaterThan(500);
    expect(statuses.get(400) ?? 0).toBeGreaterThan(500);
  });

  test('no mixture of nasty values is answered 5xx', async () => {
    const requests = nastyMixtures(description, KNOWN, { seed: SEED, count: MIXTURES });
    const { faults } = await faultsAmong(requests, { url, parallel: PARALLEL, headers });
    expect(faults).toEqual([]);
  });
});
