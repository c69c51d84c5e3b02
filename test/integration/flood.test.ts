/**
 * One device that says far more than its rate allows: it is decided after the others, it is known how it is meanwhile, and in the end
 * everything is there once. On real servers, and judged by the order in which it was committed, not by time.
 */
import { jetstreamManager } from '@nats-io/jetstream';
import pg from 'pg';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { connectToHub } from '../../src/nats/connect.ts';
import { partitionOf } from '../../src/wire/partition.ts';
import { until } from '../nodes/node.ts';
import { RawBackend } from '../callers/raw-backend.ts';
import { type RawAck, RawDevice } from '../devices/raw-device.ts';
import { World } from '../servers/world.ts';

const HOT_REPORTS = 20_000;
const IN_FLIGHT = 500;
/** What of it may be decided before the others: a burst, its rate for as long as the flood may take, and some lots that were read again. */
const IN_TURN_MAX = HOT_REPORTS / 4;
/** A device above its rate is heard that often, ms; more rarely by and by, and never more rarely than once in all of its flood so far. */
const NEWEST_EVERY_MS = 100;

let world: World;

beforeEach(async () => {
  world = await World.start();
});
afterEach(async () => {
  await world.end();
});

/** Resolves when the hub has stored so many of it, with how long that took, ms. */
async function flood(device: RawDevice, reports = HOT_REPORTS): Promise<number> {
  const begunAt = performance.now();
  while (device.seq < reports) {
    const size = Math.min(IN_FLIGHT, reports - device.seq);
    await Promise.all(Array.from({ length: size }, () => device.report()));
  }
  return performance.now() - begunAt;
}

/** Resolves when so much time has passed, by whatever clock: the hub stamps what it stores with it. */
async function pass(ms: number): Promise<void> {
  const from = performance.now();
  await until('the device has been quiet for long enough', async () => {
    const passedMs = performance.now() - from;
    return { done: passedMs > ms, seen: `${passedMs} of ${ms} ms` };
  });
}

/** A device that is decided in the partition of another. */
async function inPartitionOf(other: RawDevice): Promise<RawDevice> {
  for (let number = 1; ; number += 1) {
    const device = `beside-${number}`;
    if (partitionOf(device) === partitionOf(other.device)) return world.newDevice({ manner: 'deaf', device });
  }
}

/** Nothing can be committed until the returned function is called. */
async function holdCommits(): Promise<() => Promise<void>> {
  const holder = new pg.Client({ connectionString: world.databaseUrl });
  await holder.connect();
  world.add(() => holder.end());
  await holder.query('begin; lock table twin in share mode');
  return async () => {
    await holder.query('commit');
  };
}

/** Resolves when a node has been sent everything up to there. */
async function untilRead({ stream, seq }: RawAck): Promise<void> {
  const { nats } = await RawBackend.connect(world.hub, 'operator');
  world.add(() => nats.close());
  const { consumers } = await jetstreamManager(nats, { checkAPI: false });
  await until('a node has read the stream', async () => {
    const read: number[] = [];
    for await (const { delivered } of consumers.list(stream)) read.push(delivered.stream_seq);
    return { done: read.includes(seq), seen: `${read.join(', ')} of ${seq}` };
  });
}

/** A device of another site, on a connection of that site's own. */
async function neighbour(): Promise<RawDevice> {
  const harbour = await connectToHub({ url: world.hub.url('harbour'), name: 'harbour' });
  world.add(() => harbour.close());
  return RawDevice.start({ nats: harbour.nats, device: 'neighbour', manner: 'deaf' });
}

async function untilAllIsDecided(device: RawDevice): Promise<void> {
  await until('every report of it is decided', async () => {
    const { sequence } = await world.backend.get(device.device);
    const [row] = await world.eye.query<{ ranges: number }>(
      'select sum(jsonb_array_length(backlog))::int as ranges from lease',
    );
    const { seq } = sequence as { readonly seq: number };
    return { done: seq === HOT_REPORTS && row!.ranges === 0, seen: JSON.stringify({ sequence, ...row }) };
  });
}

/** How much of one device was committed by the time at which the first report of another was, and which of it was the newest then. */
async function committedBy(
  device: RawDevice,
  other: RawDevice,
): Promise<{ n: number; newest: number | null }> {
  const [row] = await world.eye.query<{ n: number; newest: number | null }>(
    `with filed as (
        select d.id, r.seq, r.xmin::text::bigint as commit from report r join device d on d.key = r.device)
      select count(*)::int as n, max(seq)::int as newest from filed
      where id = $1 and commit <= (select min(commit) from filed where id = $2)`,
    [device.device, other.device],
  );
  return row!;
}

/** Each of its reports is filed once; none was taken for a copy, and none is missed. */
async function expectAllOnce(device: RawDevice): Promise<void> {
  const counted = `select count(*)::int as n, count(distinct r.seq)::int as seqs
    from report r join device d on d.key = r.device where d.id = $1`;
  expect(await world.eye.query(counted, [device.device])).toEqual([{ n: HOT_REPORTS, seqs: HOT_REPORTS }]);
  const { sequence } = await world.backend.get(device.device);
  expect(sequence).toMatchObject({ seq: HOT_REPORTS, missing: 0, duplicates: 0 });
}

test('what a device says above its rate is decided after what others said behind it, and its newest state before', async () => {
  const hot = await world.newDevice({ manner: 'deaf', encoding: 'msgpack' });
  const other = await neighbour();
  // The streams are made by the first node.
  await (await world.hostNode()).stop();
  const beside = await inPartitionOf(hot);
  const floodMs = await flood(hot, HOT_REPORTS - 1);
  await pass(Math.max(floodMs, NEWEST_EVERY_MS));
  await hot.report();
  const acks = [await beside.report(), await other.report()];
  // All of it waits at the node before anything is committed: else a node that reads slowly is in time for whoever comes.
  const letGo = await holdCommits();
  const starting = world.hostNode({ newestEveryMs: NEWEST_EVERY_MS, leaseTtlMs: 600_000 });
  for (const ack of acks) await untilRead(ack);
  await letGo();
  await starting;
  await untilAllIsDecided(hot);
  await expectAllOnce(hot);
  expect((await committedBy(hot, other)).n).toBeLessThan(IN_TURN_MAX);
  // A site has a stream of its own, and a partition is read by itself: only the order within both tells when the newest state was heard.
  const by = await committedBy(hot, beside);
  expect(by.n).toBeLessThan(IN_TURN_MAX);
  expect(by.newest).toBe(HOT_REPORTS);
});

test('what a device says above its rate is decided once, though nodes are killed before it is', async () => {
  const hot = await world.newDevice({ manner: 'deaf', encoding: 'msgpack' });
  const other = await neighbour();
  const first = await world.startNode();
  await flood(hot);
  await other.report();
  await first.kill();
  const second = await world.startNode();
  await world.eye.untilRow(
    'the other site is heard',
    "select from report r join device d on d.key = r.device where d.id = 'neighbour'",
  );
  await second.kill();
  await world.hostNode();
  await untilAllIsDecided(hot);
  await expectAllOnce(hot);
});
