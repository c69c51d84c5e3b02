/**
 * The reference agent behind a real leaf of a real hub: what it does through outages of the link, and what the hub's
 * stream holds afterwards.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Command } from '../../machines/command.ts';
import type { Report } from '../../machines/report.ts';
import { startAgent } from '../../src/device/agent.ts';
import type { AgentOptions, DeviceAgent } from '../../src/device/device-agent.ts';
import { FileStorage } from '../../src/device/file-storage.ts';
import { AGENT_LIMITS } from '../../src/device/limits.ts';
import { deviceLinks } from '../../src/device/nats-link.ts';
import type { BodyChange, DeviceBody } from '../../src/device/ports.ts';
import { uptimeClock } from '../../src/device/uptime-clock.ts';
import { connectToHub, type HubConnection } from '../../src/nats/connect.ts';
import { encode } from '../../src/wire/codec.ts';
import { partitionOf } from '../../src/wire/partition.ts';
import { readReports } from '../../src/wire/report.ts';
import { SiteStreams } from '../../src/nats/site-streams.ts';
import { siteCommand, siteStream } from '../../src/wire/subjects.ts';
import type { Hub } from '../../tools/dev/hub.ts';
import type { Site } from '../../tools/dev/site.ts';
import { until } from '../nodes/node.ts';
import { startLink, type Link } from '../servers/link.ts';
import { startHub, startSite, type Temporary } from '../servers/servers.ts';

let link: Link;
let hub: Hub & Temporary;
let site: Site & Temporary;
let runtime: HubConnection;
let gateway: HubConnection;
let folder: string;
let devices = 0;
let device: string;
let gauge: Gauge;
const agents: DeviceAgent[] = [];

/** Hardware that shows one number and knows no command but `report`. */
class Gauge implements DeviceBody {
  level = 0;
  #changed: ((change: BodyChange) => void) | null = null;

  set(level: number): void {
    this.level = level;
    this.#changed?.({});
  }
  read = () => ({ state: 'available', sensors: { level: this.level } });
  judge = () => ({ type: 'refuse', reason: 'unknown-command' }) as const;
  act = async () => ({ outcome: 'done' }) as const;
  wasExecuted = async () => null;
  scan = () => null;
  watch = (changed: (change: BodyChange) => void): (() => void) => {
    this.#changed = changed;
    return () => {
      this.#changed = null;
    };
  };
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'corral-device-'));
  link = await startLink();
  hub = await startHub({ link });
  site = await startSite(hub, { link });
  runtime = await connectToHub({ url: hub.url('runtime'), name: 'runtime' });
  gateway = await connectToHub({ url: site.url, name: 'gateway' });
  await new SiteStreams({ hub: runtime }).look();
});

beforeEach(async () => {
  link.heal();
  await site.awaitLink();
  devices += 1;
  device = `cp-${devices}`;
  gauge = new Gauge();
});

afterEach(async () => {
  link.heal();
  await Promise.all(agents.splice(0).map((agent) => agent.stop()));
});

afterAll(async () => {
  await Promise.all([runtime.close(), gateway.close()]);
  await site.end();
  await hub.end();
  await link.close();
  rmSync(folder, { recursive: true, force: true });
});

async function start(options: Partial<AgentOptions> = {}): Promise<DeviceAgent> {
  const agent = await startAgent({
    device,
    kind: null,
    encoding: 'msgpack',
    order: 'current-first',
    limits: { ...AGENT_LIMITS, retryLongestMs: 500 },
    clock: uptimeClock(),
    storage: new FileStorage({ file: join(folder, `${device}.log`), device }),
    link: deviceLinks({ connection: gateway, ackTimeoutMs: 1_000 }).link(device),
    body: gauge,
    ...options,
  });
  agents.push(agent);
  return agent;
}

/** What the hub's stream holds of the device: one list per message, in the order in which they were stored. */
async function stored(): Promise<Report[][]> {
  const consumer = await jetstream(runtime.nats).consumers.get(siteStream('depot'), {
    filter_subjects: `report.${partitionOf(device)}.depot.${device}`,
  });
  const { num_pending: pending } = await consumer.info();
  const frames: Report[][] = [];
  if (pending > 0) {
    for await (const message of await consumer.fetch({ max_messages: pending, expires: 5_000 })) {
      const read = readReports(device, message.data);
      if (!read.ok) throw new Error(read.detail);
      expect(read.problems).toEqual([]);
      frames.push([...read.reports]);
    }
  }
  return frames;
}

const seqs = (frames: readonly (readonly Report[])[]): number[][] =>
  frames.map((frame) => frame.map(({ seq }) => seq));

async function change(agent: DeviceAgent, times: number): Promise<void> {
  for (let time = 0; time < times; time += 1) {
    gauge.set(gauge.level + 1);
    await agent.settled();
  }
}

function send(command: Partial<Command>): void {
  const full = { n: 1, epoch: 1, id: 'a', name: 'report', args: {}, ...command };
  runtime.nats.publish(siteCommand('depot', device), encode(full, 'json'));
}

