/** Times and durations as people write and read them. */
import { InvalidArgumentError } from 'commander';

const UNITS_MS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** Reads `90s`, `5m`, `2h`, `1d`; ms. */
export function duration(text: string): number {
  const [, number = '', unit = ''] = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(text) ?? [];
  if (number === '') throw new InvalidArgumentError('It is a number and a unit, as 90s, 5m, 2h or 1d.');
  return Math.round(Number(number) * UNITS_MS[unit as keyof typeof UNITS_MS]);
}

/** Reads a time with its zone, and gives it back as RFC 3339 in UTC. */
export function instant(text: string): string {
  const at = /(Z|[+-]\d\d:?\d\d)$/.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(at))
    throw new InvalidArgumentError('It is a time with its zone, as 2026-01-31T14:02:00Z.');
  return new Date(at).toISOString();
}

/** `8 s`, `3 min`, `2 h 5 min`, `4 d 1 h`. */
export function shownDuration(ms: number): string {
  const seconds = Math.round(ms / 1_000);
  if (ms < 1_000) return `${String(Math.round(ms))} ms`;
  if (seconds < 120) return `${String(seconds)} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 120) return `${String(minutes)} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return `${String(hours)} h ${String(minutes % 60)} min`;
  return `${String(Math.floor(hours / 24))} d ${String(hours % 24)} h`;
}

/** A time of the wire, ms epoch, as HTTP writes it. */
export function shownTime(at: number | null): string | null {
  return at === null ? null : new Date(at).toISOString();
}
