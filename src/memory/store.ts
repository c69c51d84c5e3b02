/**
 * The store in memory: a real one, for the simulation and for tests without servers. Whatever goes in is serialised and
 * whatever comes out is read anew, so that nobody shares an object with it; and it keeps the same rules as Postgres, proved
 * by the same contract suite. Several nodes may share one.
 *
 * Invariants:
 * I1  a commit is checked completely before anything of it is written.
 * I2  a journal number of a partition, and a command number of a device, is given once.
 */
import type { NumberedDeadLetter } from '../contract/dead-letter.ts';
import type { Forgetting, JournalEntry } from '../contract/journal-entry.ts';
import type { LedgerEntry } from '../contract/ledger-entry.ts';
import type { Source } from '../../actors/known-source.ts';
import { sourceOf } from '../../actors/source.ts';
import type { Twin } from '../../actors/twin.ts';
import { shownState } from '../../machines/shown-state.ts';
import { worldState } from '../../machines/statechart.ts';
import type {
  FleetReader,
  HistoryReport,
  DeadLetterPage,
  DeviceCount,
  DeviceQuery,
  DeviceRow,
  ForgottenDevice,
  JournalPage,
  LeaseView,
  ReportPage,
  StateChange,
} from '../history/ports.ts';
import { ANY_DEVICE, type DeviceFilter, isFound, type JudgedDevice } from '../contract/device-filter.ts';
import type {
  Commit,
  CommitResult,
  InventoryEntry,
  Lease,
  PartitionSink,
  SourceReplay,
  Store,
} from '../runtime/ports.ts';
import { compareDevices, cursorAt } from '../runtime/device-query.ts';
import { TwinReading, type TwinReadingOptions } from '../runtime/twin-reading.ts';
import { partitionOf } from '../wire/partition.ts';
import { Journal, type NumberedTransition } from './journal.ts';
import { LeaseTable } from './lease-table.ts';
import { ReportHistory } from './report-history.ts';

/** What a store in memory takes. */
export interface MemoryStoreOptions extends TwinReadingOptions {
  /** How long reports are kept after the hub received them, in whole days (UTC). */
  readonly retentionDays: number;
}

/** A device as the inventory of {@link MemoryStore} has it. */
export interface RegisteredDevice extends InventoryEntry {
  readonly labels: Readonly<Record<string, unknown>>;
}

const DAY_MS = 86_400_000;

/** `Store` and `Archive` in memory; the clock is the store's own, whichever node asks. */
export class MemoryStore implements Store, FleetReader {
  readonly #options: MemoryStoreOptions;
  readonly #reading: TwinReading;
  #leases = new LeaseTable();
  #devices = new Map<string, string>();
  /** Devices as they were registered, one after the other. */
  #registered: string[] = [];
  #twins = new Map<string, string>();
  #history = new ReportHistory();
  /** By device and id. */
  #ledger = new Map<string, string>();
  /** Which id has a command number of a device. */
  #idsByNumber = new Map<string, string>();
  #journal = new Journal();
  /** By device. */
  #forgotten = new Map<string, string>();
  /** By source. */
  #replays = new Map<string, string>();

  constructor(options: MemoryStoreOptions) {
    this.#options = options;
    this.#reading = new TwinReading(options);
  }

  /** Puts a device into the inventory, or changes what it says of it. */
  register(device: RegisteredDevice): void {
    const before = this.#devices.has(device.device) ? this.#inventoryEntry(device.device) : device;
    const isMoved = before.site !== device.site || before.kind !== device.kind;
    this.#devices.set(device.device, JSON.stringify(device));
    if (device.registered) this.#forgotten.delete(device.device);
    if (device.registered || isMoved) this.#registered.push(device.device);
  }

