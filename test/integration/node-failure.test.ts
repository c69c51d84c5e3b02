/**
 * Nodes that are killed, stopped and frozen in the middle of their work: real processes, real servers, and a fleet that
 * goes on reporting and being commanded meanwhile.
 */
import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { encode } from '../../src/wire/codec.ts';
import { siteCommand } from '../../src/wire/subjects.ts';
import { CommandLoad } from '../callers/command-load.ts';
import { expectJournalTold } from '../nodes/journal.ts';
import { startLink } from '../servers/link.ts';
import { until } from '../nodes/node.ts';
import type { NodeProcess } from '../nodes/node-process.ts';
import { RawBackend, type RawBody } from '../callers/raw-backend.ts';
import type { FleetDevice, LoadedFleet } from '../devices/loaded-fleet.ts';
import { World } from '../servers/world.ts';

const DEVICES = 20;
const COMMANDED = 4;

let world: World;

beforeEach(async () => {
  world = await World.start();
});

afterEach(async () => {
  await world.end();
});

/** A fleet that reports round after round, and the commands for some of its devices. */
interface Load {
  readonly fleet: LoadedFleet;
  readonly commands: readonly CommandLoad[];
}

async function startLoad(): Promise<Load> {
  const fleet = await world.startFleet(DEVICES);
  const commands = fleet.devices.slice(0, COMMANDED).map((device) => new CommandLoad(world.backend, device));
  fleet.beginLoad();
  return { fleet, commands };
}

/** Ends the load, and checks that nothing was lost, doubled, or told wrongly. */
async function endLoad({ fleet, commands }: Load): Promise<void> {
  await fleet.endLoad();
  await Promise.all(commands.map((load) => load.end()));
  await fleet.expectStoredOnce(world.eye);
  await expectJournalTold(world.hub, world.eye);
}

/** Waits until some lease is held by this node. */
async function heldBy(node: string): Promise<void> {
  const sql = 'select 1 from lease where owner = $1 having count(*) = 32';
  await world.eye.untilRow(`${node} holds all partitions`, sql, [node]);
}

describe('kill -9', () => {
  test('again and again under load: no report is lost or stored twice, and what was told of commands is what was done', async () => {
    const node = await world.startNode();
    const { fleet, commands } = await startLoad();
    for (let kill = 1; kill <= 2; kill += 1) {
      const doneBefore = commands.map(({ done }) => done);
      await world.untilStored(fleet.reports + 400);
      await until('commands are executed', async () => ({
        done: commands.every(({ done }, index) => done > (doneBefore[index] ?? 0) + 3),
        seen: JSON.stringify(commands.map(({ done, count }) => `${String(done)} of ${String(count)}`)),
      }));
      await node.kill();
      await fleet.made(200);
      await node.start();
    }
    await endLoad({ fleet, commands });
  });

  test('of an owner while another node stands by: it takes over, and nothing is lost or doubled', async () => {
    const owner = await world.startNode({ node: 'first' });
    await world.startNode({ node: 'second', isStandby: true });
    const { fleet, commands } = await startLoad();
    await world.untilStored(1_000);
    await owner.kill();
    await heldBy('second');
    const done = commands.map((load) => load.done);
    await until('the second node executes commands', async () => ({
      done: commands.every((load, index) => load.done > (done[index] ?? 0)),
      seen: 'none',
    }));
    await endLoad({ fleet, commands });
  });

  test('with commands pending: they are resolved after the restart, and a hold that ended meanwhile is over', async () => {
    const node = await world.startNode();
    const answersLate = await world.knownDevice({ manner: 'probes' });
    const answersMeanwhile = await world.knownDevice({ manner: 'probes' });
    const held = await world.knownDevice();
    await world.backend.command(held.device, 'reserve', { args: { holdMs: 1_000 }, by: 'anna' });
    const first = await world.backend.command(answersLate.device, 'reserve', { waitMs: 0 });
    const second = await world.backend.command(answersMeanwhile.device, 'start', { waitMs: 0 });
    expect([first.outcome, second.outcome]).toEqual(['pending', 'pending']);
    const reserve = await answersLate.command('reserve');
    const start = await answersMeanwhile.command('start');
    await node.kill();

    // Nobody owns the partition: once the hub has noticed, that is said at once, and certainly nothing was sent.
    await until('the hub knows of no owner', async () => {
      const unowned = await world.backend.ask(`twin.${held.device}.get`, {});
      return unowned.type === 'no-responders' ? { done: true } : { done: false, seen: unowned.type };
    });
    const refused = await world.backend.ask(`twin.${held.device}.command.release`, { id: randomUUID() });
    expect(refused).toEqual({ type: 'no-responders' });

    await answersMeanwhile.answer(start, { outcome: 'done' }, { state: 'charging' });
    await node.start();
    const entry = async (device: string, { id }: RawBody): Promise<RawBody> =>
      world.backend.ledger(device, String(id));
    await world.backend.untilDocument(
      answersMeanwhile.device,
      'it charges',
      ({ state }) => state === 'charging',
    );
    expect(await entry(answersMeanwhile.device, second)).toMatchObject({ outcome: 'done' });
    expect(await entry(answersLate.device, first)).toMatchObject({ outcome: 'pending' });
    await answersLate.answer(reserve, { outcome: 'rejected', reason: 'busy' });
    await world.backend.untilDocument(
      answersLate.device,
      'nothing is pending',
      ({ pending }) => (pending as unknown[]).length === 0,
    );
    expect(await entry(answersLate.device, first)).toMatchObject({ outcome: 'rejected', reason: 'busy' });

    const over = await world.backend.untilDocument(
      held.device,
      'the hold is over',
      ({ hold }) => hold === null,
    );
    expect(over).toMatchObject({ state: 'available' });
    await expectJournalTold(world.hub, world.eye);
  });

  test('between the ledger and the send: the command is sent after the restart, and executed once', async () => {
    const wire = await startLink();
    world.add(() => wire.close());
    wire.leadTo(new URL(world.hub.url('runtime')).host);
    const node = await world.startNode({ hubAddress: wire.address });
    const device = await world.knownDevice();
    const id = randomUUID();
    wire.freeze('up');
    // Nobody will answer this one: what the node says does not get through.
    void world.backend.ask(`twin.${device.device}.command.reserve`, { id }, 1_000);
    await world.eye.untilRow('the command is in the ledger', 'select 1 from command where id = $1', [id]);
    await node.kill();
    // What was on its way is gone.
    wire.cut();
    wire.heal();
    expect(device.told).toEqual([]);
    await node.start();
    const { n } = await device.command('reserve');
    const reply = await world.backend.command(device.device, 'reserve', { id });
    expect(reply).toMatchObject({ id, n, outcome: 'done' });
    expect(device.told).toEqual([n]);
  });
});

