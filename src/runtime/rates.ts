/**
 * How much devices and sites say: what is above their rates is decided after what the others say. Counted in stream time, the times
 * at which the hub stored the messages, so that it does not depend on how fast they are read, or by whom.
 *
 * A device that empties its bucket is above its rate until the bucket is half full again, so that it is not heard and passed over
 * by turns. Meanwhile one report of it is let through from time to time: its newest state is known although the rest waits. A site's
 * rate bounds what all its devices are heard of together, whatever they call themselves.
 *
 * A site of which something is above a rate is loud. Where others would have to wait for what a loud site may say, the caller says that
 * it is crowded: then only the newest of each of its devices is heard, as of one that is above its rate.
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

/** A site is loud for so long after something of it was above a rate, in the time of its stream, ms. */
const LOUD_MS = 1_000;
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
  /** When something of it was above its rate or its device's last, in the time of its stream, ms epoch. */
  loudAt: number;
  /** When full buckets were thrown away last, in the time of its stream, ms epoch. */
  sweptAt: number;
}

/** Judges messages in the order of their stream. This runs for every message, so that it makes next to nothing. */
export class Rates {
  readonly #limits: RateLimits;
  readonly #sites = new Map<string, SiteRates>();
  /** Whose message was judged last: the next one is nearly always of the same site. */
  #lastSite: SiteRates | null = null;
  /** When something of any site was above a rate last, ms epoch. */
  #loudAt = -Infinity;

  constructor(limits: RateLimits) {
    this.#limits = limits;
  }

  /** How many devices have a bucket. */
  get size(): number {
    return [...this.#sites.values()].reduce((sum, { devices }) => sum + devices.size, 0);
  }

  /** Whether something that was received at most LOUD_MS before `at`, ms epoch, was above a rate. */
  isSomebodyLoud(at: number): boolean {
    return isLoud(this.#loudAt, at);
  }

  /** `isCrowded`: so much of the site waits already that others would have to wait for more. */
  judge(delivery: Delivery, isCrowded = false): Verdict {
    const { receivedAt: at, payload, site, device } = delivery;
    const cost = costOf(payload);
    const rates = this.#ratesOf(site, at);
    const known = rates.devices.get(device);
    // A name that was not heard lately is not remembered for what is not decided: names cost nothing.
    if (rates.bucket.tokens <= 0 && known === undefined) {
      this.#shout(rates, at);
      return 'above';
    }
    const bucket = this.#filled(known, at) ?? this.#add(rates, device, at);
    if (rates.bucket.tokens <= 0 || bucket.isAbove) this.#shout(rates, at);
    const verdict = judged(delivery, bucket, {
      isSiteAbove: rates.bucket.tokens <= 0,
      mustWait: bucket.isAbove || (isCrowded && isLoud(rates.loudAt, at)),
      newestEveryMs: this.#limits.newestEveryMs,
    });
    if (verdict === 'above') bucket.tokens = Math.min(bucket.tokens, Math.max(0, bucket.tokens - cost));
    else {
      bucket.tokens -= cost;
      rates.bucket.tokens -= cost;
      bucket.heardAt = at;
    }
    return verdict;
  }

  #shout(rates: SiteRates, at: number): void {
    rates.loudAt = at;
    this.#loudAt = at;
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
      rates = { site, bucket: fullBucket(siteRate, at), devices: new Map(), loudAt: -Infinity, sweptAt: at };
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

function judged(
  { receivedAt, payload }: Delivery,
  { heardAt }: DeviceBucket,
  now: { readonly isSiteAbove: boolean; readonly mustWait: boolean; readonly newestEveryMs: number },
): Verdict {
  if (now.isSiteAbove) return 'above';
  if (!now.mustWait) return 'in-turn';
  const sinceMs = Math.abs(receivedAt - heardAt);
  // A buffer that is emptied says how things were.
  return sinceMs >= now.newestEveryMs && !announcesList(payload) ? 'newest' : 'above';
}

/** A clock that was set back makes nobody loud for longer. */
function isLoud(loudAt: number, at: number): boolean {
  return Math.abs(at - loudAt) < LOUD_MS;
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
