/**
 * The floor: what draining the stream costs when nobody thinks about it. The same messages come through the same feed, are
 * decoded, and are written into the same tables and indexes with the same statements and as many rows; what a twin would
 * have decided is made up. Nothing that the runtime does can be cheaper than this.
 */
import pg from 'pg';
import { kinds } from '../../machines/kinds.ts';
import type { Report } from '../../machines/report.ts';
import { connectToHub } from '../../src/nats/connect.ts';
import { NatsFeed } from '../../src/nats/feed.ts';
import { SiteStreams } from '../../src/nats/site-streams.ts';
import { fencePart, fenceConclusion, writeFence } from '../../src/postgres/fence.ts';
import { reportPart } from '../../src/postgres/history-rows.ts';
import { type PositionsRow, readPositions } from '../../src/postgres/lease-row.ts';
import { transitionPart } from '../../src/postgres/journal-rows.ts';
import { fill, type FilledPart, StatementComposer } from '../../src/postgres/statement.ts';
import { twinPart } from '../../src/postgres/twin-row.ts';
import type { Delivery, PartitionAdvance, StreamStart } from '../../src/runtime/ports.ts';
import { StreamPositions } from '../../src/runtime/stream-positions.ts';
import { decode } from '../../src/wire/codec.ts';
import { PARTITIONS } from '../../src/wire/partition.ts';
import type { RoundOrder, RoundTimer } from './round.ts';
import { countedFeed, type RoundSide } from './runtime-side.ts';

/** A device as the floor knows it. */
interface FloorDevice {
  readonly key: number;
  /** As many bytes as its twin's snapshot has; they differ from report to report, as a snapshot's do. */
  readonly snapshot: Buffer;
  readonly kind: string;
  readonly site: string;
  path: string;
  version: number;
}

interface FloorLease {
  readonly partition: number;
  readonly epoch: number;
  /** In each stream, before the round. */
  readonly readUpTo: StreamPositions;
  readonly positions: StreamPositions;
  batch: number;
  journal: number;
  readonly published: number;
}

type FloorLeaseRow = Record<'partition' | 'epoch' | 'batch' | 'journal' | 'published', string | number> & {
  readonly positions: PositionsRow;
};

/** A report that waits to be written. */
interface Line {
  readonly delivery: Delivery;
  readonly device: FloorDevice;
  readonly report: Report;
  readonly json: string;
}

/** A change of state, as the machine of its kind names states. */
interface Change {
  readonly line: Line;
  readonly from: string;
  readonly to: string;
  readonly no: number;
  readonly version: number;
}

/** Messages that may wait, as in the runtime. */
const WAITING_MAX = 4_000;

/** Begins to drain. */
export async function startFloorSide(order: RoundOrder, timer: RoundTimer): Promise<RoundSide> {
  const client = new pg.Client({ connectionString: order.postgresUrl });
  await client.connect();
  await client.query("set plan_cache_mode = force_generic_plan; set jit = off; set timezone = 'UTC'");
  const floor = new Floor(client, order.batches, timer, await devicesIn(client), await leasesIn(client));
  const hub = await connectToHub({ url: order.natsUrl, name: 'corral bench' });
  const streams = new SiteStreams({ hub });
  await streams.start();
  const feed = countedFeed(new NatsFeed({ hub, streams, onNotice: () => undefined }), timer);
  const reading = await feed.open({
    partitions: Array.from({ length: PARTITIONS }, (_, partition) => partition),
    starts: floor.starts,
    sink: {
      deliver: (batch) => floor.take(batch),
      caughtUp: () => undefined,
      gap: () => undefined,
      streamIdentified: () => undefined,
      opens: () => undefined,
      readThrough: () => undefined,
    },
  });
  return {
    stop: async () => {
      floor.stop();
      await reading.stop();
      await streams.stop();
      await hub.close();
      await client.end();
    },
  };
}

