/**
 * The desired configuration of a device: changed by JSON merge patch (RFC 7396), compared with what the device applied.
 */
import type { Twin } from './twin.ts';

type Values = Readonly<Record<string, unknown>>;

/**
 * The largest desired configuration, bytes: the merged values, as JSON in UTF-8. A patch that would make it larger is refused as
 * `desired-too-large`, and changes nothing: a twin's document has to fit into one message, with everything else in it.
 */
export const DESIRED_BYTES_MAX = 64 * 1024;

/** How large a desired configuration is, bytes. */
export function desiredBytes(values: Values): number {
  return Buffer.byteLength(JSON.stringify(values));
}

/** `values` with the patch applied: `null` removes a key, maps merge, everything else replaces. */
export function applyMergePatch(values: Values, patch: Values): Values {
  const merged = new Map(Object.entries(values));
  for (const [key, change] of Object.entries(patch)) {
    if (change === null) merged.delete(key);
    else if (isMap(change)) {
      const old = merged.get(key);
      merged.set(key, applyMergePatch(isMap(old) ? old : {}, change));
    } else merged.set(key, change);
  }
  return Object.fromEntries(merged);
}

/** The desired values that the device has not said it applied. A version above ours is that of another configuration. */
export function desiredDelta(twin: Pick<Twin, 'newest' | 'desired'>): Values {
  const applied = twin.newest?.report.config?.version ?? 0;
  return applied === twin.desired.version ? {} : twin.desired.values;
}

function isMap(value: unknown): value is Values {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
