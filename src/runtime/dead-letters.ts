/**
 * Keeps messages that could not be read, with their reasons: some of each device and site in a minute. Whoever sends rubbish ten
 * thousand times a second must not fill the journal with it; what is above is counted, and told in one letter when the minute is over.
 *
 * The minute is that in which the hub stored the message. A count that was not told yet is forgotten with the process: the letters that
 * were kept stand, and so do the messages in the stream.
 *
 * Invariants:
 * I1  of a device at most `deviceDeadLettersMax` letters of a minute are kept, of a site `siteDeadLettersMax`, and one more each that counts.
 * I2  counts are kept for minutes in which something was counted lately, and no more than a site may have letters.
 */
import type { Batch } from './batch.ts';
import type { RuntimeLimits } from './limits.ts';
import type { PartitionState } from './partition-state.ts';
import type { Delivery } from './ports.ts';
import type { Telemetry } from './telemetry.ts';

/** What keeping takes. */
export interface DeadLettersOptions {
  readonly limits: RuntimeLimits;
  readonly telemetry: Telemetry;
}

/** Why a letter could not be read, or who sent too many of them. */
export interface Problem {
  readonly reason: string;
  readonly detail: string;
}

/** Letters of one device, or site, and minute. */
interface Tally {
  readonly max: number;
  kept: number;
  /** Above what is kept. */
  left: number;
  leftBytes: number;
  firstLeft: number;
  /** The last that was left out. */
  last: { readonly partition: PartitionState; readonly delivery: Delivery } | null;
  touchedAt: number;
}

const MINUTE_MS = 60_000;

/** The letters of one host. */
export class DeadLetters {
  readonly #options: DeadLettersOptions;
  readonly #tallies = new Map<string, Tally>();
  /** The newest time at which the hub stored anything that was looked at, ms epoch. */
  #now = -Infinity;
  #sweptAt = -Infinity;

  constructor(options: DeadLettersOptions) {
    this.#options = options;
  }

  /** Keeps a message, or counts it. */
  keep(where: { partition: PartitionState; delivery: Delivery; batch: Batch }, problem: Problem): void {
    const { delivery, partition, batch } = where;
    const { limits, telemetry } = this.#options;
    const { site, device, receivedAt } = delivery;
    telemetry.deadLetter({ ...problem, device });
    const minute = Math.floor(receivedAt / MINUTE_MS);
    const ofSite = this.#tally(`${site} ${String(minute)}`, limits.siteDeadLettersMax);
    if (ofSite.kept >= ofSite.max) {
      this.#leave(ofSite, partition, delivery);
      return;
    }
    const ofDevice = this.#tally(`${site} ${device} ${String(minute)}`, limits.deviceDeadLettersMax);
    if (ofDevice.kept >= ofDevice.max) {
      this.#leave(ofDevice, partition, delivery);
      return;
    }
    ofSite.kept += 1;
    ofDevice.kept += 1;
    write(partition, delivery, { ...problem, bytes: delivery.payload.length }, batch);
  }

  /** Tells what was left out, once a minute has passed by the hub's clock in which nothing was added to it. Call it with what is read. */
  sweep(receivedAt: number, batch: Batch): void {
    this.#now = Math.max(this.#now, receivedAt);
    if (this.#tallies.size === 0 || this.#now - this.#sweptAt < MINUTE_MS / 60) return;
    this.#sweptAt = this.#now;
    for (const [key, tally] of this.#tallies) {
      if (this.#now - tally.touchedAt < MINUTE_MS) continue;
      this.#tallies.delete(key);
      tell(tally, batch);
    }
  }

  /** Tells everything that was left out so far. */
  tellAll(batch: Batch): void {
    for (const tally of this.#tallies.values()) tell(tally, batch);
    this.#tallies.clear();
  }

  #tally(key: string, max: number): Tally {
    const known = this.#tallies.get(key);
    if (known !== undefined) {
      known.touchedAt = this.#now;
      return known;
    }
    const tally = { max, kept: 0, left: 0, leftBytes: 0, firstLeft: 0, last: null, touchedAt: this.#now };
    this.#tallies.set(key, tally);
    return tally;
  }

  #leave(tally: Tally, partition: PartitionState, delivery: Delivery): void {
    const { site, device, sequence, payload } = delivery;
    if (tally.left === 0) tally.firstLeft = sequence;
    tally.left += 1;
    tally.leftBytes += payload.length;
    // Not its bytes: they are in the stream.
    tally.last = { partition, delivery: { ...delivery, payload: NOTHING } };
    this.#options.telemetry.deadLetterLeft({ site, device });
  }
}

const NOTHING = new Uint8Array();

function tell({ max, left, leftBytes, firstLeft, last }: Tally, batch: Batch): void {
  if (last === null) return;
  const detail =
    `${String(left)} more messages of this minute could not be read, from sequence ${String(firstLeft)} to ${String(last.delivery.sequence)}: ` +
    `${String(max)} of them are kept`;
  write(last.partition, last.delivery, { reason: 'too-many-dead-letters', detail, bytes: leftBytes }, batch);
}

function write(
  state: PartitionState,
  { site, device, stream, sequence, receivedAt }: Delivery,
  about: Problem & { readonly bytes: number },
  batch: Batch,
): void {
  const where = { partition: state.partition, site, device, stream, sequence, receivedAt };
  batch.addDeadLetter(state, { ...where, ...about });
}
