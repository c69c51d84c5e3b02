/**
 * Each code of which a caller concludes that its command was certainly not accepted, told while the store or the hub goes away: at the
 * worst moment, and over each way that there is to a twin. Afterwards the ledger knows nothing of the command, and the device neither.
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { chargePoint } from '../../machines/charge-point.ts';
import { type RefusalCode, REFUSALS } from '../../src/contract/refusal.ts';
import { WAITING_MAX } from '../../actors/prospect.ts';
import type { App } from '../../src/app/app.ts';
import { connectCorral, type Corral, CorralRefusal } from '../../src/client/corral.ts';
import { acceptanceOf } from '../../src/wire/acceptance.ts';
import { startCorralCommand } from '../callers/corral-command.ts';
import { EXIT } from '../../tools/cli/command-line-error.ts';
import { startNode, until } from '../nodes/node.ts';
import type { RawBody } from '../callers/raw-backend.ts';
import type { RawDevice, RawReport } from '../devices/raw-device.ts';
import { type Ways, World } from '../servers/world.ts';

const TOKEN = 'operator-of-this-test';
/** An answer that was lost is asked for again after this, ms: longer than a device is waited for. */
const AGAIN_MS = 2 * chargePoint.limits.probeTimeoutMs;
const NEVER_HEARD = 'cp-never-heard';
const CHARGING: RawReport = { state: 'charging', sensors: { cableConnected: true, carPresent: true } };
/** The cable went in although the hatch had been closed for long. */
const CONTRADICTORY: RawReport = {
  state: 'available',
  sensors: { hatchOpen: false, cableConnected: true },
  since: { hatchOpen: 600_000, cableConnected: 1_000 },
};

/** A question that is refused. */
interface Question {
  /** Whose device it is asked of; what that has been told so far is all that it is told. */
  readonly device: string;
  readonly raw: RawDevice | null;
  readonly operation: 'command' | 'desired' | 'ledger';
  readonly name: string;
  readonly id: string;
  readonly body: RawBody;
}

let world: World;
let ways: Ways;
let node: App;

beforeEach(async () => {
  world = await World.start();
  ways = await world.startWays();
  // A database of a test is migrated when a node begins, and inventory is read then.
  await (await startNode({ hub: world.hub, databaseUrl: world.databaseUrl })).stop();
  await world.eye.query(
    `insert into device (id, kind, site, registered) values ('${NEVER_HEARD}', 'charge-point', 'depot', true)`,
  );
  node = await startNode({
    hub: world.hub,
    databaseUrl: ways.databaseUrl,
    // It stays sure of its leases for the whole of a test.
    limits: { leaseTtlMs: 120_000 },
    env: { CORRAL_HTTP_OPERATE_TOKENS: `tester:${TOKEN}`, CORRAL_NATS_URL: ways.natsUrl },
  });
  world.add(() => node.stop());
});
afterEach(async () => {
  for (const way of [ways.toStore, ways.toHub]) way.heal();
  await world.end();
});

function question(raw: RawDevice | null, changes: Partial<Question> = {}): Question {
  const device = raw?.device ?? 'nobody';
  return { device, raw, operation: 'command', name: 'reserve', id: randomUUID(), body: {}, ...changes };
}

/** A device of which no round trip is known: a command waits for the answer to a probe. */
async function unprovedDevice(): Promise<RawDevice> {
  const raw = await world.newDevice({ manner: 'deaf' });
  await raw.report();
  await world.backend.untilDocument(raw.device, 'it is known', ({ state }) => state === 'available');
  return raw;
}

async function deviceThatSays(report: RawReport): Promise<RawDevice> {
  const raw = await world.knownDevice();
  await raw.report(report);
  await world.backend.untilDocument(raw.device, 'it is heard', ({ sequence }) => {
    return (sequence as { readonly seq: number }).seq === raw.seq;
  });
  return raw;
}

