/**
 * One device that says far too much, and a thousand that come back at once with five hours of reports: the others are heard
 * meanwhile, and nothing is lost. On real servers.
 */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { until } from '../nodes/node.ts';
import { impatientChargePoint, startNodeWithKinds } from '../nodes/node-with-kinds.ts';
import { siteStream } from '../../src/wire/subjects.ts';
import type { RawDevice } from '../devices/raw-device.ts';
import { World } from '../servers/world.ts';

/** What one device says in a few seconds, and how many of its reports are on their way at a time. */
const HOT_REPORTS = 20_000;
const HOT_IN_FLIGHT = 500;
/** How far the node may be beyond a report when that is seen to be stored: some batches, and far less than there is to do. */
const LAG_MAX = 8_000;

const RETURNING = 1_000;
/** Five hours, one each five minutes. */
const BUFFERED = 60;
const STEP_MS = 300_000;
const LIVE = 20;
/** Shorter than the burst takes, so that it would show if the time in which nothing of them is heard counted as silence. */
const SILENCE_MS = 4_000;

/** Between two reports of a live device, ms. */
const BEAT_MS = 200;

let world: World;

beforeEach(async () => {
  world = await World.start();
});
afterEach(async () => {
  await world.end();
});

/** Reports, waits until that is in the history, and returns how far beyond it the node had committed by then. */
async function lagOf(device: RawDevice): Promise<number> {
  const { seq: position } = await device.report();
  const { seq } = device;
  const lag = await until(`${device.device} is heard at ${String(position)}`, async () => {
    const [row] = await world.eye.query<{ isHeard: boolean; reached: number }>(
      `select (select max((positions -> '${siteStream('depot')}' ->> 'position')::int) from lease) as reached,
        exists (select from report r join device d on d.key = r.device where d.id = $1 and r.seq = $2) as "isHeard"`,
      [device.device, seq],
    );
    const { isHeard, reached } = row!;
    return isHeard
      ? { done: true, value: reached - position }
      : { done: false, seen: `position ${String(reached)}` };
  });
  return lag!;
}

test('a device that reports ten thousand times a second keeps nobody else from being heard or commanded', async () => {
  await world.hostNode();
  const live = await world.knownDevice();
  const hot = await world.newDevice({ manner: 'deaf', encoding: 'msgpack' });
  const flood = (async () => {
    for (let sent = 0; sent < HOT_REPORTS; sent += HOT_IN_FLIGHT) {
      await Promise.all(Array.from({ length: HOT_IN_FLIGHT }, () => hot.report()));
    }
  })();
  const lags: number[] = [];
  const outcomes = new Set<unknown>();
  while (hot.seq < HOT_REPORTS) {
    lags.push(await lagOf(live));
    for (const name of ['reserve', 'release'])
      outcomes.add((await world.backend.command(live.device, name)).outcome);
  }
  await flood;
  expect(Math.max(...lags)).toBeLessThanOrEqual(LAG_MAX);
  expect([...outcomes]).toEqual(['done']);
  await until('every report of it is stored', async () => {
    const document = await world.backend.get(hot.device);
    const { seq } = document.sequence as { readonly seq: number };
    return { done: seq === HOT_REPORTS, seen: JSON.stringify(document.sequence) };
  });
  const counted = `select count(*)::int as n, count(distinct r.seq)::int as seqs
    from report r join device d on d.key = r.device where d.id = $1`;
  expect(await world.eye.query(counted, [hot.device])).toEqual([{ n: HOT_REPORTS, seqs: HOT_REPORTS }]);
});

