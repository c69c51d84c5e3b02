/**
 * Reads the reports of a device: in the order in which the device made them, timed by the clocks of its boots as they are known
 * now.
 *
 * A window of measured time is found by halving, because uptime grows with seq. A boot whose clock was broken is read by segments. A
 * report of a boot whose uptimes do not grow, though its clock was not, is in its place when all is read, and a window may miss it.
 */
import { type BootClock, leastMeasuredAt, paceAt, segmentOf } from '../../actors/clock.ts';
import type { Twin } from '../../actors/twin.ts';
import { type HistoryReport, REPORT_PAGE_BYTES_MAX, type ReportPage } from '../history/ports.ts';
import type { TwinReading } from '../runtime/twin-reading.ts';
import { type ClockRow, clockSelection, readClock } from './history-rows.ts';
import type { SessionPool } from './sessions.ts';
import { type MeasuredWindow, uptimeWindow } from './uptime-window.ts';

/** What the reports are read with. */
export interface ReportArchiveOptions {
  readonly sessions: SessionPool;
  readonly reading: TwinReading;
}

const COLUMNS = `r.incarnation, r.boot, r.seq, r.up, r.state, ms_of(r.received_at) as "receivedAt", r.is_late, r.body`;

/** By which estimates of when boots began may be in disorder, ms: from so long before a window on it is looked for reports in it. */
const DISORDER_MAX_MS = 86_400_000;

/** Nothing is measured after it arrives, but times are rounded, ms. It lets a question leave out the partitions of days before. */
const ROUNDING_MS = 1;

type Direction = 'asc' | 'desc';

const inOrder = (of: string, direction: Direction): string =>
  `order by ${['incarnation', 'boot', 'seq'].map((column) => `${of}.${column} ${direction}`).join(', ')}`;

/** What `selection` finds, up to the report with which the page has its bytes. */
const bounded = (selection: string, direction: Direction): string => `select * from (
  select r.*, sum(octet_length(r.body::text)) over (${inOrder('r', direction)}) - octet_length(r.body::text) as bytes_before
  from (${selection} ${inOrder('r', direction)} limit $5) r
) r where bytes_before < ${String(REPORT_PAGE_BYTES_MAX)} ${inOrder('r', direction)}`;

const REPORTS = bounded(
  `select ${COLUMNS} from report r where r.device = $1 and (r.incarnation, r.boot, r.seq) > ($2, $3, $4)`,
  'asc',
);
const NEWEST_REPORTS = bounded(
  `select ${COLUMNS} from report r where r.device = $1 and (r.incarnation, r.boot, r.seq) < ($2, $3, $4)`,
  'desc',
);

/**
 * Each report is timed as `measuredAt` of `actors/clock.ts` does it, by the clock of its segment; one without a clock is judged by
 * arrival, which is all that is known of it. The present segment's clock is given, since only its twin has it. Where the window lies is
 * given as positions as well, so that little besides it is read. The limit keeps the planner from reading the clocks of all devices.
 */
const inWindow = (direction: Direction): string =>
  bounded(
    `select ${COLUMNS} from report r
left join lateral (
  select $13::float8 as latest_up, $14::float8 as latest_at, $15::float8 as earliest_up, $16::float8 as earliest_at,
    null::float8 as broken_at
  where r.incarnation = $11::integer and r.boot = $12::bigint and r.seq >= $18::bigint
  union all
  select latest_up::float8, latest_at, earliest_up::float8, earliest_at, broken_at from boot_clock c
  where c.device = r.device and c.incarnation = r.incarnation and c.boot = r.boot
    and c.from_seq <= r.seq and (c.until_seq is null or c.until_seq > r.seq)
  limit 1
) c on true
cross join lateral (select least(r.up + case
    when c.earliest_at is null then c.latest_at - c.latest_up
    else ((c.earliest_at - c.earliest_up) + (c.latest_at - c.latest_up)) / 2 + case
      when c.earliest_at - c.earliest_up <= c.latest_at - c.latest_up then 0
      else $17::float8 * (abs(r.up - c.latest_up) - abs(r.up - c.earliest_up)) / 2 end
    end, ms_of(r.received_at), c.broken_at) as measured_at) m
where r.device = $1 and (r.incarnation, r.boot, r.seq) > ($2, $3, $4)
  and (r.incarnation, r.boot, r.seq) < ($6, $7, $8)
  and r.received_at >= time_of($9::float8 - ${String(ROUNDING_MS)})
  and m.measured_at >= $9 and m.measured_at < $10::float8`,
    direction,
  );

const REPORTS_IN_WINDOW = inWindow('asc');
const NEWEST_REPORTS_IN_WINDOW = inWindow('desc');

/** Of these boots, those that time reports from one number to another. */
const CLOCKS = `select ${clockSelection} from boot_clock
join unnest($2::integer[], $3::bigint[], $4::bigint[], $5::bigint[]) as wanted (incarnation, boot, first, last)
  using (incarnation, boot)
where device = $1 and from_seq <= last and (until_seq is null or until_seq > first)`;

