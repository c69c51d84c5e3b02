/** What the client asks, how often, and what it concludes, in a world with a clock of its own and a network that fails. */
import { beforeEach, describe, expect, test } from 'vitest';
import type { LedgerEntry, Outcome } from '../../../src/contract/ledger-entry.ts';
import type { FirstUse } from '../../../src/contract/refusal.ts';
import { CorralBadReply, CorralRefusal, CorralUnreachable } from '../../../src/client/errors.ts';
import type { Answer } from '../../../src/client/requester.ts';
import { type ClientPorts, TwinClient } from '../../../src/client/twin-client.ts';
import { MemoryBus } from '../../../src/memory/bus.ts';
import { MemoryHub } from '../../../src/memory/hub.ts';
import { MemoryLink } from '../../../src/memory/link.ts';
import type { BackendRequest, Clock } from '../../../src/runtime/ports.ts';
import { decode, encode } from '../../../src/wire/codec.ts';
import { partitionOf } from '../../../src/wire/partition.ts';
import {
  type EncodedReply,
  encodeFailure,
  encodeFound,
  encodeRefusal,
  encodeReply,
  encodeUnavailable,
} from '../../../src/wire/reply.ts';
import { readCommand, readFind } from '../../../src/wire/request.ts';
import { Schedule } from '../../simulation/world/schedule.ts';

const device = 'cp-1';
const firstId = '00000000-0000-4000-8000-000000000001';
const idReused = { code: 'id-reused', detail: 'it is that of release', state: null, allowed: [] } as const;

function entry(id: string, outcome: Outcome): LedgerEntry {
  const isOpen = outcome === 'pending';
  return {
    device,
    id,
    n: 1,
    name: 'reserve',
    args: {},
    by: null,
    asker: 'nats:backend',
    epoch: 1,
    incarnation: 1,
    boot: 1,
    notAfterUp: 1,
    holdMs: null,
    acceptedAt: 1,
    sentAt: 1,
    certainAt: 2,
    outcome,
    reason: null,
    proof: null,
    decidedAt: isOpen ? null : 2,
    closedAt: isOpen ? null : 2,
    compensatedBy: 'release',
  };
}

let schedule: Schedule;
let clock: Clock;
let hub: MemoryHub;
let nodeLink: MemoryLink;
let backendLink: MemoryLink;
let bus: MemoryBus;
let client: TwinClient;
let requests: BackendRequest[];
let stopServing: () => Promise<void>;

beforeEach(() => {
  schedule = new Schedule(1_000_000);
  clock = {
    now: () => schedule.now,
    monotonic: () => schedule.now,
    after: (delayMs, work) => schedule.after(delayMs, work),
  };
  hub = new MemoryHub(clock);
  nodeLink = new MemoryLink(clock);
  backendLink = new MemoryLink(clock);
  bus = new MemoryBus({ hub, link: nodeLink, clock });
  requests = [];
  let ids = 0;
  const ports: ClientPorts = {
    requester: {
      request: ({ subject, payload, timeoutMs }) => hub.request(backendLink, subject, payload, timeoutMs),
    },
    clock,
    newId: () => {
      ids += 1;
      return `00000000-0000-4000-8000-${String(ids).padStart(12, '0')}`;
    },
    random: () => 0,
  };
  client = new TwinClient(ports);
});

/** Serves the device; `null` leaves a request without an answer. */
function serve(answer: (request: BackendRequest, count: number) => EncodedReply | null): void {
  stopServing = bus.serve(partitionOf(device), (request) => {
    requests.push(request);
    const reply = answer(request, requests.length);
    if (reply !== null) bus.reply(request.replyTo, reply.payload, reply.error);
  });
}

/** Lets time pass until `work` has settled. */
async function settled<T>(work: Promise<T>): Promise<T> {
  const state = { isSettled: false };
  const noted = work.finally(() => {
    state.isSettled = true;
  });
  noted.catch(() => undefined);
  for (let steps = 0; !state.isSettled && steps < 10_000; steps += 1)
    await schedule.runUntil(schedule.now + 50);
  return noted;
}