/** By code, what is refused with it, one of several questions at least; what that takes is there when it resolves. */
const ASKED: Readonly<Record<RefusalCode, () => Promise<readonly Question[]>>> = {
  'illegal-state': async () => [question(await deviceThatSays(CHARGING))],
  suspect: async () => [question(await deviceThatSays(CONTRADICTORY))],
  stale: async () => [question(await unprovedDevice())],
  offline: () => Promise.resolve([question(null, { device: NEVER_HEARD })]),
  pending: async () => {
    const raw = await world.knownDevice({ manner: 'probes' });
    await world.backend.command(raw.device, 'reserve', { waitMs: 0 });
    await raw.command('reserve');
    return [question(raw, { name: 'start' })];
  },
  'version-mismatch': async () => [question(await world.knownDevice(), { body: { ifVersion: 999 } })],
  'id-reused': async () => {
    const raw = await world.knownDevice();
    const { id } = await world.backend.command(raw.device, 'reserve', { waitMs: 20_000 });
    return [question(raw, { id: id as string, name: 'release' })];
  },
  'desired-too-large': async () => {
    const body = { patch: { note: 'x'.repeat(70_000) } };
    return [question(await world.knownDevice(), { operation: 'desired', body })];
  },
  'bad-arguments': async () => [question(await world.knownDevice(), { body: { args: { holdMs: 'long' } } })],
  'unknown-command': async () => [question(await world.knownDevice(), { name: 'dance' })],
  'unknown-device': () => Promise.resolve([question(null)]),
  forgotten: async () => {
    const raw = await world.knownDevice();
    await forget(raw.device);
    return [question(raw)];
  },
  'unknown-id': async () => [question(await world.knownDevice(), { operation: 'ledger' })],
  overloaded: async () => {
    const raw = await unprovedDevice();
    return Array.from({ length: WAITING_MAX + 1 }, () => question(raw));
  },
};

async function askOverNats(
  { device, operation, name, id, body }: Question,
  timeoutMs?: number,
): Promise<unknown> {
  const rest = operation === 'command' ? `command.${name}` : operation;
  const { code } = await world.backend.askFor(`twin.${device}.${rest}`, { id, ...body }, timeoutMs);
  return code;
}