/** Collects, and writes one batch while the next one is collected. */
class Floor {
  readonly #client: pg.Client;
  readonly #batches: readonly number[];
  readonly #timer: RoundTimer;
  readonly #devices: ReadonlyMap<string, FloorDevice>;
  readonly #leases: ReadonlyMap<number, FloorLease>;
  readonly #composer = new StatementComposer(fenceConclusion);
  readonly #observe = new Map(kinds.map((kind) => [kind.name, kind.observe]));
  #lines: Line[] = [];
  #batchNo = 0;
  #committing: Promise<void> | null = null;
  #release: (() => void) | null = null;

  constructor(
    client: pg.Client,
    batches: readonly number[],
    timer: RoundTimer,
    devices: ReadonlyMap<string, FloorDevice>,
    leases: ReadonlyMap<number, FloorLease>,
  ) {
    this.#client = client;
    this.#batches = batches.filter((reports) => reports > 0);
    this.#timer = timer;
    this.#devices = devices;
    this.#leases = leases;
  }

  get starts(): readonly StreamStart[] {
    const leases = [...this.#leases.values()];
    const streams = new Set(leases.flatMap(({ positions }) => [...positions.streams]));
    return [...streams].map((stream) => {
      const after = Math.min(...leases.map(({ positions }) => positions.of(stream)));
      return { stream, after, reached: after, made: [] };
    });
  }

  async take(batch: readonly Delivery[]): Promise<void> {
    for (const delivery of batch) {
      // Partitions have not all come equally far.
      if (delivery.sequence <= this.#lease(delivery.partition).readUpTo.of(delivery.stream)) continue;
      const decoded = decode(delivery.payload);
      const device = this.#devices.get(delivery.device);
      if (!decoded.ok || device === undefined) throw new Error(`${delivery.device} is none of the bench`);
      const report = decoded.value as Report;
      this.#lines.push({ delivery, device, report, json: JSON.stringify(report) });
    }
    this.#commitNext();
    if (this.#lines.length < WAITING_MAX) return;
    await new Promise<void>((resolve) => {
      this.#release = resolve;
    });
  }

  stop(): void {
    this.#release?.();
  }

  #commitNext(): void {
    const size = this.#batches[this.#batchNo] ?? Infinity;
    if (this.#committing !== null || this.#lines.length < size) return;
    const lines = this.#lines.slice(0, size);
    this.#lines = this.#lines.slice(size);
    this.#batchNo += 1;
    if (this.#lines.length < WAITING_MAX) this.#release?.();
    this.#committing = this.#commit(lines).then(() => {
      this.#committing = null;
      this.#commitNext();
    });
  }

  async #commit(lines: readonly Line[]): Promise<void> {
    const changes = lines.flatMap((line) => this.#changeOf(line) ?? []);
    const newest = [...new Map(lines.map((line) => [line.device, line])).values()];
    const advances = this.#advance(lines);
    const parts = [
      fill(fencePart, advances, writeFence),
      reportsPart(lines),
      twinsPart(newest),
      changesPart(changes),
    ].filter(({ rows }) => rows > 0);
    const { name, text, values } = this.#composer.compose(parts);
    await this.#client.query({ name, text, values: [...values] });
    this.#timer.committed({
      report: lines.length,
      twin: newest.length,
      transition: changes.length,
      lease: advances.length,
      other: 0,
    });
  }

