/**
 * What callers are told by a node on the hub and the store in memory, where the store fails at the worst moment: by the client, over HTTP
 * as a node passes it on, and raw. Nobody is told that a command was certainly not accepted which is, or may be, in the ledger.
 */
import { randomUUID } from 'node:crypto';
import { pino } from 'pino';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { RECENT_MAX } from '../../actors/resolve.ts';
import { kinds } from '../../machines/kinds.ts';
import { CorralUnreachable } from '../../src/client/errors.ts';
import type { Requester } from '../../src/client/requester.ts';
import { TwinClient } from '../../src/client/twin-client.ts';
import { commandGateway } from '../../src/app/hub-command-port.ts';
import { DeviceLog } from '../../src/telemetry/device-log.ts';
import type { CommandAnswer } from '../../src/http/command-port.ts';
import { MemoryBus } from '../../src/memory/bus.ts';
import { MemoryFeed } from '../../src/memory/feed.ts';
import { MemoryHub, RUNTIME_ACCOUNT } from '../../src/memory/hub.ts';
import { MemoryLink } from '../../src/memory/link.ts';
import { MemoryStore } from '../../src/memory/store.ts';
import { DEFAULT_LIMITS } from '../../src/runtime/limits.ts';
import { Node } from '../../src/runtime/node.ts';
import { systemClock } from '../../src/system/system-clock.ts';
import { createTelemetry } from '../../src/telemetry/telemetry.ts';
import { encode } from '../../src/wire/codec.ts';
import { RIGHT_HUB } from '../../tools/right-hub.ts';
import { until } from '../nodes/node.ts';

const DEVICE = 'cp-1';
const REASON = 'the store is away';

/** A store that can be away for look-ups, and that may take a command and lose its answer. */
class FailingStore extends MemoryStore {
  areLookUpsAway = false;
  isAnswerLost = false;

  override async ledgerEntry(
    ...asked: Parameters<MemoryStore['ledgerEntry']>
  ): ReturnType<MemoryStore['ledgerEntry']> {
    if (this.areLookUpsAway) throw new Error(REASON);
    return super.ledgerEntry(...asked);
  }

  override async commit(...asked: Parameters<MemoryStore['commit']>): ReturnType<MemoryStore['commit']> {
    const answer = await super.commit(...asked);
    const [{ ledger }] = asked;
    if (!this.isAnswerLost || ledger.length === 0) return answer;
    this.isAnswerLost = false;
    return { type: 'unavailable', cause: new Error('the answer is lost') };
  }
}

let hub: MemoryHub;
let store: FailingStore;
let node: Node;
let client: TwinClient;
let seq: number;

const requester = (account?: string): Requester => {
  const link = new MemoryLink(systemClock);
  return {
    request: ({ subject, payload, timeoutMs }) => hub.request(link, subject, payload, timeoutMs, account),
  };
};

beforeEach(async () => {
  seq = 0;
  hub = new MemoryHub(systemClock);
  store = new FailingStore({ kinds, clock: systemClock, serverErrorMs: 50, retentionDays: 30 });
  const log = pino({ level: 'silent' });
  const { telemetry } = createTelemetry(log, new DeviceLog(log, systemClock), systemClock);
  node = new Node({
    kinds,
    clock: systemClock,
    store,
    node: 'n1',
    telemetry,
    clockProblem: () => null,
    hubClock: RIGHT_HUB,
    feed: new MemoryFeed({ hub, link: new MemoryLink(systemClock), clock: systemClock }),
    bus: new MemoryBus({ hub, link: new MemoryLink(systemClock), clock: systemClock }),
    limits: { ...DEFAULT_LIMITS, leaseTtlMs: 60_000 },
  });
  client = new TwinClient(
    { requester: requester(), clock: systemClock, newId: randomUUID, random: () => 0.5 },
    'json',
  );
  await node.start();
  say();
  await until('it is heard', async () => {
    const seen = await client.get(DEVICE, { deadlineMs: 200 }).catch(String);
    return typeof seen === 'string' ? { done: false, seen } : { done: true };
  });
});
afterEach(() => node.stop());