/** The boots and segments that began next before and next after a time, as far as `latest` tells. */
const BEGAN = 'latest_at - latest_up + began_up';
const BEGUN_NEAR = `(select ${clockSelection} from boot_clock
  where device = $1 and ${BEGAN} < $2 order by ${BEGAN} desc limit $3)
union all
(select ${clockSelection} from boot_clock
  where device = $1 and ${BEGAN} >= $2 order by ${BEGAN} limit $3)`;

/**
 * So many boots are looked at on either side of a time to find the last one that began before it: clocks are estimates, so that not the
 * nearest by one bound needs to be it. Of a device whose estimates are in disorder over more boots than that, a window may miss some.
 */
const NEAR_BOOTS_MAX = 100;

const INTEGER_MAX = 2_147_483_647;

interface ReportRow extends Omit<HistoryReport, 'measuredAt' | 'errorMs' | 'disposition' | 'body'> {
  readonly is_late: boolean;
  readonly body: string;
}

interface Boot {
  readonly incarnation: number;
  readonly boot: number;
}

interface Position extends Boot {
  readonly seq: number;
}

const FIRST: Position = { incarnation: 0, boot: -1, seq: 0 };
const LAST: Position = { incarnation: INTEGER_MAX, boot: Number.MAX_SAFE_INTEGER, seq: 0 };

/** By boot. */
type Clocks = ReadonlyMap<string, readonly BootClock[]>;

/** Reports of devices. */
export class ReportHistory {
  readonly #options: ReportArchiveOptions;

  constructor(options: ReportArchiveOptions) {
    this.#options = options;
  }

