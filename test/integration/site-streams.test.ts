/** Each site has a stream of its own, whoever makes it, and whatever the other sites do. */
import { type JetStreamManager, jetstreamManager } from '@nats-io/jetstream';
import { headers } from '@nats-io/nats-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { assertStored } from '../../src/device/publish-answer.ts';
import { connectToHub, type HubConnection } from '../../src/nats/connect.ts';
import { NatsFeed } from '../../src/nats/feed.ts';
import { messagesAfter } from '../../src/nats/messages-after.ts';
import { SiteStreams, type SiteStreamsNotice, type SiteStreamsOptions } from '../../src/nats/site-streams.ts';
import { PARTITIONS, partitionOf } from '../../src/wire/partition.ts';
import { deviceReport, SHARED_REPORT_STREAM, siteStream } from '../../src/wire/subjects.ts';
import type { Hub, HubUser } from '../../tools/dev/hub.ts';
import { RecordingSink } from '../contract/recording-sink.ts';
import { startHub, type Temporary } from '../servers/servers.ts';

const MIB = 1024 ** 2;
const TIMEOUT_MS = 20_000;
const EVERY_PARTITION = Array.from({ length: PARTITIONS }, (_, partition) => partition);

let ends: (() => Promise<void>)[] = [];

async function connect(hub: Hub, user: HubUser): Promise<HubConnection> {
  const connection = await connectToHub({ url: hub.url(user), name: `test ${user}` });
  ends.push(() => connection.close());
  return connection;
}

async function start(options: Parameters<typeof startHub>[0] = {}): Promise<Hub & Temporary> {
  const hub = await startHub(options);
  ends.push(() => hub.end());
  return hub;
}

async function operatorOf(hub: Hub): Promise<JetStreamManager> {
  return jetstreamManager((await connect(hub, 'operator')).nats, { checkAPI: false });
}

/** Streams that are looked at once, and what is said about them. */
async function look(
  hub: Hub,
  options: Partial<SiteStreamsOptions> = {},
): Promise<{ streams: SiteStreams; notices: SiteStreamsNotice[] }> {
  const notices: SiteStreamsNotice[] = [];
  const runtime = await connect(hub, 'runtime');
  const streams = new SiteStreams({ hub: runtime, onNotice: (notice) => notices.push(notice), ...options });
  ends.push(() => streams.stop());
  await streams.look();
  return { streams, notices };
}

async function publish(from: HubConnection, device: string, payload: string | Uint8Array, id?: string) {
  const head = headers();
  if (id !== undefined) head.set('Nats-Msg-Id', id);
  const answer = await from.nats.request(deviceReport(device), payload, {
    headers: head,
    timeout: TIMEOUT_MS,
  });
  return answer.json<{ readonly stream: string; readonly seq: number; readonly duplicate?: boolean }>();
}

afterAll(async () => {
  for (const end of ends.reverse()) await end();
  ends = [];
});