describe('SIGTERM', () => {
  test('under load ends the node in order: everything is published, the leases are given back, nothing is lost', async () => {
    const node = await world.startNode();
    const { fleet, commands } = await startLoad();
    await world.untilStored(1_000);
    expect(await node.stop()).toBe(0);
    const [lease] = await world.eye.query(
      `select count(*)::int as partitions, count(owner)::int as owned,
        sum(journal - published)::float8 as unpublished, sum(journal) > 0 as told from lease`,
    );
    expect(lease).toEqual({ partitions: 32, owned: 0, unpublished: 0, told: true });
    await expectJournalTold(world.hub, world.eye);
    await fleet.made(200);
    await node.start();
    await endLoad({ fleet, commands });
  });
});

/** A command number above all that a twin has given by now. */
const LATE_N = 2 ** 39;

/** The epoch under which a node holds the partition of a device. */
async function epochOf(device: string): Promise<number> {
  const [row] = await world.eye.query<{ epoch: number }>(
    'select l.epoch::float8 as epoch from lease l join device d on d.partition = l.partition where d.id = $1',
    [device],
  );
  return row!.epoch;
}

/** Keeps everybody from writing to a table, until the returned function is called. */
async function block(table: 'command' | 'report'): Promise<() => Promise<void>> {
  const client = new pg.Client({ connectionString: world.databaseUrl });
  await client.connect();
  world.add(() => client.end());
  await client.query(`begin; lock table ${table} in share mode`);
  return async () => {
    await client.query('commit');
  };
}

/** Waits until a commit is held up. */
async function commitWaits(): Promise<void> {
  const sql = "select 1 from pg_locks where not granted and mode = 'RowExclusiveLock'";
  await world.eye.untilRow('a commit waits', sql);
}

/** Waits until a node that was woken up has understood that another one owns everything. */
async function knowsItOwnsNothing({ httpUrl }: NodeProcess): Promise<void> {
  await until('the node knows that it owns nothing', async () => {
    const text = await (await fetch(`${httpUrl}/readyz`)).text();
    return { done: text.includes('"status":"standby"'), seen: text };
  });
}