  /** See `Archive.reports`. `key` is the device's inside the database. */
  async page(key: number, twin: Twin, page: ReportPage): Promise<readonly HistoryReport[]> {
    const hasWindow = page.from !== null || page.to !== null;
    const rows = await (hasWindow ? this.#inWindow(key, twin, page) : this.#anyTime(key, page));
    const clocks = await this.#clocks(key, twin, rows);
    return rows.map((row) => this.#archived(row, twin.kind, clocks));
  }

  #anyTime(key: number, { after, isNewestFirst, limit }: ReportPage): Promise<readonly ReportRow[]> {
    const values = [key, ...places(after ?? (isNewestFirst ? LAST : FIRST)), limit];
    const statement = isNewestFirst
      ? { name: 'newest reports', text: NEWEST_REPORTS }
      : { name: 'reports', text: REPORTS };
    return this.#options.sessions.query<ReportRow>({ ...statement, values });
  }

  /** The clocks that time these reports: the present one as the twin has it. */
  async #clocks(key: number, { clock }: Twin, reports: readonly Position[]): Promise<Clocks> {
    const wanted = new Map<string, Position & { last: number }>();
    for (const report of [...reports].sort(compare)) {
      const { seq } = report;
      const known = wanted.get(bootKey(report));
      if (known === undefined) wanted.set(bootKey(report), { ...bootOf(report), seq, last: seq });
      else known.last = seq;
    }
    const boots = [...wanted.values()];
    if (boots.length === 0) return new Map();
    const rows = await this.#options.sessions.query<ClockRow>({
      name: 'clocks',
      text: CLOCKS,
      values: [
        key,
        boots.map(({ incarnation }) => incarnation),
        boots.map(({ boot }) => boot),
        boots.map(({ seq }) => seq),
        boots.map(({ last }) => last),
      ],
    });
    const isPresent = (each: BootClock): boolean => clock !== null && segmentKey(each) === segmentKey(clock);
    const clocks = new Map<string, BootClock[]>();
    for (const each of [
      ...rows.map(readClock).filter((row) => !isPresent(row)),
      ...(clock === null ? [] : [clock]),
    ]) {
      const known = clocks.get(bootKey(each));
      if (known === undefined) clocks.set(bootKey(each), [each]);
      else known.push(each);
    }
    return clocks;
  }

  async #inWindow(
    key: number,
    twin: Twin,
    { from, to, after, isNewestFirst, limit }: ReportPage,
  ): Promise<readonly ReportRow[]> {
    const extent = await this.#extent(key, twin, { from, to });
    if (extent === null) return [];
    const isInside = after !== null && compare(after, extent.begin) > 0 && compare(after, extent.end) < 0;
    const first = isInside && !isNewestFirst ? after : extent.begin;
    const end = isInside && isNewestFirst ? after : extent.end;
    const isPast = after !== null && !isInside && compare(after, extent.begin) > 0 === !isNewestFirst;
    if (isPast) return [];
    const statement = isNewestFirst
      ? { name: 'newest reports in window', text: NEWEST_REPORTS_IN_WINDOW }
      : { name: 'reports in window', text: REPORTS_IN_WINDOW };
    const { clock } = twin;
    const driftPpm = this.#options.reading.driftPpmOf(twin.kind);
    return this.#options.sessions.query<ReportRow>({
      ...statement,
      values: [
        key,
        ...places(first),
        limit,
        ...places(end),
        from ?? -Infinity,
        to ?? Infinity,
        clock?.incarnation,
        clock?.boot,
        clock?.latest.up,
        clock?.latest.at,
        clock?.earliest?.up,
        clock?.earliest?.at,
        driftPpm / (1e6 - driftPpm),
        clock?.fromSeq,
      ],
    });
  }

  /**
   * Between which positions (both outside) a window lies; `null` where all boots began after it. It ends in the last boot or segment that
   * began before its end. And one had ended when the next one began: so it begins, at the earliest, in the last one that began well before it.
   */
  async #extent(
    key: number,
    twin: Twin,
    window: MeasuredWindow,
  ): Promise<{ readonly begin: Position; readonly end: Position } | null> {
    const { from, to } = window;
    const [first, last] = await Promise.all([
      from === null ? null : this.#lastBegun(key, twin, { time: from - DISORDER_MAX_MS, beganAt: paceAt }),
      to === null ? null : this.#lastBegun(key, twin, { time: to, beganAt: leastMeasuredAt }),
    ]);
    if (last === 'none') return null;
    const driftPpm = this.#options.reading.driftPpmOf(twin.kind);
    const seqAfter = async (clock: BootClock, bound: 'first' | 'last'): Promise<number> => {
      const { fromSeq, untilSeq } = clock;
      // The uptimes of a boot that has several segments do not grow from one to the next.
      if (fromSeq > 0 || untilSeq !== null)
        return bound === 'first' ? fromSeq : (untilSeq ?? Number.MAX_SAFE_INTEGER);
      const { first: firstUp, last: lastUp } = uptimeWindow(clock, driftPpm, window);
      return this.#seqAfter(key, clock, bound === 'first' ? firstUp - 1 : lastUp);
    };
    const [begin, end] = await Promise.all([
      first === null || first === 'none' ? null : seqAfter(first, 'first'),
      last === null ? null : seqAfter(last, 'last'),
    ]);
    return {
      begin:
        first === null || first === 'none' || begin === null ? FIRST : { ...bootOf(first), seq: begin - 1 },
      end: last === null || end === null ? LAST : { ...bootOf(last), seq: end },
    };
  }

  /** The last boot or segment that began before `time`, ms epoch; `none` where all began after it, `null` where no clock is known. */
  async #lastBegun(
    key: number,
    { kind, clock }: Twin,
    { time, beganAt }: { readonly time: number; readonly beganAt: typeof paceAt },
  ): Promise<BootClock | 'none' | null> {
    const driftPpm = this.#options.reading.driftPpmOf(kind);
    const rows = await this.#options.sessions.query<ClockRow>({
      name: 'boots begun near',
      text: BEGUN_NEAR,
      values: [key, time, NEAR_BOOTS_MAX],
    });
    const clocks = rows
      .map(readClock)
      .filter((each) => clock === null || segmentKey(each) !== segmentKey(clock));
    if (clock !== null) clocks.push(clock);
    if (clocks.length === 0) return null;
    const begun = clocks.filter((each) => beganAt(each, each.beganUp, driftPpm) < time).sort(compareSegments);
    return begun.at(-1) ?? 'none';
  }

  /** The first seq of a boot after all its reports with an uptime of at most `up`. */
  async #seqAfter(key: number, { incarnation, boot }: Boot, up: number): Promise<number> {
    const [row] = await this.#options.sessions.query<{ seq: number }>({
      name: 'seq after',
      text: 'select seq_after($1, $2, $3, $4) as seq',
      values: [key, incarnation, boot, up],
    });
    return row?.seq ?? 0;
  }

  #archived(row: ReportRow, kind: string, clocks: Clocks): HistoryReport {
    const { incarnation, boot, seq, up, state, receivedAt, is_late: isLate } = row;
    const clock = segmentOf(clocks.get(bootKey(row)) ?? [], row);
    const { at, errorMs } = this.#options.reading.measuredAt({ kind, clock, up, receivedAt });
    return {
      incarnation,
      boot,
      seq,
      up,
      state,
      receivedAt,
      measuredAt: at,
      errorMs,
      disposition: isLate ? 'late' : 'latest',
      body: JSON.parse(row.body) as HistoryReport['body'],
    };
  }
}

function bootKey({ incarnation, boot }: Boot): string {
  return `${String(incarnation)} ${String(boot)}`;
}

function segmentKey(clock: BootClock): string {
  return `${bootKey(clock)} ${String(clock.fromSeq)}`;
}

function bootOf({ incarnation, boot }: Boot): Boot {
  return { incarnation, boot };
}

function places({ incarnation, boot, seq }: Position): readonly number[] {
  return [incarnation, boot, seq];
}

function compareBoots(a: Boot, b: Boot): number {
  return a.incarnation - b.incarnation || a.boot - b.boot;
}

function compareSegments(a: BootClock, b: BootClock): number {
  return compareBoots(a, b) || a.fromSeq - b.fromSeq;
}

function compare(a: Position, b: Position): number {
  return compareBoots(a, b) || a.seq - b.seq;
}
