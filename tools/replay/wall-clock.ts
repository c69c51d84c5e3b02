/**
 * The wall clock of a place: what it shows, and when that was.
 *
 * Records of people are kept in local time. On the night the clocks go back an hour is shown twice, and on the night they go
 * forward one is never shown; a time in those hours does not name one instant, and must not be rounded to one unseen.
 */
import { Temporal } from 'temporal-polyfill';

/** When a wall clock showed a time; ms epoch. */
export type Shown =
  | { readonly type: 'once'; readonly at: number }
  /** In the hour that came twice. */
  | { readonly type: 'twice'; readonly first: number; readonly second: number }
  /** In the hour that was left out. */
  | { readonly type: 'never' };

const DAY_MS = 86_400_000;
const MINUTE_MS = 60_000;
const LOCAL_MINUTE = /^(\d{4}-\d{2}-\d{2})T([01]\d|2[0-3]):([0-5]\d)$/;

/** A day on which the clock was not changed: where its midnight lies. `null` for one on which it was. */
type PlainDay = number | null;

/** The wall clocks of one time zone. */
export class WallClock {
  readonly #timeZone: string;
  /** Records are read by the thousand, and a look into the time zone's rules is slow: once a day is enough. */
  readonly #days = new Map<string, PlainDay>();

  /** `timeZone` as IANA names it: `Europe/London`. Throws a RangeError for one that does not exist. */
  constructor(timeZone: string) {
    this.#timeZone = timeZone;
    this.midnight('2000-01-01');
  }

  /** When the clock showed this minute, `2019-03-01T07:21`; `null` for a text that names no minute. */
  read(text: string): Shown | null {
    const [, date, hours, minutes] = LOCAL_MINUTE.exec(text) ?? [];
    if (date === undefined) return null;
    const day = this.#day(date);
    if (day === undefined) return null;
    if (day === null) return this.#readExactly(text);
    return { type: 'once', at: day + (Number(hours) * 60 + Number(minutes)) * MINUTE_MS };
  }

  /** When the day `2019-03-01` began, ms epoch; `null` for a text that names no day. `plusDays` is counted on the calendar. */
  midnight(date: string, plusDays = 0): number | null {
    const day = dateOf(date);
    if (day === null) return null;
    return day.add({ days: plusDays }).toZonedDateTime(this.#timeZone).epochMilliseconds;
  }

  /** What the clock showed at an instant, with its distance from UTC: `2019-03-31T02:10:00+01:00`. */
  shownAt(at: number): string {
    const shown = Temporal.Instant.fromEpochMilliseconds(Math.round(at)).toZonedDateTimeISO(this.#timeZone);
    return shown.toString({ timeZoneName: 'never', smallestUnit: 'second', roundingMode: 'halfExpand' });
  }

  /** `undefined` for a text that names no day. */
  #day(date: string): PlainDay | undefined {
    const known = this.#days.get(date);
    if (known !== undefined) return known;
    const midnight = this.midnight(date);
    const next = this.midnight(date, 1);
    if (midnight === null || next === null) return undefined;
    const day = next - midnight === DAY_MS ? midnight : null;
    this.#days.set(date, day);
    return day;
  }

  #readExactly(text: string): Shown {
    const local = Temporal.PlainDateTime.from(text);
    const first = local.toZonedDateTime(this.#timeZone, { disambiguation: 'earlier' });
    const second = local.toZonedDateTime(this.#timeZone, { disambiguation: 'later' });
    if (!first.toPlainDateTime().equals(local)) return { type: 'never' };
    const at = first.epochMilliseconds;
    if (at === second.epochMilliseconds) return { type: 'once', at };
    return { type: 'twice', first: at, second: second.epochMilliseconds };
  }
}

function dateOf(date: string): Temporal.PlainDate | null {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(date)) return null;
  try {
    return Temporal.PlainDate.from(date, { overflow: 'reject' });
  } catch (error) {
    if (error instanceof RangeError) return null;
    throw error;
  }
}
