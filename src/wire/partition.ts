/**
 * The partition of a device: the same function as the `{{partition(32,n)}}` of `nats.conf`, which is FNV-1a 32 of the
 * token, modulo the number of partitions (measured on nats-server 2.9 to 2.15). The number is fixed for the life of an
 * installation; nodes are added by moving partitions, never by changing their number.
 */
export const PARTITIONS = 32;

/** FNV-1a, 32 bits, over the UTF-8 bytes of `text`. */
export function fnv1a32(text: string): number {
  let hash = 0x811c9dc5;
  // Ids are ASCII, and this is asked for each report: their characters are their bytes.
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index);
    if (code > 0x7f) return fnv1a32OfBytes(text);
    hash = Math.imul(hash ^ code, 0x01000193) >>> 0;
  }
  return hash;
}

function fnv1a32OfBytes(text: string): number {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(text)) {
    hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  }
  return hash;
}

/** The partition, 0 to 31, that decides for this device. */
export function partitionOf(device: string): number {
  return fnv1a32(device) % PARTITIONS;
}