async function forget(device: string): Promise<void> {
  const response = await fetch(`${node.httpUrl}/v1/devices/${device}/forget`, {
    method: 'POST',
    headers: { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' },
    body: JSON.stringify({ reason: 'a test' }),
  });
  expect(response.ok).toBe(true);
}

async function askOverHttp({ device, name, id, body }: Question): Promise<unknown> {
  const response = await fetch(`${node.httpUrl}/v1/devices/${device}/commands`, {
    method: 'POST',
    headers: { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' },
    body: JSON.stringify({ id, name, ...body }),
  });
  return ((await response.json()) as RawBody).code;
}

/** What the client throws. */
async function askByClient(
  client: Corral,
  { device, operation, name, id, body }: Question,
): Promise<unknown> {
  const { args, patch, ...options } = body as {
    readonly args?: Readonly<Record<string, unknown>>;
    readonly patch?: Readonly<Record<string, unknown>>;
    readonly ifVersion?: number;
  };
  const asked = {
    command: () => client.command(device, name, args, { ...options, id }),
    desired: () => client.desired(device, patch!),
    ledger: () => client.ledger(device, id),
  };
  return asked[operation]().catch((error: unknown) => error);
}

/** What `corral` ends with and says. */
async function askByCommandLine({ device, operation, name, id, body }: Question): Promise<unknown> {
  const args = JSON.stringify(body.args ?? {});
  const words =
    operation === 'ledger' ? ['ledger', device, id] : ['command', device, name, '--id', id, '--args', args];
  const env = { CORRAL_BACKEND_URL: world.hub.url('backend') };
  const { code, stdout } = await startCorralCommand([...words, '--json'], { env }).ended;
  return { exitCode: code, ...(JSON.parse(stdout) as RawBody) };
}

/** What is asked for each of some codes, and what each device had been told before. */
interface Round {
  readonly questions: ReadonlyMap<string, readonly Question[]>;
  readonly told: ReadonlyMap<RawDevice, readonly number[]>;
}

async function prepare(codes: readonly RefusalCode[]): Promise<Round> {
  const questions = new Map<string, readonly Question[]>();
  for (const code of codes) questions.set(code, await ASKED[code]());
  const told = new Map<RawDevice, readonly number[]>();
  for (const { raw } of [...questions.values()].flat()) if (raw !== null) told.set(raw, raw.told);
  return { questions, told };
}

/** Asks everything; by code, whether a question for it came to it, or what one came to. */
async function ask(
  { questions }: Round,
  way: (asked: Question) => Promise<unknown>,
): Promise<Readonly<Record<string, unknown>>> {
  const answers = [...questions].map(async ([code, all]) => {
    const came = await Promise.all(all.map(way));
    return [code, came.includes(code) ? code : came[0]] as const;
  });
  return Object.fromEntries(await Promise.all(answers));
}

/** Nothing of it was accepted: the ledger does not know it, the desired configuration is as it was, and the device heard nothing. */
async function expectNothingDone({ questions, told }: Round): Promise<void> {
  for (const [code, all] of questions) {
    for (const { device, id, operation } of all) {
      const entry = await world.backend.ledger(device, id);
      if (code === 'id-reused') expect(entry).toMatchObject({ name: 'reserve', outcome: 'done' });
      else expect(entry.code, code).toBe(code === 'forgotten' ? code : 'unknown-id');
      if (operation !== 'desired') continue;
      expect(await world.backend.get(device)).toMatchObject({ desired: { version: 0, values: {} } });
    }
  }
  for (const [raw, before] of told) expect(raw.told, raw.device).toEqual(before);
}

const expected = (codes: readonly string[]): Readonly<Record<string, string>> =>
  Object.fromEntries(codes.map((code) => [code, code]));

/** All requests that this backend sent before have reached the node: it answers one of another device, which takes no store. */
async function nodeHasThem(other: RawDevice): Promise<void> {
  await world.backend.get(other.device);
}

const CODES = Object.keys(REFUSALS) as RefusalCode[];
/** Over HTTP nothing but commands is asked of twins. */
const OF_COMMANDS = CODES.filter((code) => code !== 'unknown-id' && code !== 'desired-too-large');

test('every code after which nothing is concluded of earlier copies has its case here', () => {
  expect(CODES.filter((code) => acceptanceOf(code) !== 'no')).toEqual(['bad-arguments', 'forgotten']);
  expect(Object.keys(ASKED).sort()).toEqual([...CODES].sort());
});

describe('what is refused after the store was away', () => {
  test('as it was asked: over NATS each code is true of what follows', async () => {
    const other = await world.knownDevice();
    const round = await prepare(CODES);
    ways.toStore.freeze();
    const said = ask(round, (asked) => askOverNats(asked));
    await nodeHasThem(other);
    ways.toStore.heal();
    expect(await said).toEqual(expected(CODES));
    await expectNothingDone(round);
  });

  test('as it was asked: over HTTP as well', async () => {
    const round = await prepare(OF_COMMANDS);
    ways.toStore.freeze();
    const said = ask(round, askOverHttp);
    // The outage is what is tried here: requests of HTTP reach the owner meanwhile.
    await sleep(1_000);
    ways.toStore.heal();
    expect(await said).toEqual(expected(OF_COMMANDS));
    await expectNothingDone(round);
  });

  test('as it was asked: by the client, which says of each code what it means for earlier requests', async () => {
    const client = await connectCorral({ url: world.hub.url('backend') });
    world.add(() => client.close());
    const other = await world.knownDevice();
    // Whoever asks an overloaded device asks again, and finds it less so.
    const codes = CODES.filter((code) => code !== 'overloaded');
    const round = await prepare(codes);
    ways.toStore.freeze();
    const said = [...round.questions].map(
      async ([code, [asked]]) => [code, await askByClient(client, asked!)] as const,
    );
    await client.get(other.device);
    ways.toStore.heal();
    for (const [code, error] of await Promise.all(said)) {
      expect(error, code).toBeInstanceOf(CorralRefusal);
      expect(error, code).toMatchObject({ code, acceptance: acceptanceOf(code) });
    }
    await expectNothingDone(round);
  });

  test('as it was asked: by the command line, whose exit code says it', async () => {
    const codes: readonly RefusalCode[] = [
      'illegal-state',
      'pending',
      'id-reused',
      'bad-arguments',
      'forgotten',
    ];
    const round = await prepare([...codes, 'unknown-id']);
    const [lost] = round.questions.get('forgotten')!;
    const questions = [...round.questions].map(([code, [asked]]) => [code, asked!] as const);
    const said = [...questions, ['forgotten', { ...lost!, operation: 'ledger' }] as const].map(
      async ([code, asked]) => [code, asked, await askByCommandLine(asked)] as const,
    );
    ways.toStore.freeze();
    // The outage is what is tried here: programs take about as long to start.
    await sleep(2_000);
    ways.toStore.heal();
    for (const [code, { operation }, answer] of await Promise.all(said)) {
      const ofLedger = operation === 'ledger' && code === 'forgotten' ? 'maybe' : acceptanceOf(code);
      const exitCode = ofLedger === 'no' ? EXIT.notExecuted : EXIT.unknown;
      expect(answer, code).toMatchObject({ code, outcome: 'refused', acceptance: ofLedger, exitCode });
    }
    await expectNothingDone(round);
  });

  test('while the device was asked: what its answer decides is told once it is stored, and stays true', async () => {
    const answers: Readonly<Record<string, RawReport | null>> = {
      'illegal-state': CHARGING,
      suspect: CONTRADICTORY,
      stale: null,
    };
    const questions = new Map<string, readonly Question[]>();
    for (const code of Object.keys(answers)) questions.set(code, [question(await unprovedDevice())]);
    const round = { questions, told: new Map([...questions.values()].flat().map(({ raw }) => [raw!, []])) };
    const said = ask(round, (asked) => askOverNats(asked));
    // Who asks for the document of a device is answered after the command that was asked of it before: that waits for the probe now.
    for (const { device } of [...questions.values()].flat()) await world.backend.get(device);
    for (const { raw } of [...questions.values()].flat())
      await until(`${raw!.device} is asked`, async () => {
        const isAsked = raw!.heard.some(({ name }) => name === 'report');
        return isAsked ? { done: true } : { done: false, seen: 'nothing' };
      });
    ways.toStore.freeze();
    for (const [code, [asked]] of questions) {
      const report = answers[code];
      const probe = asked!.raw!.heard.find(({ name }) => name === 'report')!;
      if (report) await asked!.raw!.answer(probe, { outcome: 'done' }, report);
    }
    // The outage is what is tried here: it lasts longer than a device is waited for.
    await sleep(chargePoint.limits.probeTimeoutMs + 500);
    ways.toStore.heal();
    expect(await said).toEqual(expected(Object.keys(answers)));
    await expectNothingDone(round);
  });
});

describe('what is refused while the hub goes away', () => {
  test('is refused again when it is asked again under its id, and nothing is done of any copy', async () => {
    // Whoever asks an overloaded device again finds it less so.
    const codes = CODES.filter((code) => code !== 'overloaded');
    const round = await prepare(codes);
    for (const asked of [...round.questions.values()].flat()) askOverNats(asked).catch(() => undefined);
    await world.backend.nats.flush();
    ways.toHub.cut();
    ways.toHub.heal();
    const said = ask(round, async (asked) =>
      until(`${asked.name} of ${asked.device} is answered`, async () => {
        const code = await askOverNats(asked, AGAIN_MS).catch((error: unknown) => String(error));
        const isFinal = CODES.includes(code as RefusalCode);
        return isFinal ? { done: true, value: code } : { done: false, seen: String(code) };
      }),
    );
    expect(await said).toEqual(expected(codes));
    await expectNothingDone(round);
  });
});
