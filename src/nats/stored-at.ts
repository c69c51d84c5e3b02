/**
 * When a stream stored a message, as the hub writes it.
 */

/** RFC 3339 with nanoseconds as ms epoch, rounded up as in `DeliveryInfo.storedAt`. */
export function storedAtOf(timestamp: string): number {
  const beyondMs = /\.\d{3}(\d*)/.exec(timestamp)?.[1] ?? '';
  return Date.parse(timestamp) + (/[1-9]/.test(beyondMs) ? 1 : 0);
}
