/**
 * Every limit of the runtime, with what happens at it.
 */

import type { Rate } from './token-bucket.ts';

/** Durations in ms, sizes in items, or in bytes where the name says so. */
export interface RuntimeLimits {
  /** A batch takes no further message once it holds this many reports; the rest waits for the next one. */
  readonly batchReportsMax: number;
  /** The same for the bytes of its messages, so that no commit grows larger than the store takes at once. */
  readonly batchBytesMax: number;
  /** After so long of deciding, all that is due gets its turn before the next message: the renewal of a lease cannot wait for long. */
  readonly decideMsMax: number;
  /** Messages waiting to be decided; above it the feed is not read, so the stream holds the rest. */
  readonly mailboxMessagesMax: number;
  /** The same for their bytes: a message may have a megabyte. */
  readonly mailboxBytesMax: number;
  /**
   * Of them those of one stream, which is one site's; above it that stream is not read on, and the others are: whoever says much makes
   * nobody else wait behind all of it.
   */
  readonly mailboxStreamMessagesMax: number;
  /** The same for their bytes. */
  readonly mailboxStreamBytesMax: number;
  /**
   * The same for a site that says too much, or of which a device does (see `rates.ts`): above it, one report of each of its devices is
   * heard each `newestEveryMs`, and the rest is set aside.
   */
  readonly mailboxLoudMessagesMax: number;
  /** The same for their bytes. */
  readonly mailboxLoudBytesMax: number;
  /**
   * Single reports of one device, as one site sends them; a frame counts as what it costs to decide (see `rates.ts`). What is above it
   * is set aside, and decided after what others say.
   */
  readonly deviceRate: Rate;
  /** The same for all devices of one site together, whatever they call themselves. */
  readonly siteRate: Rate;
  /** A device above its rate is heard this often all the same; more rarely the more ranges of it are set aside. */
  readonly newestEveryMs: number;
  /** Messages of a device that cannot be read, kept with their reasons in a minute by the hub's clock; the rest is counted in one. */
  readonly deviceDeadLettersMax: number;
  /** The same for all devices of one site together, whatever they call themselves. */
  readonly siteDeadLettersMax: number;
  /**
   * Devices of one site that have a twin although nobody registered them, of those that one node loaded together. At it, a report of one
   * more is the dead letter `too-many-unregistered`. Those that have a twin, and registered ones, are heard as ever.
   */
  readonly unregisteredDevicesMax: number;
  /**
   * Sources, which speak for other devices, that an owner asks for with each renewal of its leases; of further ones nothing is known, and
   * their devices are judged as if they spoke themselves.
   */
  readonly sourcesMax: number;
  /** A frame this long comes from a buffer that a device empties: while others wait, it is set aside for them. */
  readonly backlogBytesMin: number;
  /** Ranges of a partition that may be set aside; above it, no further one begins: messages are decided in their turn. */
  readonly backlogRangesMax: number;
  /** The same for one device: far below what a twin keeps (`RANGES_MAX`), since each of them is a hole in what it has seen. */
  readonly deviceRangesMax: number;
  /** Requests waiting to be decided; above it a backend is told `unavailable` at once. */
  readonly mailboxRequestsMax: number;
  /** The same for their bytes; a single one may have what is named in `REQUEST_BYTES_MAX`, above which it is refused as `bad-arguments`. */
  readonly mailboxRequestBytesMax: number;
  /** Pages of `fleet.find` that one node looks up or has waiting for the store; whoever asks for one more is told `unavailable` at once. */
  readonly findsUnderWayMax: number;
  /** Committed journal lines waiting to be stored in their stream; above it nothing more is decided. */
  readonly publishBacklogMax: number;
  /** Requests kept waiting for an outcome on this node; above it a backend is told at once how its command stands: pending. */
  readonly waitersMax: number;
  /** A partition without messages of its own still moves its position when the stream is this far ahead. */
  readonly idlePositionLagMax: number;
  /** Twins kept as objects; beyond it the one that was woken longest ago is kept as bytes until something happens to it. */
  readonly twinsResidentMax: number;
  /** The same for their bytes, roughly, because a report may have a megabyte; the one woken last is kept as an object however large. */
  readonly twinsResidentBytesMax: number;
  /** How long a lease lasts by the store's clock; it is renewed three times within that. */
  readonly leaseTtlMs: number;
  /** Pause before a commit is tried again while the store is away. */
  readonly commitRetryMs: number;
  /** Pause before partitions are asked for again: a standby takes over within lease time plus this. */
  readonly acquireRetryMs: number;
  /**
   * How far the clocks of two servers (nodes, hub, store) may differ; added wherever two of them are compared. A node whose clock is
   * proved to be farther from the hub's commands nothing and is not ready (see `runtime/clock-watch.ts`).
   */
  readonly serverErrorMs: number;
  /** Clocks are compared this often: one that is set to another time is believed for so long at most. */
  readonly clockCheckMs: number;
}

/** What `npm start` and `npm run serve` use unless configured otherwise. */
export const DEFAULT_LIMITS: RuntimeLimits = {
  batchReportsMax: 2_000,
  batchBytesMax: 16 * 1024 * 1024,
  decideMsMax: 100,
  mailboxMessagesMax: 4_000,
  mailboxBytesMax: 32 * 1024 * 1024,
  mailboxStreamMessagesMax: 500,
  mailboxStreamBytesMax: 4 * 1024 * 1024,
  mailboxLoudMessagesMax: 10,
  mailboxLoudBytesMax: 64 * 1024,
  deviceRate: { perSecond: 20, burst: 200 },
  siteRate: { perSecond: 2_000, burst: 4_000 },
  newestEveryMs: 1_000,
  deviceDeadLettersMax: 60,
  siteDeadLettersMax: 600,
  unregisteredDevicesMax: 1_500,
  sourcesMax: 10_000,
  backlogBytesMin: 1_024,
  backlogRangesMax: 1_000,
  deviceRangesMax: 32,
  mailboxRequestsMax: 10_000,
  mailboxRequestBytesMax: 32 * 1024 * 1024,
  findsUnderWayMax: 20,
  publishBacklogMax: 20_000,
  waitersMax: 50_000,
  idlePositionLagMax: 5_000,
  twinsResidentMax: 20_000,
  twinsResidentBytesMax: 64 * 1024 * 1024,
  leaseTtlMs: 5_000,
  commitRetryMs: 250,
  acquireRetryMs: 500,
  serverErrorMs: 50,
  clockCheckMs: 2_000,
};