/** Asks, and gathers everything that ever comes back; nobody stops waiting. */
function askOnce(subject: string, body: RawBody): RawBody[] {
  const answers: RawBody[] = [];
  const inbox = `_INBOX.${randomUUID()}`;
  world.backend.nats.subscribe(inbox, {
    callback: (error, message) => {
      if (error === null && message.data.length > 0) answers.push(message.json());
    },
  });
  world.backend.nats.publish(subject, JSON.stringify(body), { reply: inbox });
  return answers;
}

describe('a node that stood still for longer than its lease', () => {
  test('wakes up and sends the command that it had decided: nothing is committed, answered or executed on its word', async () => {
    const first = await world.startNode({ node: 'first' });
    await world.startNode({ node: 'second', isStandby: true });
    const [device] = (await world.startFleet(1)).devices as [FleetDevice];
    await world.backend.untilDocument(device.device, 'it is fresh', ({ quality }) => quality === 'fresh');
    const oldEpoch = await epochOf(device.device);

    // Its commit has left for the database, and what it decides next waits behind it.
    const unblock = await block('command');
    const id = randomUUID();
    const reserving = askOnce(`twin.${device.device}.command.reserve`, { id, waitMs: 60_000 });
    await world.eye.untilRow(
      'the commit waits',
      "select 1 from pg_locks where not granted and mode like 'Row%'",
    );
    first.pause();
    await unblock();

    await heldBy('second');
    await until('the new owner has got the command executed', async () => {
      const answer = await world.backend.ask(`twin.${device.device}.ledger`, { id }, 1_000);
      const isDone = answer.type === 'reply' && answer.body.outcome === 'done';
      return { done: isDone, seen: JSON.stringify(answer) };
    });
    const newEpoch = await epochOf(device.device);
    expect(newEpoch).toBeGreaterThan(oldEpoch);
    const leases = 'select partition, owner, epoch from lease order by partition';
    const held = await world.eye.query(leases);

    first.resume();
    await knowsItOwnsNothing(first);
    // What it has committed it does not deny, and more it does not know.
    expect(reserving).toEqual([expect.objectContaining({ code: 'outcome-unreadable' })]);
    expect(device.executed).toEqual([{ id, epoch: newEpoch }]);
    expect(await world.eye.query(leases)).toEqual(held);

    // Had its command been one that the device has not seen yet: the device would refuse it by the epoch alone.
    const runtime = await RawBackend.connect(world.hub, 'runtime');
    const late = { n: LATE_N, epoch: oldEpoch, id: randomUUID(), name: 'release', args: {} };
    runtime.nats.publish(siteCommand('depot', device.device), encode(late, 'json'));
    await world.eye.untilRow(
      'the device says that it has refused',
      `select 1 from report r join device d on d.key = r.device
        where d.id = $1 and r.body::jsonb -> 'commands' @> '[{"n": ${LATE_N}, "reason": "stale-epoch"}]'`,
      [device.device],
    );
    await runtime.close();
    expect(device.executed).toEqual([{ id, epoch: newEpoch }]);
  });

  test('answers no request with what it had decided before', async () => {
    const first = await world.startNode({ node: 'first' });
    await world.startNode({ node: 'second', isStandby: true });
    const device = await world.knownDevice();
    const unblock = await block('report');
    await device.report();
    await commitWaits();
    const refused = askOnce(`twin.${device.device}.command.release`, { id: randomUUID() });
    // It takes them in order: when it has refused to read this one, it has that one.
    expect(await world.backend.askFor(`twin.${device.device}.ledger`, {})).toMatchObject({
      code: 'bad-arguments',
    });
    first.pause();
    await unblock();
    await heldBy('second');
    first.resume();
    await knowsItOwnsNothing(first);
    // That it decides nothing any more, it may say.
    expect(refused.filter(({ code }) => code !== 'unavailable')).toEqual([]);
  });

  test('under load: another one takes over, and nothing is lost, doubled, or told wrongly when it wakes up', async () => {
    const first = await world.startNode({ node: 'first' });
    await world.startNode({ node: 'second', isStandby: true });
    const { fleet, commands } = await startLoad();
    await world.untilStored(1_000);
    first.pause();
    await heldBy('second');
    first.resume();
    const doneBefore = commands.map((load) => load.done);
    await until('commands are executed', async () => ({
      done: commands.every((load, index) => load.done > doneBefore[index]!),
      seen: 'none',
    }));
    await endLoad({ fleet, commands });
  });
});
