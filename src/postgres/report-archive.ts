/**
 * Reads the reports of a device: in the order in which the device made them, timed by the clocks of its boots as they are known
 * now.
 *
 * A window of measured time is found by halving, because uptime grows with seq. A report of a boot whose uptimes do not is in
 * its place when all is read, and a window may miss it.
 */
import { type BootClock, measuredAt } from '../../actors/clock.ts';
import type { Twin } from '../../actors/twin.ts';
import type { ArchivedReport, ReportPage } from '../runtime/archive.ts';
import type { TwinReading } from '../runtime/twin-reading.ts';
import { type ClockRow, clockSelection, readClock } from './history-rows.ts';
import type { SessionPool } from './sessions.ts';
import { type UptimeWindow, uptimeWindow } from './uptime-window.ts';

/** What the reports are read with. */
export interface ReportArchiveOptions {
  readonly sessions: SessionPool;
  readonly reading: TwinReading;
}

const COLUMNS = `r.incarnation, r.boot, r.seq, r.up, r.state, ms_of(r.received_at) as "receivedAt", r.is_late, r.body`;

const REPORTS = `select ${COLUMNS} from report r
where r.device = $1 and (r.incarnation, r.boot, r.seq) > ($2, $3, $4)
order by r.incarnation, r.boot, r.seq limit $5`;

const NEWEST_REPORTS = `select ${COLUMNS} from report r
where r.device = $1 and (r.incarnation, r.boot, r.seq) < ($2, $3, $4)
order by r.incarnation desc, r.boot desc, r.seq desc limit $5`;

/**
 * Boots come as lists, each with the uptimes that lie in the window; one without a clock is judged by arrival, which is all that is
 * known of it. Where the window lies is given as positions as well, so that little besides it is read.
 */
const inWindow = (direction: 'asc' | 'desc'): string => `select ${COLUMNS} from report r
left join unnest($6::integer[], $7::bigint[], $8::bigint[], $9::bigint[]) w (incarnation, boot, first_up, last_up)
  on w.incarnation = r.incarnation and w.boot = r.boot
where r.device = $1 and (r.incarnation, r.boot, r.seq) > ($2, $3, $4)
  and (r.incarnation, r.boot, r.seq) < ($10, $11, $12)
  and r.received_at >= time_of($13)
  and case when w.boot is null then r.received_at >= time_of($14) and r.received_at < time_of($15)
    else r.up between w.first_up and w.last_up end
order by r.incarnation ${direction}, r.boot ${direction}, r.seq ${direction} limit $5`;
const REPORTS_IN_WINDOW = inWindow('asc');
const NEWEST_REPORTS_IN_WINDOW = inWindow('desc');

const CLOCKS = `select ${clockSelection} from boot_clock
where device = $1 and (incarnation, boot) >= ($2, $3) and (incarnation, boot) <= ($4, $5)`;

/**
 * No report is taken to be measured so much later than it arrived, ms: even in fourteen years of uptime a clock within its drift
 * bound does not go that wrong. It lets a question about a time leave out the partitions of days before.
 */
const ARRIVAL_SLACK_MS = 86_400_000;

/** Before every time, ms epoch. */
const BEGINNING_MS = -210_866_803_200_000;

const INTEGER_MAX = 2_147_483_647;

interface ReportRow extends Omit<ArchivedReport, 'measuredAt' | 'errorMs' | 'fate' | 'body'> {
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

/** The uptimes of a boot that lie in a window, and when it began, ms epoch. */
interface BootWindow extends Boot, UptimeWindow {
  readonly began: number;
}

const FIRST: Position = { incarnation: 0, boot: -1, seq: 0 };
const LAST: Position = { incarnation: INTEGER_MAX, boot: Number.MAX_SAFE_INTEGER, seq: 0 };

type Clocks = ReadonlyMap<string, BootClock>;

/** Reports of devices. */
export class ReportArchive {
  readonly #options: ReportArchiveOptions;

  constructor(options: ReportArchiveOptions) {
    this.#options = options;
  }

