/**
 * How much devices and sites say: what is above their rates is decided after what the others say. Counted in stream time, the times
 * at which the hub stored the messages, so that it does not depend on how fast they are read, or by whom.
 *
 * A device that empties its bucket is above its rate until the bucket is half full again, so that it is not heard and passed over
 * by turns. Meanwhile one report of it is let through from time to time: its newest state is known although the rest waits. A site's
 * rate bounds what all its devices are heard of together, whatever they call themselves.
 *
 * Invariants:
 * I1  a device, or a site, without a bucket has a full one; at most BUCKETS_MAX have one.
 * I2  what is passed over costs a device what is left in its bucket and no more: it cannot owe for what was not decided.
 */
import { announcesList } from '../wire/codec.ts';
import { REPORT_BYTES_MAX } from '../wire/report.ts';
import type { Delivery } from './ports.ts';
import { fill, fullBucket, type Rate, type TokenBucket } from './token-bucket.ts';

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
/** More buckets than sites that keep to their rates can need; beyond them all are taken for full. */
const BUCKETS_MAX = 50_000;
/** Full buckets are thrown away after so many messages. */
const SWEEP_EVERY = 1_000;

interface DeviceBucket extends TokenBucket {
  isAbove: boolean;
  /** When something of it was let through last, ms epoch. */
  heardAt: number;
}

/** Judges messages in the order of their stream. */
export class Rates {
  readonly #limits: RateLimits;
  readonly #devices = new Map<string, DeviceBucket>();
  readonly #sites = new Map<string, TokenBucket>();
  #judged = 0;

  constructor(limits: RateLimits) {
    this.#limits = limits;
  }

  /** How many devices have a bucket. */
  get size(): number {
    return this.#devices.size;
  }

  judge(delivery: Delivery): Verdict {
    const { receivedAt: at, payload, site, device } = delivery;
    this.#sweep(at);
    const cost = costOf(payload);
    const key = `${site} ${device}`;
    const siteBucket = this.#siteBucket(site, at);
    // A name that was not heard lately is not remembered for what is not decided: names cost nothing.
    if (siteBucket.tokens <= 0 && !this.#devices.has(key)) return 'above';
    const bucket = this.#deviceBucket(key, at);
    const verdict = this.#judge(delivery, bucket, siteBucket);
    if (verdict === 'above') bucket.tokens = Math.min(bucket.tokens, Math.max(0, bucket.tokens - cost));
    else {
      bucket.tokens -= cost;
      siteBucket.tokens -= cost;
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

  #deviceBucket(key: string, at: number): DeviceBucket {
    const { deviceRate } = this.#limits;
    let bucket = this.#devices.get(key);
    if (bucket === undefined) {
      bucket = { ...fullBucket(deviceRate, at), isAbove: false, heardAt: -Infinity };
      add(this.#devices, key, bucket);
    } else fill(bucket, deviceRate, at);
    if (bucket.tokens <= 0) bucket.isAbove = true;
    else if (bucket.tokens >= deviceRate.burst / 2) bucket.isAbove = false;
    return bucket;
  }

  #siteBucket(site: string, at: number): TokenBucket {
    const { siteRate } = this.#limits;
    let bucket = this.#sites.get(site);
    if (bucket === undefined) {
      bucket = fullBucket(siteRate, at);
      add(this.#sites, site, bucket);
    } else fill(bucket, siteRate, at);
    return bucket;
  }

  #sweep(at: number): void {
    this.#judged += 1;
    if (this.#judged % SWEEP_EVERY !== 0) return;
    dropFull(this.#devices, this.#limits.deviceRate, at);
    dropFull(this.#sites, this.#limits.siteRate, at);
  }
}

/** Adds a bucket; where there are too many, all begin anew. */
function add<Bucket>(buckets: Map<string, Bucket>, key: string, bucket: Bucket): void {
  if (buckets.size >= BUCKETS_MAX) buckets.clear();
  buckets.set(key, bucket);
}

function dropFull(buckets: Map<string, TokenBucket>, rate: Rate, at: number): void {
  for (const [key, bucket] of buckets) {
    // It is not filled here: the streams of other sites may be at another time.
    const copy = { tokens: bucket.tokens, at: bucket.at };
    fill(copy, rate, at);
    if (copy.tokens >= rate.burst) buckets.delete(key);
  }
}

/** How many single reports a message counts as: what it costs to decide on it. */
function costOf(payload: Uint8Array): number {
  return announcesList(payload) || payload.length > REPORT_BYTES_MAX
    ? Math.max(1, Math.ceil(payload.length / FRAME_REPORT_BYTES))
    : 1 + Math.floor(payload.length / SINGLE_REPORT_BYTES);
}