describe('the streams of sites', () => {
  let hub: Hub & Temporary;
  let manager: JetStreamManager;

  beforeAll(async () => {
    hub = await start();
    manager = await operatorOf(hub);
  });

  test('are made for each site that the configuration of the hub names, by many nodes at once', async () => {
    const looks = await Promise.all(Array.from({ length: 3 }, () => look(hub)));
    for (const { streams, notices } of looks) {
      expect(streams.names).toEqual([siteStream('depot'), siteStream('harbour')]);
      expect(notices).toEqual([]);
    }
    const { config } = await manager.streams.info(siteStream('depot'));
    expect(config).toMatchObject({ subjects: ['report.*.depot.*'], storage: 'file', retention: 'limits' });
    expect(config).toMatchObject({ discard: 'new', max_bytes: 1_024 * MIB, duplicate_window: 100e6 });
    expect(config).toMatchObject({ allow_direct: true, max_age: 7 * 24 * 3_600 * 1e9 });
  });

  test("keep an operator's limits, and are put right where promises rest on it", async () => {
    await look(hub);
    const theirs = { max_age: 3_600e9, max_bytes: 50 * MIB };
    const wrong = { subjects: ['report.0.depot.*'], discard: 'old', duplicate_window: 120e9 } as const;
    await manager.streams.update(siteStream('depot'), { ...theirs, ...wrong } as object);
    await look(hub);
    const { config } = await manager.streams.info(siteStream('depot'));
    const right = { subjects: ['report.*.depot.*'], discard: 'new', duplicate_window: 100e6 };
    expect(config).toMatchObject({ ...theirs, ...right });
  });

  test('keep reports of two sites that have one message id, and of two devices of one site', async () => {
    await look(hub);
    const [depot, harbour] = [await connect(hub, 'depot'), await connect(hub, 'harbour')];
    const first = await publish(depot, 'cp-1', 'of depot', 'report 1');
    const second = await publish(harbour, 'cp-1', 'of harbour', 'report 1');
    expect([first.stream, second.stream]).toEqual([siteStream('depot'), siteStream('harbour')]);
    expect([first.duplicate, second.duplicate]).toEqual([undefined, undefined]);
    const another = () => publish(depot, 'cp-2', 'of another', 'report 1');
    await expect.poll(another, { timeout: TIMEOUT_MS }).not.toMatchObject({ duplicate: true });
  });

  test('acknowledge nothing that they drop for the message id of another device: by the protocol it is sent again', async () => {
    await look(hub);
    const depot = await connect(hub, 'depot');
    const devices = Array.from({ length: 20 }, (_, n) => `cp-${String(n)}`);
    const send = async (device: string): Promise<boolean> => {
      const answer = await publish(depot, device, `of ${device}`, 'one id of all');
      try {
        assertStored(device, JSON.stringify(answer));
        return true;
      } catch {
        return false;
      }
    };
    const stored = async (): Promise<readonly string[]> => {
      const info = await manager.streams.info(siteStream('depot'), { subjects_filter: 'report.*.depot.*' });
      return Object.keys(info.state.subjects ?? {}).map((subject) => subject.split('.').at(-1) ?? '');
    };
    await manager.streams.purge(siteStream('depot'));
    const acked = await Promise.all(devices.map(send));
    expect([...(await stored())].sort()).toEqual(devices.filter((_, n) => acked[n]).sort());
    for (const device of devices.filter((_, n) => acked[n] !== true))
      await expect.poll(() => send(device), { timeout: TIMEOUT_MS }).toBe(true);
    expect([...(await stored())].sort()).toEqual([...devices].sort());
  });

  test('tell how much is in them after a sequence, for some partitions alone, and leave nothing behind', async () => {
    await look(hub);
    const harbour = await connect(hub, 'harbour');
    const runtime = await connect(hub, 'runtime');
    const stream = siteStream('harbour');
    const { seq: after } = await publish(harbour, 'cp-1', 'before');
    for (const device of ['cp-1', 'cp-1', 'cp-2']) await publish(harbour, device, 'after');
    const last = after + 3;
    const mine = partitionOf('cp-1');
    const others = EVERY_PARTITION.filter((partition) => partition !== mine);
    const count = (partitions: readonly number[]) =>
      messagesAfter(runtime, { stream, after, partitions }, last);
    expect(await Promise.all([[mine], others, EVERY_PARTITION].map(count))).toEqual([2, 1, 3]);
    const idle = others.filter((partition) => partition !== partitionOf('cp-2'));
    expect(await count(idle)).toBe(0);
    expect((await manager.streams.info(stream)).state.consumer_count).toBe(0);
  });

  test('are read as one feed: what each holds, in its order, under its name', async () => {
    const { streams } = await look(hub);
    const [depot, harbour] = [await connect(hub, 'depot'), await connect(hub, 'harbour')];
    const runtime = await connect(hub, 'runtime');
    const { seq: from } = await publish(depot, 'cp-1', 'before');
    const { seq: start } = await publish(harbour, 'cp-1', 'before');
    for (let index = 0; index < 20; index += 1)
      await publish(index % 2 === 0 ? depot : harbour, 'cp-1', String(index));
    const sink = new RecordingSink();
    const starts = [
      { stream: siteStream('depot'), after: from, reached: from, made: [] },
      { stream: siteStream('harbour'), after: start, reached: start, made: [] },
    ];
    const partitions = EVERY_PARTITION;
    const feed = new NatsFeed({ hub: runtime, streams, onNotice: () => undefined });
    const reading = await feed.open({ partitions, starts, sink });
    await sink.untilDelivered(20);
    await sink.untilHearing(true);
    await reading.stop();
    for (const [site, after] of [
      ['depot', from],
      ['harbour', start],
    ] as const) {
      const ofSite = sink.deliveries.filter(({ stream }) => stream === siteStream(site));
      expect(ofSite.map(({ sequence }) => sequence)).toEqual(
        Array.from({ length: 10 }, (_, index) => after + 1 + index),
      );
      expect(new Set(ofSite.map((delivery) => delivery.site))).toEqual(new Set([site]));
    }
  });
});

