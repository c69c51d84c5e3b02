/** The simulated fleet behind a real leaf of a real hub: what it says is complete and makes sense, also after a restart. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { jetstream } from '@nats-io/jetstream';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { kinds } from '../../machines/kinds.ts';
import type { Report } from '../../machines/report.ts';
import { connectToHub, type HubConnection } from '../../src/nats/connect.ts';
import { encode } from '../../src/wire/codec.ts';
import { readReports } from '../../src/wire/report.ts';
import { sensorsProblem } from '../../src/wire/sensors.ts';
import { SiteStreams } from '../../src/nats/site-streams.ts';
import { parseReportSubject, siteCommand, siteStream } from '../../src/wire/subjects.ts';
import type { Hub } from '../../tools/dev/hub.ts';
import type { Site } from '../../tools/dev/site.ts';
import { startFleet, type Fleet, type FleetOptions } from '../../tools/fleet/fleet.ts';
import { startHub, startSite, type Temporary } from '../servers/servers.ts';

let hub: Hub & Temporary;
let site: Site & Temporary;
let runtime: HubConnection;
let folder: string;
let fleet: Fleet | null = null;
const heard = new Map<string, Report[]>();
let nextSequence = 1;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'corral-fleet-'));
  hub = await startHub();
  site = await startSite(hub);
  runtime = await connectToHub({ url: hub.url('runtime'), name: 'runtime' });
  await new SiteStreams({ hub: runtime }).look();
});

afterAll(async () => {
  await fleet?.stop();
  await runtime.close();
  await site.end();
  await hub.end();
  rmSync(folder, { recursive: true, force: true });
});

async function start(devices: FleetOptions['devices'], speed: number): Promise<Fleet> {
  fleet = await startFleet({ siteUrl: site.url, dataDir: folder, devices, seed: 1, speed });
  return fleet;
}

/** Reads on in the stream. */
async function listen(): Promise<void> {
  const consumer = await jetstream(runtime.nats).consumers.get(siteStream('depot'), {
    deliver_policy: 'by_start_sequence',
    opt_start_seq: nextSequence,
  });
  const { num_pending: pending } = await consumer.info();
  if (pending === 0) return;
  for await (const message of await consumer.fetch({ max_messages: pending, expires: 5_000 })) {
    nextSequence = message.seq + 1;
    const device = parseReportSubject(message.subject)?.device ?? '';
    const read = readReports(device, message.data);
    if (!read.ok) throw new Error(read.detail);
    expect(read.problems).toEqual([]);
    heard.set(device, [...(heard.get(device) ?? []), ...read.reports]);
  }
}

const inOrder = (reports: readonly Report[]): Report[] =>
  reports.toSorted((a, b) => a.boot - b.boot || a.seq - b.seq);

const newest = (device: string): Report | undefined => inOrder(heard.get(device) ?? []).at(-1);

const all = (): Report[] => [...heard.values()].flat();

test('a fleet is heard of, device by device, and lives', async () => {
  const { devices } = await start({ chargePoints: 4, cars: 3, kiosks: 2 }, 3_000);
  expect(devices).toEqual([
    'cp-001',
    'cp-002',
    'cp-003',
    'cp-004',
    'car-001',
    'car-002',
    'car-003',
    'kiosk-001',
    'kiosk-002',
  ]);
  await expect
    .poll(
      async () => {
        await listen();
        const states = new Set(all().map(({ state }) => state));
        return ['available', 'charging', 'rented', 'serving'].filter((state) => !states.has(state));
      },
      { timeout: 60_000, interval: 300 },
    )
    .toEqual([]);
  await fleet?.stop();
});

/** Boots of a device of which reports are missing before the last one that was heard. */
function holesOf(device: string): string[] {
  const reports = heard.get(device) ?? [];
  return [...new Set(reports.map(({ boot }) => boot))]
    .filter((boot) => {
      const seqs = new Set(reports.filter((report) => report.boot === boot).map(({ seq }) => seq));
      return Math.max(...seqs) !== seqs.size;
    })
    .map((boot) => `${device} in boot ${boot}`);
}

test('a fleet that goes on after a stop has lost nothing and remembers everything', async () => {
  const { devices } = await start({ chargePoints: 4, cars: 3, kiosks: 2 }, 1);
  await expect
    .poll(
      async () => {
        await listen();
        const unheard = devices.filter((device) => (newest(device)?.boot ?? 0) < 2);
        return [...devices.flatMap(holesOf), ...unheard];
      },
      { timeout: 20_000 },
    )
    .toEqual([]);
  for (const device of devices) {
    const reports = inOrder(heard.get(device) ?? []);
    const counters = reports.map(({ sensors }) => sensors.meterWh ?? sensors.odometerKm ?? 0);
    expect(counters).toEqual(counters.toSorted((a, b) => Number(a) - Number(b)));
  }
  await fleet?.stop();
});

test('what a fleet reports is of the kind it says', () => {
  for (const report of all()) {
    const kind = kinds.find(({ name }) => name === report.kind);
    if (kind === undefined) throw new Error(`no kind ${String(report.kind)}`);
    expect(sensorsProblem(kind, report)).toBeNull();
  }
});

test('a device of a fleet obeys a reservation, and refuses a second one', async () => {
  const { devices } = await start({ chargePoints: 6, cars: 0, kiosks: 0 }, 1);
  await listen();
  const device = devices.find((each) => {
    const report = newest(each);
    return report?.state === 'available' && report.sensors.carPresent === false;
  });
  const before = newest(device ?? '');
  if (device === undefined || before === undefined) throw new Error('no charge point is free');
  const reserve = { epoch: 1, name: 'reserve', args: {}, boot: before.boot, notAfterUp: 1e9, holdMs: 60_000 };
  const send = (n: number): void =>
    runtime.nats.publish(siteCommand('depot', device), encode({ ...reserve, n, id: `id-${n}` }, 'json'));
  send(1);
  send(2);
  await expect
    .poll(
      async () => {
        await listen();
        return newest(device);
      },
      { timeout: 10_000 },
    )
    .toMatchObject({
      state: 'reserved',
      hold: { id: 'id-1' },
      commands: [
        { n: 2, outcome: 'rejected', reason: 'busy' },
        { n: 1, outcome: 'done' },
      ],
    });
});