function say(commands: readonly object[] = []): void {
  seq += 1;
  const report = { boot: 1, seq, up: seq, kind: 'charge-point', state: 'available', sensors: {}, commands };
  hub.storeReport('depot', DEVICE, encode(report, 'json'));
}

/** A command that is done, and so many others after it that the twin does not remember it: only the ledger does. */
async function forgottenByTheTwin(): Promise<string> {
  const ids: string[] = [];
  for (let count = 0; count < RECENT_MAX + 2; count += 1) {
    const id = randomUUID();
    ids.push(id);
    const { n } = await client.command(DEVICE, 'report', {}, { id, waitMs: 0 });
    say([{ n, outcome: 'done' }]);
    await until('it is done', async () => {
      const { outcome } = await client.ledger(DEVICE, id);
      return outcome === 'done' ? { done: true } : { done: false, seen: outcome };
    });
  }
  return ids[0]!;
}

const thrownBy = (work: Promise<unknown>): Promise<unknown> => work.catch((error: unknown) => error);

function overHttp(id: string): Promise<CommandAnswer> {
  const order = { device: DEVICE, name: 'report', id, args: {}, waitMs: 0, ifVersion: null, by: null };
  return commandGateway(requester(RUNTIME_ACCOUNT)).command({ ...order, traceParent: null }, 'operator');
}

test('an id that cannot be looked up is not unknown: nobody is told so, nor that it was not accepted', async () => {
  const id = await forgottenByTheTwin();
  const { n } = await client.ledger(DEVICE, id);
  store.areLookUpsAway = true;
  const asked = await thrownBy(client.ledger(DEVICE, id, { deadlineMs: 100 }));
  expect(asked).toBeInstanceOf(CorralUnreachable);
  expect(asked).toMatchObject({ acceptance: 'maybe' });
  const again = await thrownBy(client.command(DEVICE, 'report', {}, { id, waitMs: 0, deadlineMs: 100 }));
  expect(again).toMatchObject({ name: 'CorralUnreachable', wasSent: 'maybe', acceptance: 'not-this-copy' });
  expect(String(again)).toContain(REASON);
  expect(await overHttp(id)).toMatchObject({
    type: 'no-owner',
    detail: expect.stringContaining(REASON) as string,
  });
  store.areLookUpsAway = false;
  expect(await client.ledger(DEVICE, id)).toMatchObject({ n, outcome: 'done' });
});

test('what its owner cannot tell to be kept may have been accepted, by the client and over HTTP, and was', async () => {
  for (const ask of [
    async (id: string) =>
      (await thrownBy(client.command(DEVICE, 'report', {}, { id, deadlineMs: 10 }))) as object,
    (id: string) => overHttp(id),
  ]) {
    const id = randomUUID();
    store.isAnswerLost = true;
    const said = await ask(id);
    expect(said).toMatchObject(
      said instanceof CorralUnreachable ? { wasSent: 'maybe', acceptance: 'maybe' } : { type: 'unanswered' },
    );
    await until('the ledger has it', async () => {
      const seen = await thrownBy(client.ledger(DEVICE, id, { deadlineMs: 200 }));
      return seen instanceof Error ? { done: false, seen: seen.message } : { done: true };
    });
  }
});

test('a refusal that may be said before an id is looked up says nothing of an earlier request under it', async () => {
  const id = await forgottenByTheTwin();
  const refused = async (options: {
    readonly id?: string;
    readonly isFirstUse?: boolean;
  }): Promise<unknown> =>
    thrownBy(client.command(DEVICE, 'reserve', { holdMs: 'long' }, { ...options, waitMs: 0 }));
  const bad = { name: 'CorralRefusal', code: 'bad-arguments' };
  expect(await refused({ id: randomUUID() })).toMatchObject({ ...bad, acceptance: 'not-this-copy' });
  expect(await refused({ id: randomUUID(), isFirstUse: true })).toMatchObject({ ...bad, acceptance: 'no' });
  expect(await refused({})).toMatchObject({ ...bad, acceptance: 'no' });
  expect(await refused({ id })).toMatchObject({ code: 'id-reused', acceptance: 'no' });
});