  /** See `Archive.reports`. `key` is the device's inside the database. */
  async page(key: number, twin: Twin, page: ReportPage): Promise<readonly ArchivedReport[]> {
    const { kind } = twin;
    if (page.from !== null || page.to !== null) {
      const clocks = await this.#clocks(key, twin, { first: FIRST, last: LAST });
      const rows = await this.#inWindow(key, page, this.#windows(kind, clocks, page));
      return rows.map((row) => this.#archived(row, kind, clocks));
    }
    const rows = await this.#anyTime(key, page);
    const ends = [rows.at(0), rows.at(-1)];
    const [first, last] = page.isNewestFirst ? ends.toReversed() : ends;
    if (first === undefined || last === undefined) return [];
    // Pages are many where boots are: each reads the clocks of its own.
    const clocks = await this.#clocks(key, twin, { first, last });
    return rows.map((row) => this.#archived(row, kind, clocks));
  }

  #anyTime(key: number, { after, isNewestFirst, limit }: ReportPage): Promise<readonly ReportRow[]> {
    const values = [key, ...places(after ?? (isNewestFirst ? LAST : FIRST)), limit];
    const statement = isNewestFirst
      ? { name: 'newest reports', text: NEWEST_REPORTS }
      : { name: 'reports', text: REPORTS };
    return this.#options.sessions.query<ReportRow>({ ...statement, values });
  }

  /** The clocks of the boots from one to another, and the present one's as the twin has it. */
  async #clocks(
    key: number,
    twin: Twin,
    { first, last }: { readonly first: Boot; readonly last: Boot },
  ): Promise<Clocks> {
    const rows = await this.#options.sessions.query<ClockRow>({
      name: 'clocks',
      text: CLOCKS,
      values: [key, first.incarnation, first.boot, last.incarnation, last.boot],
    });
    const clocks = [...rows.map(readClock), ...(twin.clock === null ? [] : [twin.clock])];
    return new Map(clocks.map((clock) => [bootKey(clock), clock]));
  }

  /** The uptimes of each boot that lie in the window, in the order of the boots. */
  #windows(kind: string, clocks: Clocks, page: ReportPage): readonly BootWindow[] {
    const driftPpm = this.#options.reading.driftPpmOf(kind);
    return [...clocks.values()]
      .map((clock) => {
        const { incarnation, boot } = clock;
        const began = measuredAt(clock, 0, driftPpm).at;
        return { incarnation, boot, began, ...uptimeWindow(clock, driftPpm, page) };
      })
      .sort(compareBoots);
  }

  async #inWindow(
    key: number,
    { from, to, after, isNewestFirst, limit }: ReportPage,
    windows: readonly BootWindow[],
  ): Promise<readonly ReportRow[]> {
    const extent = await this.#extent(key, { from, to }, windows);
    const isInside = after !== null && compare(after, extent.begin) > 0 && compare(after, extent.end) < 0;
    const first = isInside && !isNewestFirst ? after : extent.begin;
    const end = isInside && isNewestFirst ? after : extent.end;
    const isPast = after !== null && !isInside && compare(after, extent.begin) > 0 === !isNewestFirst;
    if (isPast) return [];
    const statement = isNewestFirst
      ? { name: 'newest reports in window', text: NEWEST_REPORTS_IN_WINDOW }
      : { name: 'reports in window', text: REPORTS_IN_WINDOW };
    return this.#options.sessions.query<ReportRow>({
      ...statement,
      values: [
        key,
        ...places(first),
        limit,
        windows.map(({ incarnation }) => incarnation),
        windows.map(({ boot }) => boot),
        windows.map((window) => window.first),
        windows.map((window) => window.last),
        ...places(end),
        from === null ? BEGINNING_MS : from - ARRIVAL_SLACK_MS,
        from ?? BEGINNING_MS,
        to ?? Number.MAX_SAFE_INTEGER,
      ],
    });
  }

  /**
   * Between which positions (both outside) a window lies. It ends in the last boot that began before its end. And a boot had ended
   * when the next one began: so it begins, at the earliest, in the last one that began well before it.
   */
  async #extent(
    key: number,
    { from, to }: Pick<ReportPage, 'from' | 'to'>,
    windows: readonly BootWindow[],
  ): Promise<{ readonly begin: Position; readonly end: Position }> {
    const last = to === null ? undefined : windows.findLast(({ began }) => began < to);
    if (to !== null && last === undefined && windows.length > 0) return { begin: FIRST, end: FIRST };
    const first =
      from === null ? undefined : windows.findLast(({ began }) => began < from - ARRIVAL_SLACK_MS);
    const [begin, end] = await Promise.all([
      first && this.#seqAfter(key, first, first.first - 1),
      last && this.#seqAfter(key, last, last.last),
    ]);
    return {
      begin: first === undefined || begin === undefined ? FIRST : { ...first, seq: begin - 1 },
      end: last === undefined || end === undefined ? LAST : { ...last, seq: end },
    };
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

  #archived(row: ReportRow, kind: string, clocks: Clocks): ArchivedReport {
    const { incarnation, boot, seq, up, state, receivedAt, is_late: isLate } = row;
    const clock = clocks.get(bootKey(row));
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
      fate: isLate ? 'late' : 'news',
      body: JSON.parse(row.body) as ArchivedReport['body'],
    };
  }
}

function bootKey({ incarnation, boot }: Boot): string {
  return `${String(incarnation)} ${String(boot)}`;
}

function places({ incarnation, boot, seq }: Position): readonly number[] {
  return [incarnation, boot, seq];
}

function compareBoots(a: Boot, b: Boot): number {
  return a.incarnation - b.incarnation || a.boot - b.boot;
}

function compare(a: Position, b: Position): number {
  return compareBoots(a, b) || a.seq - b.seq;
}