describe('behind a leaf', () => {
  test('a report is in the stream when the agent says that it is delivered', async () => {
    const agent = await start();
    await change(agent, 3);
    await agent.delivered();
    expect(seqs(await stored()).flat()).toEqual([1, 2, 3, 4]);
  });

  test('a command reaches its device, and the answer is a report', async () => {
    const agent = await start();
    await agent.delivered();
    send({ n: 7 });
    await expect
      .poll(async () => (await stored()).flat().at(-1)?.commands, { timeout: 5_000 })
      .toEqual([{ n: 7, outcome: 'done' }]);
    expect(agent.status().unreadableCommands).toBe(0);
  });

  test('many agents share one connection', async () => {
    const names = Array.from({ length: 20 }, (_, index) => `${device}-${index}`);
    const running = await Promise.all(
      names.map((name) =>
        start({
          device: name,
          storage: new FileStorage({ file: join(folder, `${name}.log`), device: name }),
          link: deviceLinks({ connection: gateway }).link(name),
        }),
      ),
    );
    await Promise.all(running.map((agent) => agent.delivered()));
    for (const name of names) {
      device = name;
      expect(seqs(await stored())).toEqual([[1]]);
    }
  });
});

describe('a hub that refuses to store', () => {
  test('answers, and acknowledges nothing: what it refused is kept, and stored once there is room', async () => {
    const operator = await connectToHub({ url: hub.url('operator'), name: 'operator' });
    const { streams } = await jetstreamManager(operator.nats, { checkAPI: false });
    const agent = await start();
    await agent.delivered();
    const { config, state } = await streams.info(siteStream('depot'));
    await streams.update(siteStream('depot'), { max_msgs: state.messages });
    try {
      await change(agent, 3);
      await until('a report was refused', async () => {
        const { isDelivering, pending } = agent.status();
        return isDelivering ? { done: false, seen: `${String(pending)} pending` } : { done: true };
      });
      expect(agent.status()).toMatchObject({ pending: 3, acked: 1 });
      expect(seqs(await stored()).flat()).toEqual([1]);
    } finally {
      await streams.update(siteStream('depot'), { max_msgs: config.max_msgs });
    }
    await agent.delivered();
    expect(
      seqs(await stored())
        .flat()
        .sort(),
    ).toEqual([1, 2, 3, 4]);
    await operator.close();
  });
});

describe('a cut link', () => {
  test('loses nothing, and heals with the current report first and the others in a frame', async () => {
    const agent = await start();
    await agent.delivered();
    link.cut();
    await expect.poll(() => site.isLinked(), { timeout: 5_000 }).toBe(false);
    await change(agent, 200);
    expect(agent.status().pending).toBe(200);
    link.heal();
    await agent.delivered();
    const frames = seqs(await stored());
    expect(frames.slice(0, 3)).toEqual([[1], [201], Array.from({ length: 199 }, (_, index) => index + 2)]);
  });

  test('with the order fifo heals with the oldest first', async () => {
    const agent = await start({ order: 'fifo' });
    await agent.delivered();
    link.cut();
    await expect.poll(() => site.isLinked(), { timeout: 5_000 }).toBe(false);
    await change(agent, 50);
    link.heal();
    await agent.delivered();
    expect(seqs(await stored()).flat()).toEqual(Array.from({ length: 51 }, (_, index) => index + 1));
  });

  test('that flaps under load loses nothing, and every number has one content', async () => {
    const agent = await start();
    for (let flap = 0; flap < 4; flap += 1) {
      await change(agent, 50);
      if (flap % 2 === 0) link.cut();
      else link.freeze();
      await change(agent, 50);
      link.heal();
      await expect.poll(() => agent.status().isDelivering, { timeout: 20_000 }).toBe(true);
    }
    await agent.delivered();
    const reports = (await stored()).flat();
    const contents = new Map<number, Set<string>>();
    for (const report of reports) {
      contents.set(report.seq, (contents.get(report.seq) ?? new Set()).add(JSON.stringify(report)));
    }
    expect([...contents.keys()].sort((a, b) => a - b)).toEqual(
      Array.from({ length: 401 }, (_, index) => index + 1),
    );
    expect([...contents.values()].every((copies) => copies.size === 1)).toBe(true);
  });

  test('that swallows acks makes the agent send again, not differently', async () => {
    const agent = await start();
    await agent.delivered();
    link.freeze('down');
    await change(agent, 1);
    await expect.poll(() => agent.status().isDelivering, { timeout: 10_000 }).toBe(false);
    link.heal();
    await agent.delivered();
    const copies = (await stored()).flat().filter(({ seq }) => seq === 2);
    expect(copies.length).toBeGreaterThan(1);
    for (const copy of copies) expect(copy).toEqual(copies[0]);
  });

  test('while the agent restarts delivers what it had kept in its file', async () => {
    const first = await start();
    await first.delivered();
    link.cut();
    await change(first, 5);
    await first.stop();
    const second = await start();
    link.heal();
    await second.delivered();
    const positions = (await stored()).map((frame) => frame.map(({ boot, seq }) => `${boot}/${seq}`));
    expect(positions).toEqual([['1/1'], ['2/1'], ['1/2', '1/3', '1/4', '1/5', '1/6']]);
  });
});

test('a hub that was killed and comes back gets everything', async () => {
  const agent = await start();
  await agent.delivered();
  await hub.kill();
  await change(agent, 20);
  await hub.start();
  await agent.delivered();
  expect(new Set(seqs(await stored()).flat()).size).toBe(21);
});
