/**
 * How much devices and sites say: what is above their rates is decided after what the others say. Counted in stream time, the times
 * at which the hub stored the messages, so that it does not depend on how fast they are read, or by whom.
 *
 * A device that empties its bucket is above its rate until the bucket is half full again, so that it is not heard and passed over
 * by turns. Meanwhile one report of it is let through from time to time: its newest state is known although the rest waits. A site's
 * rate bounds what all its devices are heard of together, whatever they call themselves.
 *
 * Invariants:
 * I1  a device, or a site, without a bucket has a full one; of a site at most BUCKETS_MAX devices have one.
 * I2  what is passed over costs a device what is left in its bucket and no more: it cannot owe for what was not decided.
 */
import { announcesList } from '../wire/codec.ts';
import { REPORT_BYTES_MAX } from '../wire/report.ts';
import type { Delivery } from './ports.ts';
import { fill, fullBucket, refillMs, type Rate, type TokenBucket } from './token-bucket.ts';

/** How much may be said, and how often a device above its rate is heard all the same, ms. */
export interface RateLimits {
  readonly deviceRate: Rate;
  readonly siteRate: Rate;
  readonly newestEveryMs: number;
}

/** `in-turn`: within the rates. `newest`: its device is above its rate, and is to be heard again. `above`: it can wait. */
export type Verdict = 'in-turn' | 'newest' | 'above';

/** A frame counts as a report for each so many bytes: about what one of them takes there. */
const FRAME_REPORT_BYTES = 128;
/** A single report counts as one, and as one more for each so many bytes beyond: what it costs to read and to write. */
const SINGLE_REPORT_BYTES = 1_024;
/** More buckets than a site that keeps to its rate can need; beyond them all are taken for full. */
const BUCKETS_MAX = 50_000;

interface DeviceBucket extends TokenBucket {
  isAbove: boolean;
  /** When something of it was let through last, ms epoch. */
  heardAt: number;
}

/** What one site says. */
interface SiteRates {
  readonly site: string;
  readonly bucket: TokenBucket;
  readonly devices: Map<string, DeviceBucket>;
  /** When full buckets were thrown away last, in the time of its stream, ms epoch. */
  sweptAt: number;
}

/** Judges messages in the order of their stream. This runs for every message, so that it makes next to nothing. */
export class Rates {
  readonly #limits: RateLimits;
  readonly #sites = new Map<string, SiteRates>();
  /** Whose message was judged last: the next one is nearly always of the same site. */
  #lastSite: SiteRates | null = null;

  constructor(limits: RateLimits) {
    this.#limits = limits;
  }

  /** How many devices have a bucket. */
  get size(): number {
    return [...this.#sites.values()].reduce((sum, { devices }) => sum + devices.size, 0);
  }

  judge(delivery: Delivery): Verdict {
    const { receivedAt: at, payload, site, device } = delivery;
    const cost = costOf(payload);
    const rates = this.#ratesOf(site, at);
    const known = rates.devices.get(device);
    // A name that was not heard lately is not remembered for what is not decided: names cost nothing.
    if (rates.bucket.tokens <= 0 && known === undefined) return 'above';
    const bucket = this.#filled(known, at) ?? this.#add(rates, device, at);
    const verdict = this.#judge(delivery, bucket, rates.bucket);
    if (verdict === 'above') bucket.tokens = Math.min(bucket.tokens, Math.max(0, bucket.tokens - cost));
    else {
      bucket.tokens -= cost;
      rates.bucket.tokens -= cost;
      bucket.heardAt = at;
    }
    return verdict;
  }

  #judge({ receivedAt, payload }: Delivery, bucket: DeviceBucket, site: TokenBucket): Verdict {
    if (site.tokens <= 0) return 'above';
    if (!bucket.isAbove) return 'in-turn';
    const sinceMs = Math.abs(receivedAt - bucket.heardAt);
    // A buffer that is emptied says how things were.
    return sinceMs >= this.#limits.newestEveryMs && !announcesList(payload) ? 'newest' : 'above';
  }

  #filled(bucket: DeviceBucket | undefined, at: number): DeviceBucket | undefined {
    if (bucket === undefined) return undefined;
    const { deviceRate } = this.#limits;
    fill(bucket, deviceRate, at);
    if (bucket.tokens <= 0) bucket.isAbove = true;
    else if (bucket.tokens >= deviceRate.burst / 2) bucket.isAbove = false;
    return bucket;
  }

  #add({ devices }: SiteRates, device: string, at: number): DeviceBucket {
    if (devices.size >= BUCKETS_MAX) devices.clear();
    const { burst: tokens } = this.#limits.deviceRate;
    const bucket: DeviceBucket = { tokens, at, isAbove: false, heardAt: -Infinity };
    devices.set(device, bucket);
    return bucket;
  }

  #ratesOf(site: string, at: number): SiteRates {
    const { siteRate, deviceRate } = this.#limits;
    let rates = this.#lastSite?.site === site ? this.#lastSite : this.#sites.get(site);
    if (rates === undefined) {
      rates = { site, bucket: fullBucket(siteRate, at), devices: new Map(), sweptAt: at };
      this.#sites.set(site, rates);
    } else fill(rates.bucket, siteRate, at);
    this.#lastSite = rates;
    // Whoever said nothing for as long as it takes a bucket to fill has a full one, unless he was in debt.
    if (Math.abs(at - rates.sweptAt) >= refillMs(deviceRate)) {
      rates.sweptAt = at;
      dropFull(rates.devices, deviceRate, at);
    }
    return rates;
  }
}

function dropFull(buckets: Map<string, TokenBucket>, rate: Rate, at: number): void {
  for (const [key, bucket] of buckets) {
    fill(bucket, rate, at);
    if (bucket.tokens >= rate.burst) buckets.delete(key);
  }
}

/** How many single reports a message counts as: what it costs to decide on it. */
function costOf(payload: Uint8Array): number {
  return announcesList(payload) || payload.length > REPORT_BYTES_MAX
    ? Math.max(1, Math.ceil(payload.length / FRAME_REPORT_BYTES))
    : 1 + Math.floor(payload.length / SINGLE_REPORT_BYTES);
}
