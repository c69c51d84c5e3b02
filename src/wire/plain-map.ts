/** Maps as they come from outside: keys with values, before anybody knows which. */

/** True for a map, and neither for a list nor for `null`. */
export function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** `null` is what many writers make of "no value": the map without the keys of such values, but for those in `kept`. */
export function withoutNulls(
  map: Record<string, unknown>,
  kept: readonly string[] = [],
): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(map).filter(([name, value]) => value !== null || kept.includes(name)),
  );
}
