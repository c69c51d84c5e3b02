/**
 * How times, durations and numbers are written on the page. Times are UTC, as in logs and in every answer of the node.
 */
const SECOND_MS = 1_000;
const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
const DAY_MS = 86_400_000;

/** `1.2 s`, `42 s`, `3 min 20 s`, `5 h 12 min`, `3 d 4 h`. */
export function duration(ms: number): string {
  const whole = Math.abs(ms);
  if (whole < SECOND_MS) return `${String(Math.round(whole))} ms`;
  if (whole < 10 * SECOND_MS) return `${(whole / SECOND_MS).toFixed(1)} s`;
  return longDuration(whole);
}

/** As {@link duration}, for what ticks: nothing below a second. */
export function age(ms: number): string {
  return ms < MINUTE_MS ? `${String(Math.floor(ms / SECOND_MS))} s` : longDuration(ms);
}

function longDuration(ms: number): string {
  if (ms < MINUTE_MS) return `${String(Math.round(ms / SECOND_MS))} s`;
  if (ms < HOUR_MS)
    return two(Math.floor(ms / MINUTE_MS), 'min', Math.floor((ms % MINUTE_MS) / SECOND_MS), 's');
  if (ms < DAY_MS) return two(Math.floor(ms / HOUR_MS), 'h', Math.floor((ms % HOUR_MS) / MINUTE_MS), 'min');
  return two(Math.floor(ms / DAY_MS), 'd', Math.floor((ms % DAY_MS) / HOUR_MS), 'h');
}

function two(large: number, largeUnit: string, small: number, smallUnit: string): string {
  const rest = small === 0 ? '' : ` ${String(small)} ${smallUnit}`;
  return `${String(large)} ${largeUnit}${rest}`;
}

/** `± 12 ms`, or that nothing bounds it. */
export function within(errorMs: number | null): string {
  return errorMs === null ? 'not bounded yet' : `± ${duration(errorMs)}`;
}

/** `14:02:03`, UTC. */
export function clockTime(ms: number): string {
  return new Date(ms).toISOString().slice(11, 19);
}

/** `14:02:03.120`, UTC. */
export function exactTime(ms: number): string {
  return new Date(ms).toISOString().slice(11, 23);
}

/** `14:02:03`, with the date when it is not the day of `now`; UTC. */
export function timeOfDay(ms: number, now: number): string {
  const text = new Date(ms).toISOString();
  const isToday = text.slice(0, 10) === new Date(now).toISOString().slice(0, 10);
  return isToday ? text.slice(11, 19) : `${text.slice(0, 10)} ${text.slice(11, 19)}`;
}

/** `100,000`. */
export function count(number: number): string {
  return number.toLocaleString('en');
}

/** `1 report`, `2 reports`. */
export function counted(number: number, noun: string): string {
  return `${count(number)} ${noun}${number === 1 ? '' : 's'}`;
}
