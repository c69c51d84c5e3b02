/**
 * One device that says far more than its rate allows: it is decided after the others, it is known how it is meanwhile, and in the end
 * everything is there once. On real servers, and judged by the order in which it was committed, not by time.
 */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { connectToHub } from '../../src/nats/connect.ts';
import { until } from '../node.ts';
import { RawDevice } from '../raw-device.ts';
import { World } from '../world.ts';

const HOT_REPORTS = 20_000;
const IN_FLIGHT = 500;
/** What of it may be decided in its turn: a burst, and its rate for as long as the flood may take on a busy machine. */
const IN_TURN_MAX = HOT_REPORTS / 4;

let world: World;

beforeEach(async () => {
  world = await World.start();
});
afterEach(async () => {
  await world.end();
});

/** Resolves when the hub has stored all of it. */
async function flood(device: RawDevice): Promise<void> {
  while (device.seq < HOT_REPORTS)
    await Promise.all(Array.from({ length: IN_FLIGHT }, () => device.report()));
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

/** How much of one device was committed before the first report of another, and which of it was the newest then. */
async function committedBefore(
  device: RawDevice,
  other: RawDevice,
): Promise<{ n: number; newest: number | null }> {
  const [row] = await world.eye.query<{ n: number; newest: number | null }>(
    `with filed as (
        select d.id, r.seq, r.xmin::text::bigint as commit from report r join device d on d.key = r.device)
      select count(*)::int as n, max(seq)::int as newest from filed
      where id = $1 and commit < (select min(commit) from filed where id = $2)`,
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
  const beside = await world.newDevice({ manner: 'deaf' });
  await flood(hot);
  for (const device of [beside, other]) await device.report();
  await world.hostNode({ newestEveryMs: 100 });
  await untilAllIsDecided(hot);
  await expectAllOnce(hot);
  expect((await committedBefore(hot, other)).n).toBeLessThan(IN_TURN_MAX);
  // A site has a stream of its own: only the order within it tells when the newest state was heard.
  const before = await committedBefore(hot, beside);
  expect(before.n).toBeLessThan(IN_TURN_MAX);
  expect(before.newest).toBeGreaterThan(HOT_REPORTS / 2);
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