const failureOf = (work: Promise<unknown>): Promise<unknown> =>
  settled(work).catch((error: unknown) => error);

const ledgerReply =
  (outcome: Outcome) =>
  (request: BackendRequest): EncodedReply =>
    encodeReply({ type: 'ledger', entry: entry(idOf(request), outcome) }, request.replyTo.encoding);

function idOf(request: BackendRequest): string {
  const read = readCommand(request.payload);
  if (!read.ok) throw new Error(read.detail);
  return read.body.id;
}

describe('a command', () => {
  test('returns its outcome, told apart by it', async () => {
    serve(ledgerReply('rejected'));
    const result = await settled(
      client.command(device, 'reserve', { holdMs: 5 }, { by: 'user 7', ifVersion: 3, waitMs: 0 }),
    );
    expect(result).toMatchObject({ outcome: 'rejected', id: firstId });
    expect(readCommand(requests[0]!.payload)).toEqual({
      ok: true,
      body: { id: firstId, args: { holdMs: 5 }, waitMs: 0, ifVersion: 3, by: 'user 7' },
    });
  });

  test.each([
    ['of another device', { device: 'cp-other' }],
    ['under another id', { id: '00000000-0000-4000-8000-00000000ffff' }],
    ['of another name', { name: 'release' }],
  ])('takes an answer about a command %s for none', async (_what, foreign) => {
    serve((request, count) => {
      const own = entry(idOf(request), 'done');
      const told = count === 1 ? { ...own, ...foreign } : own;
      return encodeReply({ type: 'ledger', entry: told }, request.replyTo.encoding);
    });
    expect(await settled(client.command(device, 'reserve'))).toMatchObject({ id: firstId, device });
    expect(requests).toHaveLength(2);
  });

  test("takes another command's refusal for no answer", async () => {
    const refusal = { code: 'offline', detail: 'not heard', state: null, allowed: [] } as const;
    serve((request, count) =>
      count === 1
        ? encodeRefusal({ ...refusal, id: '00000000-0000-4000-8000-00000000ffff' }, 'json')
        : ledgerReply('done')(request),
    );
    expect(await settled(client.command(device, 'reserve'))).toMatchObject({ outcome: 'done' });
  });

  test('without an answer is asked again with the same id', async () => {
    serve((request, count) => (count < 4 ? null : ledgerReply('done')(request)));
    expect(await settled(client.command(device, 'reserve'))).toMatchObject({ outcome: 'done' });
    expect(requests.map(idOf)).toEqual([firstId, firstId, firstId, firstId]);
  });

  test('of which the answer was lost in an outage is asked again at once after it', async () => {
    serve((request, count) => {
      if (count === 1) {
        backendLink.cut();
        schedule.after(300, () => backendLink.heal());
      }
      return ledgerReply('done')(request);
    });
    const askedAt = schedule.now;
    expect(await settled(client.command(device, 'reserve'))).toMatchObject({ outcome: 'done' });
    expect(requests.map(idOf)).toEqual([firstId, firstId]);
    expect(schedule.now - askedAt).toBeLessThan(2_000);
  });

  test('waits out a takeover, in which nobody owns the device', async () => {
    schedule.after(6_000, () => serve(ledgerReply('done')));
    expect(await settled(client.command(device, 'reserve'))).toMatchObject({ outcome: 'done' });
    expect(requests).toHaveLength(1);
  });

  test('that is still pending is waited for in slices, so that a dead node is noticed', async () => {
    const waits: number[] = [];
    serve((request) => {
      const read = readCommand(request.payload);
      const waitMs = read.ok ? read.body.waitMs : 0;
      waits.push(waitMs);
      const outcome = waits.length < 4 ? 'pending' : 'done';
      schedule.after(waitMs, () => {
        const { payload } = ledgerReply(outcome)(request);
        bus.reply(request.replyTo, payload);
      });
      return null;
    });
    expect(await settled(client.command(device, 'reserve', {}, { waitMs: 60_000 }))).toMatchObject({
      outcome: 'done',
    });
    expect(waits).toEqual([5_000, 5_000, 5_000, 5_000]);
  });

  test('that is pending when the wait is over is returned as pending', async () => {
    serve((request) => {
      schedule.after(1_000, () => bus.reply(request.replyTo, ledgerReply('pending')(request).payload));
      return null;
    });
    const askedAt = schedule.now;
    expect(await settled(client.command(device, 'reserve', {}, { waitMs: 2_500 }))).toMatchObject({
      outcome: 'pending',
    });
    expect(schedule.now - askedAt).toBeLessThan(5_000);
  });

  test('that is unknown is returned as unknown, not asked again and not rounded to failed', async () => {
    serve(ledgerReply('unknown'));
    expect(await settled(client.command(device, 'reserve', {}, { waitMs: 60_000 }))).toMatchObject({
      outcome: 'unknown',
    });
    expect(requests).toHaveLength(1);
  });

  test('that was refused says the code, the state and what is allowed', async () => {
    const refusal = {
      code: 'illegal-state',
      detail: 'it is charging',
      state: 'charging',
      allowed: ['stop'],
    } as const;
    serve((request) => encodeRefusal({ ...refusal, id: idOf(request) }, request.replyTo.encoding));
    const failure = await failureOf(client.command(device, 'reserve'));
    expect(failure).toBeInstanceOf(CorralRefusal);
    expect(failure).toMatchObject({
      code: 'illegal-state',
      id: firstId,
      state: 'charging',
      allowed: ['stop'],
    });
    expect(requests).toHaveLength(1);
  });

  test('under an id of another command is certainly not accepted, also where an earlier copy got no answer', async () => {
    const firstUse: FirstUse = {
      name: 'release',
      args: {},
      by: null,
      asker: null,
      acceptedAt: 1,
      outcome: 'done',
    };
    const refusal = { ...idReused, firstUse };
    serve((request, count) =>
      count === 1 ? null : encodeRefusal({ ...refusal, id: idOf(request) }, request.replyTo.encoding),
    );
    const failure = await failureOf(client.command(device, 'reserve'));
    expect(failure).toBeInstanceOf(CorralRefusal);
    expect(failure).toMatchObject({ code: 'id-reused', firstUse });
  });

  test('under an id that another command waits with may still be accepted, where an earlier copy got no answer', async () => {
    const firstUse: FirstUse = {
      name: 'release',
      args: {},
      by: null,
      asker: null,
      acceptedAt: null,
      outcome: null,
    };
    const refusal = { ...idReused, firstUse };
    serve((request, count) =>
      count === 1 ? null : encodeRefusal({ ...refusal, id: idOf(request) }, request.replyTo.encoding),
    );
    expect(await failureOf(client.command(device, 'reserve'))).toMatchObject({ wasSent: 'maybe' });
  });

  test('that was refused because too many wait is asked again later', async () => {
    const refusal = { code: 'overloaded', detail: 'later', state: null, allowed: [] } as const;
    serve((request, count) =>
      count < 3
        ? encodeRefusal({ ...refusal, id: idOf(request) }, request.replyTo.encoding)
        : ledgerReply('done')(request),
    );
    expect(await settled(client.command(device, 'reserve'))).toMatchObject({ outcome: 'done' });
    expect(requests).toHaveLength(3);
  });

  test('for a device that nobody owns until the deadline was certainly not accepted', async () => {
    const failure = await failureOf(client.command(device, 'reserve', {}, { deadlineMs: 5_000 }));
    expect(failure).toBeInstanceOf(CorralUnreachable);
    expect(failure).toMatchObject({ wasSent: 'no', id: firstId });
  });

  test('that the hub was away for was certainly not accepted', async () => {
    backendLink.cut();
    expect(await failureOf(client.command(device, 'reserve', {}, { deadlineMs: 5_000 }))).toMatchObject({
      wasSent: 'no',
    });
  });

  test('that the owner could not decide on was certainly not accepted', async () => {
    serve(({ replyTo }) => encodeFailure('unavailable', 'the store is away', replyTo.encoding));
    const failure = await failureOf(client.command(device, 'reserve', {}, { deadlineMs: 5_000 }));
    expect(failure).toMatchObject({ wasSent: 'no' });
    expect(String(failure)).toContain('the store is away');
    expect(requests.length).toBeGreaterThan(3);
  });

  describe('of which no copy was accepted, under an id of the caller,', () => {
    const id = '6f1c1e0a-8f5f-4d0c-9b1e-0c5a4f7d2e11';
    const asking = { id, deadlineMs: 5_000 };

    test.each([
      ['nobody owned the device', () => undefined],
      ['the hub was away', () => backendLink.cut()],
      [
        'the owner could not decide',
        () => serve(({ replyTo }) => encodeUnavailable('command', 'the store is away', replyTo.encoding)),
      ],
    ])('may have been accepted by an earlier call: %s', async (_what, begin) => {
      begin();
      const failure = await failureOf(client.command(device, 'reserve', {}, asking));
      expect(failure).toMatchObject({ wasSent: 'maybe', acceptance: 'not-this-copy', id });
      expect(String(failure)).toMatch(
        /this copy was certainly not accepted, an earlier one .* may have been$/,
      );
    });

    test('was certainly not accepted where the caller says that there was no earlier call', async () => {
      const failure = await failureOf(client.command(device, 'reserve', {}, { ...asking, isFirstUse: true }));
      expect(failure).toMatchObject({ wasSent: 'no', acceptance: 'no', id });
    });
  });

  test('that the owner accepted, and cannot say more of, was accepted, whatever came before and afterwards', async () => {
    serve((_request, count) => {
      if (count === 1) return null;
      return encodeFailure(count === 2 ? 'outcome-unreadable' : 'unavailable', `answer ${count}`, 'json');
    });
    const failure = await failureOf(client.command(device, 'reserve', {}, { deadlineMs: 12_000 }));
    expect(failure).toMatchObject({ wasSent: 'maybe', acceptance: 'yes', id: firstId });
    expect(String(failure)).toContain('(answer 2): it was accepted');
    expect(requests.length).toBeGreaterThan(3);
  });

  test.each(['undecided', 'a-code-of-tomorrow'])(
    'that was answered %s may have been accepted',
    async (code) => {
      serve(() => ({ payload: encode({ outcome: 'failed', code, detail: 'who knows' }, 'json') }));
      const failure = await failureOf(client.command(device, 'reserve', {}, { deadlineMs: 3_000 }));
      expect(failure).toMatchObject({ wasSent: 'maybe', acceptance: 'maybe', id: firstId });
    },
  );

  test('that was pending stays so, whatever is said of a later copy', async () => {
    const refusal = { code: 'offline', detail: 'not heard', state: null, allowed: [] } as const;
    serve((request, count) =>
      count === 1
        ? ledgerReply('pending')(request)
        : encodeRefusal({ ...refusal, id: idOf(request) }, request.replyTo.encoding),
    );
    const result = await settled(client.command(device, 'reserve', {}, { waitMs: 20_000 }));
    expect(result).toMatchObject({ outcome: 'pending', id: firstId });
    expect(requests).toHaveLength(2);
  });

  test('that got no answer before its connection was closed may have been accepted', async () => {
    let count = 0;
    const closing = (first: Answer): TwinClient => {
      count = 0;
      const request = async (): Promise<Answer> => {
        count += 1;
        if (count > 1) throw new Error('closed connection');
        return first;
      };
      return new TwinClient({ clock, newId: () => firstId, random: () => 0, requester: { request } });
    };
    expect(await failureOf(closing({ type: 'timeout' }).command(device, 'reserve'))).toMatchObject({
      name: 'CorralUnreachable',
      wasSent: 'maybe',
      id: firstId,
    });
    const { payload } = encodeReply({ type: 'ledger', entry: entry(firstId, 'pending') }, 'json');
    const told = closing({ type: 'reply', payload, error: null }).command(device, 'reserve');
    expect(await settled(told)).toMatchObject({ id: firstId, outcome: 'pending' });
    expect(await failureOf(closing({ type: 'no-responders' }).command(device, 'reserve'))).toMatchObject({
      message: 'closed connection',
    });
  });

  test('that got no answer once may have been accepted, whatever came afterwards', async () => {
    serve((_request, count) => {
      if (count === 1) void stopServing();
      return null;
    });
    const failure = await failureOf(client.command(device, 'reserve', {}, { deadlineMs: 20_000 }));
    expect(failure).toMatchObject({ name: 'CorralUnreachable', wasSent: 'maybe', id: firstId });
    expect(requests).toHaveLength(1);
  });

  test('that was refused when it was asked again may have been accepted: its first copy may still be on its way', async () => {
    const refusal = {
      code: 'illegal-state',
      detail: 'it is reserved',
      state: 'reserved',
      allowed: [],
    } as const;
    serve((request, count) =>
      count === 1 ? null : encodeRefusal({ ...refusal, id: idOf(request) }, request.replyTo.encoding),
    );
    const failure = await failureOf(client.command(device, 'reserve'));
    expect(failure).toMatchObject({ name: 'CorralUnreachable', wasSent: 'maybe', id: firstId });
    expect(String(failure)).toContain('it is reserved');
  });

  test('that was in the ledger stays pending when nobody answers any more', async () => {
    serve((request) => {
      schedule.after(5_000, () => {
        bus.reply(request.replyTo, ledgerReply('pending')(request).payload);
        void stopServing();
      });
      return null;
    });
    const result = settled(client.command(device, 'reserve', {}, { waitMs: 60_000 }));
    expect(await result).toMatchObject({ outcome: 'pending', id: firstId });
  });

  test('with an id of the caller is asked with it', async () => {
    const id = '6f1c1e0a-8f5f-4d0c-9b1e-0c5a4f7d2e11';
    serve(ledgerReply('done'));
    expect(await settled(client.command(device, 'reserve', {}, { id }))).toMatchObject({ id });
  });

  test('of which the reply makes no sense is not taken for anything', async () => {
    serve(() => ({ payload: encode({ outcome: 'splendid' }, 'json') }));
    expect(await failureOf(client.command(device, 'reserve'))).toBeInstanceOf(CorralBadReply);
  });

  test.each(['', 'a.b', 'a b', '*', 'x'.repeat(65)])('to a device called %j is not sent', async (name) => {
    expect(await failureOf(client.command(name, 'reserve'))).toBeInstanceOf(RangeError);
    expect(await failureOf(client.command(device, name))).toBeInstanceOf(RangeError);
  });
});

