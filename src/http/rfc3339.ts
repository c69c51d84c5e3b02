/**
 * Times on HTTP: RFC 3339 in UTC with milliseconds. Inside Corral a time is a number, ms epoch, and a device may make
 * it absurd (an uptime of 300,000 years is a valid report): what RFC 3339 cannot write is shown as its first or last moment.
 */

/** 0000-01-01T00:00:00.000Z and 9999-12-31T23:59:59.999Z: the years that have four digits. */
const EARLIEST_MS = -62_167_219_200_000;
const LATEST_MS = 253_402_300_799_999;

/** Date, `T` or a space, time, and an offset: a time without one means something else on every machine. */
const RFC3339 =
  /^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])[Tt ]([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d+)?([Zz]|[+-]([01]\d|2[0-3]):[0-5]\d)$/;

/** Writes ms epoch in whole milliseconds, cut off: a time that was told, asked for again, finds what it was told of. */
export function rfc3339(ms: number): string {
  return new Date(Math.floor(Math.min(Math.max(ms, EARLIEST_MS), LATEST_MS))).toISOString();
}

/** Writes ms epoch, or `null` for a time that is known to be absent. */
export function rfc3339OrNull(ms: number | null): string | null {
  return ms === null ? null : rfc3339(ms);
}

/**
 * Writes the ± of the time `ms` in whole milliseconds, rounded up, with what is cut off the time: an error may be stated
 * too large, never too small.
 */
export function wholeErrorMs(errorMs: number | null, ms: number): number | null {
  return errorMs === null ? null : Math.ceil(errorMs + (ms - Math.floor(ms)));
}

/** Reads RFC 3339 to ms epoch; `null` when it is not that, also for 30 February. */
export function parseRfc3339(text: string): number | null {
  if (!RFC3339.test(text)) return null;
  const ms = Date.parse(text.replace(/[t ]/, 'T').replace('z', 'Z'));
  const day = Number(text.slice(8, 10));
  const dayOfDate = new Date(`${text.slice(0, 10)}T00:00:00Z`).getUTCDate();
  return Number.isNaN(ms) || day !== dayOfDate ? null : ms;
}
