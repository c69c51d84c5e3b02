/**
 * The store on Postgres: leases, twins, ledger, journal and history in plain tables that anybody may read with psql (see
 * `migrations/`), and the archive for whoever asks over HTTP or NATS.
 */
import type { JournalEntry } from '../contract/journal-entry.ts';
import type { LedgerEntry } from '../contract/ledger-entry.ts';
import type { Source } from '../../actors/known-source.ts';
import type { Twin } from '../../actors/twin.ts';
import type {
  FleetReader,
  HistoryReport,
  Census,
  DeadLetterPage,
  DeviceQuery,
  FleetCensus,
  JournalPage,
  ReportPage,
} from '../history/ports.ts';
import type { DeviceFilter } from '../contract/device-filter.ts';
import type { Commit, CommitResult, Lease, PartitionSink, SourceReplay, Store } from '../runtime/ports.ts';
import { TwinReading, type TwinReadingOptions } from '../runtime/twin-reading.ts';
import { PostgresFleetReader } from './fleet-reader.ts';
import { takeCensus } from './census.ts';
import { Committer } from './committer.ts';
import { DeviceKeys, type DeviceRowGone } from './device-keys.ts';
import { KnownDatabase, type SetBack } from './known-database.ts';
import { Eraser } from './eraser.ts';
import { FleetNumbers } from './fleet-numbers.ts';
import { linesAfter, type LineRow, readLine } from './journal-rows.ts';
import { acquireLeases, releaseLeases, renewLeases } from './leases.ts';
import { DEFAULT_POSTGRES_LIMITS, type PostgresLimits } from './limits.ts';
import { loadPartitions } from './partition-load.ts';
import { registeredSince } from './registrations.ts';
import { type Maintenance, maintainReports } from './report-partitions.ts';
import { serverTime } from './server-time.ts';
import { asError, SessionPool, type SessionPoolOptions } from './sessions.ts';
import { readReplays, readSources } from './sources.ts';
import { packTwin, unpackTwin } from './twin-bytes.ts';

/** Where the store is, and what it takes to answer about twins. */
export interface PostgresStoreOptions extends TwinReadingOptions {
  /** Of a migrated database (see `migrate.ts`), directly or through a pooler that keeps sessions. */
  readonly connectionString: string;
  readonly limits?: Partial<PostgresLimits>;
  readonly onNotice?: (notice: SetBack | DeviceRowGone) => void;
}

/** `Store` and `Archive` on Postgres. Connects when it is first asked something. */
export class PostgresStore implements Store, FleetReader, Census {
  readonly #limits: PostgresLimits;
  readonly #known: KnownDatabase;
  readonly #keys: DeviceKeys;
  /** Each with connections of its own, so that none can take those of another. */
  readonly #pools: Readonly<Record<Use, SessionPool>>;
  readonly #committer: Committer;
  readonly #archive: PostgresFleetReader;
  readonly #ledger: PostgresFleetReader;
  readonly #numbers: FleetNumbers;
  readonly #eraser: Eraser;
  /** For backends that look for devices: however many do, whoever reads otherwise gets on. */
  readonly finds: Pick<FleetReader, 'find'>;
  #closed: Promise<void> | null = null;