describe('other questions', () => {
  test('get is asked again until somebody owns the device', async () => {
    schedule.after(3_000, () =>
      serve(({ replyTo }) => ({
        payload: encode({ device, version: 4, state: 'available' }, replyTo.encoding),
      })),
    );
    expect(await settled(client.get(device))).toMatchObject({ device, version: 4 });
  });

  test('get of an unknown device is a refusal', async () => {
    const refusal = {
      id: null,
      code: 'unknown-device',
      detail: 'never heard of it',
      state: null,
      allowed: [],
    } as const;
    serve(({ replyTo }) => encodeRefusal(refusal, replyTo.encoding));
    expect(await failureOf(client.get(device))).toMatchObject({ code: 'unknown-device', id: null });
  });

  test('ledger without an answer is asked again, and its refusal is one', async () => {
    const refusal = { code: 'unknown-id', detail: 'no such command', state: null, allowed: [] } as const;
    serve((_request, count) => (count === 1 ? null : encodeRefusal({ ...refusal, id: firstId }, 'json')));
    expect(await failureOf(client.ledger(device, firstId))).toBeInstanceOf(CorralRefusal);
  });

  test.each([
    // Nothing can have been accepted for it.
    ['unknown-device', 'no'],
    // What the ledger had of it is erased.
    ['forgotten', 'maybe'],
    // The id was not looked up.
    ['bad-arguments', 'maybe'],
  ] as const)(
    'ledger that is refused as %s is refused, and the command %s accepted',
    async (code, acceptance) => {
      const refusal = { id: firstId, code, detail: 'as it is', state: null, allowed: [] } as const;
      serve((_request, count) => (count === 1 ? null : encodeRefusal(refusal, 'json')));
      const failure = await failureOf(client.ledger(device, firstId));
      expect(failure).toMatchObject({ name: 'CorralRefusal', code, acceptance, id: firstId });
    },
  );

  test('desired that is refused when it is asked again may have been applied the first time', async () => {
    const refusal = {
      id: null,
      code: 'desired-too-large',
      detail: 'too large',
      state: null,
      allowed: [],
    } as const;
    serve((_request, count) => (count === 1 ? null : encodeRefusal(refusal, 'json')));
    expect(await failureOf(client.desired(device, { a: 1 }))).toMatchObject({
      name: 'CorralUnreachable',
      acceptance: 'maybe',
      id: null,
      problem: 'asked again, it was refused: too large',
    });
    serve(() => encodeRefusal(refusal, 'json'));
    expect(await failureOf(client.desired(device, { a: 1 }))).toMatchObject({
      name: 'CorralRefusal',
      acceptance: 'no',
    });
  });

  test('a question is refused, however often it was asked before', async () => {
    const refusal = { id: null, code: 'forgotten', detail: 'erased', state: null, allowed: [] } as const;
    serve((_request, count) => (count === 1 ? null : encodeRefusal(refusal, 'json')));
    expect(await failureOf(client.get(device))).toMatchObject({ name: 'CorralRefusal', code: 'forgotten' });
  });

  test('ledger without an answer says nothing of the command', async () => {
    serve(({ replyTo }) => encodeUnavailable('ledger', 'the store is away', replyTo.encoding));
    const failure = await failureOf(client.ledger(device, firstId, { deadlineMs: 3_000 }));
    expect(failure).toMatchObject({ wasSent: 'maybe', acceptance: 'maybe', id: firstId });
  });

  test('ledger tells how a command stands', async () => {
    serve(ledgerReply('expired'));
    expect(await settled(client.ledger(device, firstId))).toMatchObject({ outcome: 'expired', id: firstId });
  });

  test('desired is asked again, because a patch may be applied twice', async () => {
    serve(({ replyTo }, count) =>
      count === 1 ? null : encodeReply({ type: 'desired', version: 2, delta: { a: 1 } }, replyTo.encoding),
    );
    expect(await settled(client.desired(device, { a: 1 }))).toEqual({ version: 2, delta: { a: 1 } });
  });

  test('desired with a version is not asked twice: its own first success would refuse the second', async () => {
    serve(() => null);
    const failure = await failureOf(client.desired(device, { a: 1 }, { ifVersion: 1 }));
    expect(failure).toMatchObject({ name: 'CorralUnreachable', wasSent: 'maybe' });
    expect(requests).toHaveLength(1);
  });

  test('find pages through the fleet', async () => {
    const all = ['a', 'b', 'c', 'd', 'e'];
    bus.serveFind(({ payload, replyTo }) => {
      const read = readFind(payload);
      if (!read.ok) throw new Error(read.detail);
      const { cursor, limit, filter } = read.body;
      expect(filter.kind).toBe('car');
      const names = all.filter((name) => cursor === null || name > cursor).slice(0, limit);
      const last = names.at(-1);
      const page = {
        devices: names.map((name) => ({ device: name, version: 1, state: 'available' })),
        cursor: last === undefined || last === 'e' ? null : last,
      };
      bus.reply(replyTo, encodeFound(page, replyTo.encoding).payload);
    });
    const pages: string[][] = [];
    const paging = (async () => {
      for await (const page of client.find({ kind: 'car', limit: 2 }))
        pages.push(page.map(({ device: name }) => name));
    })();
    await settled(paging);
    expect(pages).toEqual([['a', 'b'], ['c', 'd'], ['e']]);
  });

  test('in MessagePack are asked and answered in MessagePack', async () => {
    const ports: ClientPorts = {
      requester: {
        request: ({ subject, payload, timeoutMs }) => hub.request(backendLink, subject, payload, timeoutMs),
      },
      clock,
      newId: () => firstId,
      random: () => 0,
    };
    serve(ledgerReply('done'));
    expect(await settled(new TwinClient(ports, 'msgpack').command(device, 'reserve'))).toMatchObject({
      outcome: 'done',
    });
    expect(decode(requests[0]!.payload)).toMatchObject({ ok: true, encoding: 'msgpack' });
    expect(requests[0]!.replyTo.encoding).toBe('msgpack');
  });
});