describe('a full stream', () => {
  test('refuses its own site, and no other', async () => {
    const hub = await start();
    await look(hub, { bytes: 2 * MIB });
    const [depot, harbour] = [await connect(hub, 'depot'), await connect(hub, 'harbour')];
    const large = new Uint8Array(900_000);
    await publish(depot, 'cp-1', large);
    await publish(depot, 'cp-1', large);
    expect(await publish(depot, 'cp-1', large)).toMatchObject({ error: { err_code: 10_077 } });
    expect(await publish(harbour, 'cp-1', large)).toMatchObject({ stream: siteStream('harbour'), seq: 1 });
    const { state } = await (await operatorOf(hub)).streams.info(siteStream('depot'));
    expect(state).toMatchObject({ messages: 2, first_seq: 1 });
  });
});

describe('on a hub', () => {
  test('without room for all, the sites without a stream are named, and the others are heard', async () => {
    const configure = (conf: string): string =>
      conf.replace(/^jetstream \{$/m, 'jetstream {\n  max_file_store: 40MB');
    const hub = await start({ configure });
    const { streams, notices } = await look(hub, { bytes: 32 * MIB });
    expect(streams.names).toHaveLength(1);
    const [site] = ['depot', 'harbour'].filter((name) => !streams.names.includes(siteStream(name)));
    expect(notices).toMatchObject([{ type: 'site-unheard', site }]);
    await streams.look();
    expect(notices).toHaveLength(1);
  });

  test('that does not tell its sites, those count that are known otherwise; it is said once', async () => {
    const configure = (conf: string): string =>
      conf.replaceAll(/^.*\$SYS\.REQ\.SERVER\.PING\.ACCOUNTZ".*\}$/gm, '');
    const hub = await start({ configure });
    const { streams, notices } = await look(hub, { otherSites: async () => ['harbour'] });
    await streams.look();
    expect(streams.names).toEqual([siteStream('harbour')]);
    expect(notices).toEqual([{ type: 'sites-untold', sites: ['harbour'] }]);
  });

  test('of an older version, the stream of all sites takes nothing more, and is read to its end', async () => {
    const hub = await start();
    const manager = await operatorOf(hub);
    await manager.streams.add({
      name: SHARED_REPORT_STREAM.name,
      subjects: ['report.>'],
      allow_direct: true,
    });
    const depot = await connect(hub, 'depot');
    expect(await publish(depot, 'cp-1', 'of before')).toMatchObject({ stream: SHARED_REPORT_STREAM.name });
    const { streams } = await look(hub);
    expect(streams.names).toEqual([SHARED_REPORT_STREAM.name, siteStream('depot'), siteStream('harbour')]);
    expect(await publish(depot, 'cp-1', 'of now')).toMatchObject({ stream: siteStream('depot'), seq: 1 });
    const sink = new RecordingSink();
    const runtime = await connect(hub, 'runtime');
    const feed = new NatsFeed({ hub: runtime, streams, onNotice: () => undefined });
    const partitions = Array.from({ length: PARTITIONS }, (_, partition) => partition);
    const reading = await feed.open({ partitions, starts: [], sink });
    await sink.untilDelivered(2);
    await sink.untilHearing(true);
    await reading.stop();
    const texts = sink.deliveries.map(({ stream, payload }) => [stream, Buffer.from(payload).toString()]);
    expect(new Map(texts as [string, string][])).toEqual(
      new Map([
        [SHARED_REPORT_STREAM.name, 'of before'],
        [siteStream('depot'), 'of now'],
      ]),
    );
  });
});
