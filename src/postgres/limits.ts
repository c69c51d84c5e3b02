/**
 * Every limit of the store on Postgres, with what happens at it.
 */

/** Durations in ms. */
export interface PostgresLimits {
  /** Connections for commits and leases; a commit that finds all of them busy waits. */
  readonly writingConnectionsMax: number;
  /**
   * Connections for what the node reads by itself (partitions that it takes over, what it publishes again, the time, housekeeping): nobody
   * who asks can take them.
   */
  readonly ownConnectionsMax: number;
  /** Connections for the ledger, where the id of a request is looked up; those that find all of them busy wait, as many as the mailbox admits. */
  readonly lookupConnectionsMax: number;
  /** Connections for backends that look for devices; how many may wait for one is `findsUnderWayMax` of the runtime. */
  readonly findingConnectionsMax: number;
  /** Connections for whoever reads over HTTP, so that slow readers delay nobody else; a reader that finds all of them busy waits. */
  readonly readingConnectionsMax: number;
  /** Questions of those that wait for a connection; whoever asks one more is told at once that the node is busy. */
  readonly readingWaitingMax: number;
  /** A statement of whoever finds or reads that is not answered by then is given up, and by the server as well. */
  readonly readTimeoutMs: number;
  /** Who has no connection by then, be it that none is free or that none could be made, is told that the store is away. */
  readonly connectTimeoutMs: number;
  /** A statement that is not answered by then: its connection is given up, as if it had been cut. */
  readonly answerTimeoutMs: number;
  /** The same for reading all that partitions hold. */
  readonly loadTimeoutMs: number;
  /**
   * The same for a statement that brings the schema up to date, also while it waits for another node that does: the node does not start, and
   * nothing of that file is changed.
   */
  readonly migrateTimeoutMs: number;
  /** How long a commit whose connection was cut is inquired after; then it is `unavailable`, and its repetition goes on inquiring. */
  readonly giveUpAfterMs: number;
  /** Pause between two inquiries. */
  readonly inquiryPauseMs: number;
  /** The largest statement. A commit above it is refused. */
  readonly statementBytesMax: number;
  /** Devices looked at for one page of a search by quality; a page that needs more holds fewer devices than asked for. */
  readonly searchedDevicesMax: number;
  /** Reports are dropped this many whole days (UTC) after the hub received them. */
  readonly retentionDays: number;
  /**
   * Transitions, outcomes and commands are dropped so many days after they were recorded, or nothing was awaited of them any more; dead
   * letters with the reports of their day. Under the id of a command that is dropped another one can be accepted.
   */
  readonly journalRetentionDays: number;
  /** Changes of its components that are kept of a device; one that names other parts in each report loses the oldest. */
  readonly inventoryChangesMax: number;
  /** A partition for reports is made for each of this many days ahead. */
  readonly daysAhead: number;
  /** And for each of this many days back: as long as the hub's stream keeps reports. Older ones go to the default partition. */
  readonly daysBack: number;
  /**
   * How long housekeeping waits for somebody's lock, and so keeps commits waiting behind it; then it leaves that table to the
   * next time.
   */
  readonly maintenanceLockTimeoutMs: number;
  /** How long one statement of housekeeping may take: it moves and removes whole days. */
  readonly maintenanceTimeoutMs: number;
}

/** What `npm start` and `npm run serve` use unless configured otherwise. */
export const DEFAULT_POSTGRES_LIMITS: PostgresLimits = {
  writingConnectionsMax: 4,
  ownConnectionsMax: 4,
  lookupConnectionsMax: 2,
  findingConnectionsMax: 2,
  readingConnectionsMax: 6,
  readingWaitingMax: 100,
  readTimeoutMs: 10_000,
  connectTimeoutMs: 5_000,
  answerTimeoutMs: 30_000,
  loadTimeoutMs: 600_000,
  migrateTimeoutMs: 21_600_000,
  giveUpAfterMs: 2_000,
  inquiryPauseMs: 50,
  statementBytesMax: 256 * 1024 * 1024,
  searchedDevicesMax: 20_000,
  retentionDays: 90,
  journalRetentionDays: 730,
  inventoryChangesMax: 1_000,
  daysAhead: 3,
  daysBack: 7,
  maintenanceLockTimeoutMs: 200,
  maintenanceTimeoutMs: 600_000,
};