  /** Keeps what it holds now, as a backup does. The function that is returned sets it back to that, and may be called once. */
  keep(): () => void {
    const [leases, history, journal] = [this.#leases.copy(), this.#history.copy(), this.#journal.copy()];
    const [devices, twins] = [new Map(this.#devices), new Map(this.#twins)];
    const [ledger, idsByNumber] = [new Map(this.#ledger), new Map(this.#idsByNumber)];
    const [registered, forgotten] = [[...this.#registered], new Map(this.#forgotten)];
    const replays = new Map(this.#replays);
    return () => {
      [this.#leases, this.#history, this.#journal] = [leases, history, journal];
      [this.#devices, this.#twins, this.#registered] = [devices, twins, registered];
      [this.#ledger, this.#idsByNumber, this.#forgotten] = [ledger, idsByNumber, forgotten];
      this.#replays = replays;
    };
  }

  // ------------------------------------------------------------------------------------------------------- store

  async acquire(options: Parameters<Store['acquire']>[0]): Promise<readonly Lease[]> {
    return this.#leases.acquire({ ...options, now: this.#options.clock.now() });
  }

  async renew(options: Parameters<Store['renew']>[0]): Promise<readonly number[]> {
    return this.#leases.renew({ ...options, now: this.#options.clock.now() });
  }

  async release(leases: Parameters<Store['release']>[0]): Promise<void> {
    this.#leases.release(leases);
  }

  async load(partitions: readonly number[], sink: PartitionSink): Promise<void> {
    for (const device of this.#devices.keys()) {
      if (!partitions.includes(partitionOf(device))) continue;
      const text = this.#twins.get(device);
      if (text === undefined) sink.registered(this.#inventoryEntry(device));
      else {
        const { kind, site, path, lastContactAt, hold, open, probe, via } = JSON.parse(text) as Twin;
        const heardAt = worldState(path) === 'offline' ? null : lastContactAt;
        const isBusy = hold !== null || open.length > 0 || (probe !== null && probe.waitsUntil !== null);
        const { registered: isRegistered, ...entry } = this.#inventoryEntry(device);
        const isMoved = entry.site !== site || entry.kind !== kind;
        const where = { site: entry.site, registeredKind: entry.kind, isMoved };
        const stored = { device, kind, ...where, isRegistered, via: via?.id ?? null, heardAt, isBusy };
        sink.twin({ ...stored, bytes: Buffer.from(text) });
      }
    }
    for (const text of this.#forgotten.values()) {
      const { erasedAt: _, ...forgetting } = JSON.parse(text) as ForgottenDevice;
      if (partitions.includes(partitionOf(forgetting.device))) sink.forgotten(forgetting);
    }
  }

  async forgotten(device: string): Promise<ForgottenDevice | null> {
    const text = this.#forgotten.get(device);
    return text === undefined ? null : (JSON.parse(text) as ForgottenDevice);
  }

  async registered(since: number | null): ReturnType<Store['registered']> {
    const through = this.#registered.length;
    const devices = this.#registered.slice(since ?? through).filter((device) => this.#devices.has(device));
    return { entries: devices.map((device) => this.#inventoryEntry(device)), through };
  }

  async sources(ids: readonly string[]): Promise<readonly Source[]> {
    return ids.flatMap((id) => {
      const twin = this.#twin(id);
      return twin === null ? [] : (sourceOf({ ...twin, boot: twin.newest?.boot ?? null }) ?? []);
    });
  }

  async replays(partitions: readonly number[]): Promise<readonly SourceReplay[]> {
    const all = [...this.#replays.values()].map((text) => JSON.parse(text) as SourceReplay);
    return all.filter(({ source }) => partitions.includes(partitionOf(source)));
  }

  packTwin(twin: Twin): Uint8Array {
    return Buffer.from(JSON.stringify(twin));
  }

  unpackTwin(_device: string, bytes: Uint8Array): Twin {
    return JSON.parse(Buffer.from(bytes).toString()) as Twin;
  }

  async commit(commit: Commit): Promise<CommitResult> {
    const fenced = this.#leases.refusing(commit.partitions);
    if (fenced.length > 0) return { type: 'fenced', partitions: fenced };
    const flaw = this.#flawOf(commit);
    if (flaw !== null) return { type: 'refused', cause: new Error(flaw) };
    this.#leases.advance(commit.partitions);
    for (const twin of commit.twins) this.#writeTwin(twin);
    for (const report of commit.reports) this.#history.file(report);
    for (const { device, clock } of commit.clocks) this.#history.keepClock(device, clock);
    for (const entry of commit.ledger) {
      this.#ledger.set(ledgerKey(entry.device, entry.id), JSON.stringify(entry));
      this.#idsByNumber.set(numberKey(entry), entry.id);
    }
    for (const replay of commit.replays ?? []) this.#keepReplay(replay);
    for (const line of commit.journal) {
      if (line.type === 'forgotten') this.#forget(line.forgetting);
      this.#journal.write(line);
    }
    return { type: 'committed' };
  }

  async ledgerEntry(device: string, id: string): Promise<LedgerEntry | null> {
    const text = this.#ledger.get(ledgerKey(device, id));
    return text === undefined ? null : (JSON.parse(text) as LedgerEntry);
  }

  async journalAfter(partition: number, after: number, limit: number): Promise<readonly JournalEntry[]> {
    return this.#journal.after(partition, after, limit);
  }

  /** Forgets reports beyond their retention. */
  async maintain(now: number): Promise<void> {
    const today = Math.floor(now / DAY_MS);
    this.#history.forgetBefore((today - this.#options.retentionDays) * DAY_MS);
  }

  // ----------------------------------------------------------------------------------------------------- archive

  async twin(device: string): Promise<{ readonly twin: Twin; readonly inventory: InventoryEntry } | null> {
    const row = this.#row(device);
    if (row === null) return null;
    const { kind, site, registered, twin } = row;
    return { twin, inventory: { device, kind, site, registered } };
  }

  async find(query: DeviceQuery): ReturnType<FleetReader['find']> {
    const { order, cursor } = query;
    const reading = this.#reading;
    const found = this.#matching(query)
      .map((row) => ({ row, at: cursorAt(order, row, reading) }))
      .filter(({ at }) => cursor === null || compareDevices(order, at, cursor) > 0)
      .sort((a, b) => compareDevices(order, a.at, b.at));
    const page = found.slice(0, query.limit);
    const isLast = page.length === found.length;
    return { devices: page.map(({ row }) => row), cursor: isLast ? null : (page.at(-1)?.at ?? null) };
  }

  async count(filter: DeviceFilter): ReturnType<FleetReader['count']> {
    return { devices: this.#matching(filter).length, isExact: true };
  }

  async reports(device: string, page: ReportPage): Promise<readonly HistoryReport[]> {
    const twin = this.#twin(device);
    return twin === null ? [] : this.#history.page(twin, page, this.#reading);
  }

  async transitions(device: string, page: JournalPage): Promise<readonly NumberedTransition[]> {
    return this.#journal.transitionsOf({ ...page, device, partition: partitionOf(device) });
  }

  async commands(
    device: string,
    { beforeN, limit }: { readonly beforeN: number | null; readonly limit: number },
  ): Promise<readonly LedgerEntry[]> {
    return [...this.#ledger.values()]
      .map((text) => JSON.parse(text) as LedgerEntry)
      .filter((entry) => entry.device === device && (beforeN === null || entry.n < beforeN))
      .sort((a, b) => b.n - a.n)
      .slice(0, limit);
  }

  async deadLetters(page: DeadLetterPage): Promise<readonly NumberedDeadLetter[]> {
    return this.#journal.deadLetters(page);
  }

  async counts(): Promise<readonly DeviceCount[]> {
    const counts = new Map<string, DeviceCount>();
    for (const { kind, site, twin } of this.#matching(ANY_DEVICE)) {
      const firmware = twin.newest?.report.firmware ?? null;
      const quality = this.#reading.qualityNow(twin) ?? 'unknown';
      const states = { state: worldState(twin.path), shownState: shownState(twin.path) };
      const common = { kind, ...states, quality, site, firmware };
      const key = JSON.stringify(common);
      counts.set(key, { ...common, devices: (counts.get(key)?.devices ?? 0) + 1 });
    }
    return [...counts.values()];
  }

  async stateChanges(options: Parameters<FleetReader['stateChanges']>[0]): Promise<readonly StateChange[]> {
    return this.#journal.stateChanges(options, (device) => this.#inventoryEntry(device).kind);
  }

  async ownership(partition: number): ReturnType<FleetReader['ownership']> {
    return this.#leases.ownership(partition, this.#options.clock.now());
  }

  async leases(): Promise<readonly LeaseView[]> {
    return this.#leases.rows();
  }

  // ------------------------------------------------------------------------------------------------------ inside

  /** What Postgres would refuse in it, or `null`. */
  #flawOf(commit: Commit): string | null {
    const taken = this.#journal.firstTaken(commit.journal);
    if (taken !== null)
      return `journal line ${String(taken.partition)}-${String(taken.no)} is written already`;
    const renumbered = commit.ledger.find((entry) => {
      const id = this.#idsByNumber.get(numberKey(entry));
      return id !== undefined && id !== entry.id;
    });
    if (renumbered !== undefined) return `command number ${numberKey(renumbered)} is given already`;
    const known = new Set([...this.#devices.keys(), ...commit.twins.map(({ device }) => device)]);
    const stranger = [...devicesOf(commit)].find((device) => !known.has(device));
    return stranger === undefined ? null : `device ${stranger} is neither in the inventory nor has it a twin`;
  }

  /** Everything of the device goes at once. */
  #forget(forgetting: Forgetting): void {
    const { device, at } = forgetting;
    this.#devices.delete(device);
    this.#twins.delete(device);
    this.#replays.delete(device);
    this.#history.forget(device);
    this.#journal.forget(device);
    for (const entries of [this.#ledger, this.#idsByNumber])
      for (const key of entries.keys()) if (key.startsWith(`${device} `)) entries.delete(key);
    this.#forgotten.set(device, JSON.stringify({ ...forgetting, erasedAt: at } satisfies ForgottenDevice));
  }

  #keepReplay(replay: SourceReplay): void {
    const known = this.#replays.get(replay.source);
    if (known !== undefined && (JSON.parse(known) as SourceReplay).at >= replay.at) return;
    this.#replays.set(replay.source, JSON.stringify(replay));
  }

  #writeTwin(twin: Twin): void {
    const { device, kind, site } = twin;
    if (!this.#devices.has(device)) this.register({ device, kind, site, registered: false, labels: {} });
    this.#twins.set(device, JSON.stringify(twin));
  }

  #twin(device: string): Twin | null {
    const text = this.#twins.get(device);
    return text === undefined ? null : (JSON.parse(text) as Twin);
  }

  #inventoryEntry(device: string): InventoryEntry {
    const { kind, site, registered } = JSON.parse(this.#devices.get(device) ?? '{}') as RegisteredDevice;
    return { device, kind, site, registered };
  }

  #row(device: string): DeviceRow | null {
    if (!this.#devices.has(device)) return null;
    const entry = this.#inventoryEntry(device);
    const twin = this.#twin(device) ?? this.#reading.initialTwin(entry);
    return twin && { ...entry, twin };
  }

  #matching(filter: DeviceFilter): readonly DeviceRow[] {
    return [...this.#devices.keys()]
      .flatMap((device) => this.#row(device) ?? [])
      .filter((row) => isFound(this.#judged(row), filter));
  }

  #judged({ device, kind, site, twin }: DeviceRow): JudgedDevice {
    const { labels } = JSON.parse(this.#devices.get(device) ?? '{}') as RegisteredDevice;
    const asOf = this.#reading.asOf(twin);
    return {
      device,
      kind,
      site,
      labels,
      path: twin.path,
      firmware: twin.newest?.report.firmware,
      quality: this.#reading.qualityNow(twin),
      suspicions: twin.suspicions.map(({ reason }) => reason),
      measuredMsAgo: asOf === null ? null : this.#options.clock.now() - asOf,
      pending: twin.open.length,
    };
  }
}

const ledgerKey = (device: string, id: string): string => `${device} ${id}`;
const numberKey = ({ device, n }: LedgerEntry): string => `${device} ${String(n)}`;

/** Every device that something in the commit is about, but for its twins. */
function devicesOf(commit: Commit): ReadonlySet<string> {
  const lines = commit.journal.flatMap((line) => {
    if (line.type === 'transition') return line.transition.device;
    return line.type === 'outcome' ? line.entry.device : [];
  });
  const others = [...commit.reports, ...commit.ledger, ...commit.clocks].map(({ device }) => device);
  return new Set([...others, ...lines]);
}
