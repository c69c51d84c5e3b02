/**
 * Times and durations in sentences for engineers.
 */

/** The times that can be written: 0000-01-01T00:00:00.000Z to 9999-12-31T23:59:59.999Z. A device may make a time absurd. */
const EARLIEST_MS = -62_167_219_200_000;
const LATEST_MS = 253_402_300_799_999;

const UNITS = [
  { name: 'd', ms: 86_400_000 },
  { name: 'h', ms: 3_600_000 },
  { name: 'min', ms: 60_000 },
] as const;

/** Server time, ms epoch, as RFC 3339 in UTC. */
export function momentText(ms: number): string {
  return new Date(Math.round(Math.min(Math.max(ms, EARLIEST_MS), LATEST_MS))).toISOString();
}

/** A duration in the two greatest units that matter: `2 h 5 min`, `3.2 s`, `41 ms`. */
export function durationText(ms: number): string {
  const whole = Math.round(ms);
  if (whole < 1_000) return `${String(whole)} ms`;
  if (whole < 60_000) return `${String(Math.round(whole / 100) / 10)} s`;
  const index = UNITS.findIndex((unit) => whole >= unit.ms);
  const great = UNITS[index] ?? UNITS[2];
  const small = UNITS[index + 1] ?? { name: 's', ms: 1_000 };
  const rest = Math.floor((whole % great.ms) / small.ms);
  const first = `${String(Math.floor(whole / great.ms))} ${great.name}`;
  return rest === 0 ? first : `${first} ${String(rest)} ${small.name}`;
}
