/**
 * How many bytes a twin takes, near enough to bound what many take together. What a device or a backend can make large is weighed; the
 * rest has bounds of its own, and is one number. It is asked after every decision, so nothing is packed for it.
 */
import type { Twin } from '../../actors/twin.ts';

/** What a twin takes that says next to nothing: names, clocks, positions. */
const SMALLEST_BYTES = 400;
/** A number, a boolean, null, or what holds an entry or item together. */
const SCALAR_BYTES = 8;

/** Bytes of a twin, roughly. */
export function twinWeight({ newest, sequence, open, recent, waiting, suspicions, desired }: Twin): number {
  let bytes = SMALLEST_BYTES + SCALAR_BYTES * sequence.ranges.length;
  if (newest !== null) bytes += weightOf(newest.report);
  for (const each of [open, recent, waiting, suspicions]) if (each.length > 0) bytes += weightOf(each);
  return bytes + weightOf(desired.values);
}

/** Plain data: its depth is bounded where it is read. */
function weightOf(value: unknown): number {
  if (typeof value === 'string') return value.length + SCALAR_BYTES;
  if (typeof value !== 'object' || value === null) return SCALAR_BYTES;
  if (value instanceof Uint8Array) return value.length + SCALAR_BYTES;
  let bytes = SCALAR_BYTES;
  if (Array.isArray(value)) {
    for (const item of value) bytes += weightOf(item);
    return bytes;
  }
  const fields = value as Readonly<Record<string, unknown>>;
  for (const name in fields) bytes += name.length + weightOf(fields[name]);
  return bytes;
}