  constructor(options: PostgresStoreOptions) {
    const { connectionString } = options;
    const limits = { ...DEFAULT_POSTGRES_LIMITS, ...options.limits };
    const reading = new TwinReading(options);
    this.#limits = limits;
    this.#keys = new DeviceKeys(
      (key) => this.#known.saw(key),
      (notice) => options.onNotice?.(notice),
    );
    this.#known = new KnownDatabase((notice) => {
      this.#keys.forgetAll();
      options.onNotice?.(notice);
    });
    this.#pools = openPools(connectionString, limits, (client) => this.#known.meet(client));
    const { writing, own, lookups, finds, reading: readers } = this.#pools;
    const driftPpmOf = (kind: string): number => reading.driftPpmOf(kind);
    this.#committer = new Committer({
      sessions: writing,
      keys: this.#keys,
      known: this.#known,
      driftPpmOf,
      limits,
    });
    this.#archive = new PostgresFleetReader({ sessions: readers, reading, limits });
    this.#ledger = new PostgresFleetReader({ sessions: lookups, reading, limits });
    this.#numbers = new FleetNumbers({ sessions: own, reading });
    this.#eraser = new Eraser(own);
    this.finds = new PostgresFleetReader({ sessions: finds, reading, limits });
  }

  /** Gives all connections back. What is under way is answered first. */
  close(): Promise<void> {
    this.#closed ??= this.#eraser
      .stop()
      .then(() => Promise.all(Object.values(this.#pools).map((pool) => pool.close())))
      .then(() => undefined);
    return this.#closed;
  }

  /** Makes partitions for the reports of the days to come, and drops those whose retention has passed. For every hour or so. */
  async maintain(now: number): Promise<Maintenance> {
    this.#eraser.begin();
    return maintainReports(this.#pools.own, now, this.#limits);
  }

  // ------------------------------------------------------------------------------------------------------- store

  async acquire(options: Parameters<Store['acquire']>[0]): Promise<readonly Lease[]> {
    const leases = await acquireLeases(this.#pools.writing, options);
    this.#known.took(leases);
    return leases;
  }

  async renew(options: Parameters<Store['renew']>[0]): Promise<readonly number[]> {
    const renewed = await renewLeases(this.#pools.writing, options);
    const gone = new Set(
      options.leases.filter((lease) => this.#known.isGone(lease)).map(({ partition }) => partition),
    );
    return renewed.filter((partition) => !gone.has(partition));
  }

  release(leases: Parameters<Store['release']>[0]): Promise<void> {
    return releaseLeases(this.#pools.writing, leases);
  }

  async load(partitions: readonly number[], sink: PartitionSink): Promise<void> {
    const session = await this.#pools.own.open();
    this.#keys.forget(partitions);
    try {
      await loadPartitions(session, {
        partitions,
        sink,
        timeoutMs: this.#limits.loadTimeoutMs,
        learnKey: (device, key) => this.#keys.learn(device, key),
      });
      session.release();
    } catch (error) {
      session.release(asError(error));
      throw error;
    }
  }

  registered(since: number | null): ReturnType<Store['registered']> {
    return registeredSince(this.#pools.own, since);
  }

  sources(ids: readonly string[]): Promise<readonly Source[]> {
    return readSources(this.#pools.own, ids);
  }

  replays(partitions: readonly number[]): Promise<readonly SourceReplay[]> {
    return readReplays(this.#pools.own, partitions);
  }

  packTwin(twin: Twin): Uint8Array {
    return packTwin(twin);
  }

  unpackTwin(device: string, bytes: Uint8Array): Twin {
    return unpackTwin(device, bytes);
  }

  async commit(commit: Commit): Promise<CommitResult> {
    const result = await this.#committer.commit(commit);
    const isForgetting = commit.journal.some(({ type }) => type === 'forgotten');
    if (isForgetting && result.type === 'committed') this.#eraser.begin();
    return result;
  }

  ledgerEntry(device: string, id: string): Promise<LedgerEntry | null> {
    return this.#ledger.ledgerEntry(device, id);
  }

  async journalAfter(partition: number, after: number, limit: number): Promise<readonly JournalEntry[]> {
    const rows = await this.#pools.own.query<LineRow>({
      name: 'lines after',
      text: linesAfter,
      values: [partition, after, limit],
    });
    return rows.map((row) => readLine(partition, row));
  }

  /** The time by the clock of Postgres, ms epoch. */
  async serverTime(): Promise<number> {
    const { client, release } = await this.#pools.own.open();
    try {
      const now = await serverTime(client);
      release();
      return now;
    } catch (error) {
      release(asError(error));
      throw error;
    }
  }

  // ----------------------------------------------------------------------------------------------------- archive

  twin(device: string): ReturnType<FleetReader['twin']> {
    return this.#archive.twin(device);
  }

  forgotten(device: string): ReturnType<FleetReader['forgotten']> {
    return this.#archive.forgotten(device);
  }

  find(query: DeviceQuery): ReturnType<FleetReader['find']> {
    return this.#archive.find(query);
  }

  count(filter: DeviceFilter): ReturnType<FleetReader['count']> {
    return this.#archive.count(filter);
  }

  reports(device: string, page: ReportPage): Promise<readonly HistoryReport[]> {
    return this.#archive.reports(device, page);
  }

  transitions(device: string, page: JournalPage): ReturnType<FleetReader['transitions']> {
    return this.#archive.transitions(device, page);
  }

  commands(device: string, page: Parameters<FleetReader['commands']>[1]): Promise<readonly LedgerEntry[]> {
    return this.#archive.commands(device, page);
  }

  deadLetters(page: DeadLetterPage): ReturnType<FleetReader['deadLetters']> {
    return this.#archive.deadLetters(page);
  }

  counts(): ReturnType<FleetReader['counts']> {
    return this.#archive.counts();
  }

  stateChanges(options: Parameters<FleetReader['stateChanges']>[0]): ReturnType<FleetReader['stateChanges']> {
    return this.#archive.stateChanges(options);
  }

  ownership(partition: number): ReturnType<FleetReader['ownership']> {
    return this.#archive.ownership(partition);
  }

  leases(): ReturnType<FleetReader['leases']> {
    return this.#archive.leases();
  }

  /** The sites of all devices, registered or heard. */
  sites(): Promise<readonly string[]> {
    return this.#numbers.sites();
  }

  census(): Promise<FleetCensus> {
    return takeCensus(this.#pools.reading);
  }
}

/** What connections are for. */
type Use = 'writing' | 'own' | 'lookups' | 'finds' | 'reading';

/** What the node owns and does in the database rests on its being the same: `meet` looks at each new connection for that. */
function openPools(
  connectionString: string,
  limits: PostgresLimits,
  meet: NonNullable<SessionPoolOptions['meet']>,
): Readonly<Record<Use, SessionPool>> {
  const pool = (
    options: Pick<SessionPoolOptions, 'connectionsMax' | 'waitingMax' | 'statementTimeoutMs' | 'meet'>,
  ): SessionPool => new SessionPool({ connectionString, limits, planCacheMode: 'auto', ...options });
  const statementTimeoutMs = limits.readTimeoutMs;
  return {
    writing: new SessionPool({
      connectionString,
      limits,
      connectionsMax: limits.writingConnectionsMax,
      meet,
      planCacheMode: 'force_generic_plan',
    }),
    own: pool({ connectionsMax: limits.ownConnectionsMax, meet }),
    lookups: pool({ connectionsMax: limits.lookupConnectionsMax, statementTimeoutMs }),
    finds: pool({ connectionsMax: limits.findingConnectionsMax, statementTimeoutMs }),
    reading: pool({
      connectionsMax: limits.readingConnectionsMax,
      waitingMax: limits.readingWaitingMax,
      statementTimeoutMs,
    }),
  };
}