  #changeOf(line: Line): Change | null {
    const { device, report, delivery } = line;
    const to = this.#observe.get(device.kind)?.(report) ?? report.state;
    device.version += 1;
    const from = device.path;
    if (from === to) return null;
    device.path = to;
    const lease = this.#lease(delivery.partition);
    lease.journal += 1;
    return { line, from, to, no: lease.journal, version: device.version };
  }

  #advance(lines: readonly Line[]): PartitionAdvance[] {
    const touched = new Set<FloorLease>();
    for (const { delivery } of lines) {
      const lease = this.#lease(delivery.partition);
      lease.positions.move(delivery.stream, delivery.sequence);
      touched.add(lease);
    }
    return [...touched].map((lease) => {
      const { partition, epoch, batch, journal, published } = lease;
      const positions = lease.positions.takeChanged();
      lease.batch += 1;
      return { partition, epoch, afterBatch: batch, positions, backlog: [], journal, published };
    });
  }

  #lease(partition: number): FloorLease {
    const lease = this.#leases.get(partition);
    if (lease === undefined) throw new Error(`there is no partition ${String(partition)}`);
    return lease;
  }
}

function reportsPart(lines: readonly Line[]): FilledPart {
  return fill(reportPart, lines, ({ delivery, device, report, json }, row) => {
    row.device.integer(device.key);
    row.incarnation.integer(1);
    row.boot.bigint(report.boot);
    row.seq.bigint(report.seq);
    row.up.bigint(report.up);
    row.received_at.time(delivery.receivedAt);
    row.is_late.boolean(false);
    row.state.text(report.state);
    row.body.text(json);
  });
}

function twinsPart(newest: readonly Line[]): FilledPart {
  return fill(twinPart, newest, ({ delivery, device, report, json }, row) => {
    const { receivedAt, partition } = delivery;
    row.device.integer(device.key);
    row.partition.smallint(partition);
    row.kind.text(device.kind);
    row.site.text(device.site);
    row.version.bigint(device.version);
    row.path.text(device.path);
    row.since.time(receivedAt);
    row.measured_at.time(receivedAt);
    row.error_ms.double(null);
    row.received_at.time(receivedAt);
    row.incarnation.integer(1);
    row.boot.bigint(report.boot);
    row.seq.bigint(report.seq);
    row.up.bigint(report.up);
    row.firmware.text(report.firmware ?? null);
    row.reported.text(json);
    row.hold.text(null);
    row.suspicions.text(null);
    row.desired_version.bigint(0);
    row.desired.text(null);
    row.snapshot.bytea(device.snapshot.fill(report.seq));
  });
}

function changesPart(changes: readonly Change[]): FilledPart {
  return fill(transitionPart, changes, ({ line, from, to, no, version }, row) => {
    const { delivery, device, report } = line;
    row.partition.smallint(delivery.partition);
    row.no.bigint(no);
    row.device.integer(device.key);
    row.from_path.text(from);
    row.to_path.text(to);
    row.cause.text('report');
    row.detail.text(`report ${String(report.boot)}/${String(report.seq)} says ${report.state}`);
    row.measured_at.time(delivery.receivedAt);
    row.error_ms.double(null);
    row.recorded_at.time(delivery.receivedAt);
    row.version.bigint(version);
    row.incarnation.integer(1);
    row.boot.bigint(report.boot);
    row.seq.bigint(report.seq);
  });
}

async function devicesIn(client: pg.Client): Promise<ReadonlyMap<string, FloorDevice>> {
  const { rows } = await client.query<FloorDevice & { id: string; version: string }>(
    `select d.id, d.key, d.kind, d.site, t.path, t.version, t.snapshot
      from device d join twin t on t.device = d.key`,
  );
  return new Map(
    rows.map(({ id, version, ...device }) => [id, { ...device, version: Number(version) }] as const),
  );
}

async function leasesIn(client: pg.Client): Promise<ReadonlyMap<number, FloorLease>> {
  const { rows } = await client.query<FloorLeaseRow>(
    'select partition, epoch, positions, batch, journal, published from lease',
  );
  return new Map(
    rows.map(readPositions).map((row) => [
      Number(row.partition),
      {
        partition: Number(row.partition),
        epoch: Number(row.epoch),
        readUpTo: new StreamPositions(row.positions),
        positions: new StreamPositions(row.positions),
        batch: Number(row.batch),
        journal: Number(row.journal),
        published: Number(row.published),
      },
    ]),
  );
}