describe('five hours of a thousand devices at once', () => {
  /** A device that was cut off all that time. Half of them say how they are now before they empty their buffers. */
  async function comeBack(device: RawDevice, isCurrentFirst: boolean): Promise<void> {
    device.seq = BUFFERED;
    const reports = Array.from({ length: BUFFERED }, (_, index) => ({
      boot: 1,
      seq: index + 1,
      up: (index + 1) * STEP_MS,
      state: index % 2 === 0 ? 'available' : 'charging',
      sensors: { meterWh: index },
    }));
    const frames = isCurrentFirst ? [reports.slice(-1), reports.slice(0, -1)] : [reports];
    for (const frame of frames) await device.publish(frame);
  }

  test('leave those that are there heard meanwhile and nobody offline, and are filed at their true times', async () => {
    await startNodeWithKinds(world, [impatientChargePoint({ silenceMs: SILENCE_MS })]);
    const returning = await newReturning();
    const [sampled, ...live] = await Promise.all(Array.from({ length: LIVE }, () => world.knownDevice()));
    await Promise.all(live.map(lagOf));
    const [begun] = await world.eye.query<{ at: string }>('select clock_timestamp()::text as at');
    const beats = beating(live);
    const burst = Promise.all(returning.map((device, index) => comeBack(device, index % 2 === 0)));
    const lags: number[] = [];
    while ((await storedOf(returning)) < RETURNING * BUFFERED) lags.push(await lagOf(sampled!));
    await beats.end();
    await burst;
    expect(Math.max(...lags)).toBeLessThanOrEqual(LAG_MAX);
    const names = live.map(({ device }) => device);
    expect(
      await world.eye.query(
        `select device, from_path, to_path from journal
          where to_path = 'offline' and device = any($1) and recorded_at >= $2`,
        [names, begun!.at],
      ),
    ).toEqual([]);
    await expectTrueTimes(returning);
  });

  test('wait behind those that are there, and are filed once though nodes are killed meanwhile', async () => {
    const before = await world.startNode();
    const returning = await newReturning();
    const live = await world.knownDevice();
    await before.kill();
    await Promise.all(returning.map((device, index) => comeBack(device, index % 2 === 0)));
    const heard = lagOf(live);
    const starting = world.startNode();
    await heard;
    expect(await storedOf(returning), 'of what the hub stored before').toBeLessThan(
      (RETURNING * BUFFERED) / 2,
    );
    await (await starting).kill();
    await world.startNode();
    await until('everything is stored', async () => {
      const stored = await storedOf(returning);
      return { done: stored === RETURNING * BUFFERED, seen: String(stored) };
    });
    await expectTrueTimes(returning);
    expect(
      await world.eye.query(`select sum(jsonb_array_length(backlog))::int as backlog from lease`),
    ).toEqual([{ backlog: 0 }]);
  });

  function newReturning(): Promise<readonly RawDevice[]> {
    return Promise.all(
      Array.from({ length: RETURNING }, () => world.newDevice({ manner: 'deaf', encoding: 'msgpack' })),
    );
  }

  /** Devices in their usual rhythm, whatever the node is busy with. */
  function beating(devices: readonly RawDevice[]): { end(): Promise<unknown> } {
    let isOver = false;
    const beats = devices.map(async (device) => {
      while (!isOver) {
        await device.report();
        await new Promise((resolve) => setTimeout(resolve, BEAT_MS));
      }
    });
    return {
      end: () => {
        isOver = true;
        return Promise.all(beats);
      },
    };
  }

  async function storedOf(devices: readonly RawDevice[]): Promise<number> {
    const [row] = await world.eye.query<{ n: number }>(
      `select count(*)::int as n from report r join device d on d.key = r.device where d.id = any($1)`,
      [devices.map(({ device }) => device)],
    );
    return row!.n;
  }

  /** Reports that are five minutes apart by the device are so in history, in whatever order they came, and each is there once. */
  async function expectTrueTimes(devices: readonly RawDevice[]): Promise<void> {
    const steps = await world.eye.query<{ seqs: number; steps: number[]; late: number }>(
      `with timed as (
          select h.device, h.seq, h.is_late,
            round(extract(epoch from h.measured_at - lag(h.measured_at) over (partition by h.device order by h.boot, h.seq)) * 1000)::int as step
          from history h where h.device = any($1))
        select count(distinct seq)::int as seqs, array_agg(distinct step) filter (where step is not null) as steps,
          count(*) filter (where is_late)::int as late
        from timed group by device`,
      [devices.map(({ device }) => device)],
    );
    expect(steps).toHaveLength(RETURNING);
    for (const { seqs, steps: between, late } of steps) {
      expect({ seqs, between }).toEqual({ seqs: BUFFERED, between: [STEP_MS] });
      expect([0, BUFFERED - 1]).toContain(late);
    }
  }
});
