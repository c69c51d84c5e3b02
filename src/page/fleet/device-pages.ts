/**
 * The part of the fleet that the list holds: pages, read one after the other as somebody scrolls to them. With 100,000 devices it is
 * never all of them.
 *
 * I1 Page k + 1 begins where page k ended: at its cursor, or with the next question.
 * I2 Far from what is seen, a page keeps its place and its number of rows and lets go of the rows.
 * I3 No device is in two rows that are held: the page that was read last has it.
 * I4 A line is replaced only by a line of the same or a later version.
 */
import type { Heard } from '../ageing.ts';
import { get } from '../api/request.ts';
import type { DeviceSummary, DevicePage } from '../api/twin.ts';
import type { Question } from './device-query.ts';

/** Devices asked for at once. */
export const PAGE_SIZE = 100;

/** Pages on either side of what is seen that keep their rows. */
const KEPT_PAGES = 5;

/** Filters that a device may come to fit by what happens to it. */
const CHANGING_FILTERS = ['state', 'quality', 'suspicion', 'pending'];

/** Where a page begins. */
interface Place {
  readonly question: number;
  readonly cursor: string | null;
}

interface Page {
  readonly from: Place;
  readonly rows: readonly Heard<DeviceSummary>[] | null;
  readonly size: number;
}

/** A row of the list; `null` while it is being read. */
export type Row = Heard<DeviceSummary> | null;

/** The pages of one list. */
export class DevicePages {
  readonly #questions: readonly Question[];
  readonly #filters: URLSearchParams;
  readonly #changed: () => void;
  readonly #ended = new AbortController();
  #pages: readonly Page[] = [];
  #next: Place | null = { question: 0, cursor: null };
  #seen = { first: 0, last: 0 };
  #reading = false;
  #failure: unknown = null;
  #total: number | null = null;

  /** `filters` are those of all questions together. */
  constructor(
    { questions, filters }: { readonly questions: readonly Question[]; readonly filters: URLSearchParams },
    changed: () => void,
  ) {
    this.#questions = questions;
    this.#filters = filters;
    this.#changed = changed;
  }

  /** How many devices the list holds in all; `null` before it is known. */
  get total(): number | null {
    return this.hasMore ? this.#total : this.size;
  }

  /** How many rows there are as far as it was read. */
  get size(): number {
    return this.#pages.reduce((sum, { size }) => sum + size, 0);
  }

  /** Whether more devices follow, as far as is known. */
  get hasMore(): boolean {
    return this.#next !== null;
  }

  /** Whether the first answer has come. */
  get isRead(): boolean {
    return this.#pages.length > 0;
  }

  /** Why the last question was not answered; `null` when it was. */
  get failure(): unknown {
    return this.#failure;
  }

  /** The row at an index. */
  row(index: number): Row {
    let before = 0;
    for (const { rows, size } of this.#pages) {
      if (index < before + size) return rows?.[index - before] ?? null;
      before += size;
    }
    return null;
  }

  /** Where a device is; `null` when it is not held. */
  indexOf(device: string): number | null {
    let before = 0;
    for (const { rows, size } of this.#pages) {
      const index = rows?.findIndex(({ said }) => said.device === device) ?? -1;
      if (index !== -1) return before + index;
      before += size;
    }
    return null;
  }

  /** Reads what is needed to show these rows, and lets go of what is far from them. */
  show(first: number, last: number): Promise<void> {
    this.#seen = { first, last };
    return this.#work(async () => undefined);
  }

  /** Reads the pages that are seen once more: for what may have changed without a word, as after a lost connection. */
  refresh(): Promise<void> {
    return this.#work(async () => {
      for (const index of this.#seenPages()) await this.#readAgain(index);
      if (this.hasMore) await this.#count();
    });
  }

  /** Takes in lines that were pushed; tells whether they may have moved a device in the list. */
  take(lines: ReadonlyMap<string, Heard<DeviceSummary>>): boolean {
    const held = new Set<string>();
    const moved = new Set<string>();
    const patched = this.#pages.map((page) => {
      if (page.rows?.some(({ said }) => lines.has(said.device)) !== true) return page;
      const rows = page.rows.map((row) => {
        const pushed = lines.get(row.said.device);
        if (pushed === undefined || pushed.said.version < row.said.version) return row;
        held.add(row.said.device);
        const isAlike = pushed.said.state === row.said.state && pushed.said.quality === row.said.quality;
        if (!isAlike) moved.add(row.said.device);
        return pushed;
      });
      return { ...page, rows };
    });
    this.#pages = patched;
    if (held.size > 0) this.#changed();
    return (
      moved.size > 0 ||
      [...lines.values()].some(({ said }) => !held.has(said.device) && this.#mayBelong(said))
    );
  }

  /** Ends it: whatever is still answered is not taken in. */
  end(): void {
    this.#ended.abort();
  }

  /** One thing at a time: whoever comes meanwhile is served by what goes on, as it looks at what is seen by then. */
  async #work(first: () => Promise<void>): Promise<void> {
    if (this.#reading || this.#isEnded()) return;
    this.#reading = true;
    try {
      await first();
      while (await this.#readOne()) this.#changed();
      this.#letGo();
      this.#failure = null;
    } catch (error) {
      this.#failure = error;
    } finally {
      this.#reading = false;
    }
    if (!this.#isEnded()) this.#changed();
  }

  /** Whether a device that is not held might have come to belong to what is seen. */
  #mayBelong({ state }: DeviceSummary): boolean {
    return state === 'suspect' || CHANGING_FILTERS.some((filter) => this.#filters.has(filter));
  }

  /** Asked anew each time: it may happen in any wait. */
  #isEnded(): boolean {
    return this.#ended.signal.aborted;
  }

  /** Reads the next thing that is needed to show what is seen; false when nothing is. */
  async #readOne(): Promise<boolean> {
    const missing = this.#seenPages().find((index) => this.#pages[index]?.rows === null);
    if (missing !== undefined) await this.#readAgain(missing);
    else if (this.#next !== null && this.#seen.last >= this.size) await this.#readOn(this.#next);
    else if (this.#next !== null && this.#total === null) await this.#count();
    else return false;
    return true;
  }

  async #count(): Promise<void> {
    const query = new URLSearchParams(this.#filters);
    query.set('limit', '1');
    const { total } = await get<DevicePage>(`/v1/devices?${query.toString()}`, this.#ended.signal);
    this.#total = total;
  }

  async #readOn(from: Place): Promise<void> {
    const { rows, next } = await this.#ask(from);
    this.#pages = [...without(this.#pages, rows), { from, rows, size: rows.length }];
    this.#next = next;
  }

  /** A page that ends elsewhere than before moves all that follow: they are read again when somebody gets there. */
  async #readAgain(index: number): Promise<void> {
    const page = this.#pages[index];
    if (page === undefined) return;
    const { rows, next } = await this.#ask(page.from);
    const following = this.#pages[index + 1]?.from ?? this.#next;
    const isSameEnd = following?.question === next?.question && following?.cursor === next?.cursor;
    const after = isSameEnd ? this.#pages.slice(index + 1) : [];
    const before = this.#pages.slice(0, index);
    this.#pages = [
      ...without(before, rows),
      { from: page.from, rows, size: rows.length },
      ...without(after, rows),
    ];
    if (!isSameEnd) this.#next = next;
  }

  async #ask({
    question: at,
    cursor,
  }: Place): Promise<{ readonly rows: readonly Heard<DeviceSummary>[]; readonly next: Place | null }> {
    const question = this.#questions[at];
    if (question === undefined) return { rows: [], next: null };
    const query = new URLSearchParams(question.query);
    query.set('limit', String(PAGE_SIZE));
    query.set('total', 'false');
    if (cursor !== null) query.set('cursor', cursor);
    const page = await get<DevicePage>(`/v1/devices?${query.toString()}`, this.#ended.signal);
    const heardAt = performance.now();
    const rows = page.devices
      .filter((line) => !question.isShownBefore(line))
      .map((said) => ({ said, heardAt }));
    if (page.cursor !== null) return { rows, next: { question: at, cursor: page.cursor } };
    const next = at + 1 < this.#questions.length ? { question: at + 1, cursor: null } : null;
    return { rows, next };
  }

  #seenPages(): readonly number[] {
    const { first, last } = this.#seen;
    const found: number[] = [];
    let before = 0;
    for (const [index, { size }] of this.#pages.entries()) {
      if (before <= last && before + size > first) found.push(index);
      before += size;
    }
    return found;
  }

  #letGo(): void {
    const seen = this.#seenPages();
    const from = (seen[0] ?? 0) - KEPT_PAGES;
    const to = (seen.at(-1) ?? 0) + KEPT_PAGES;
    this.#pages = this.#pages.map((page, index) =>
      index >= from && index <= to ? page : { ...page, rows: null },
    );
  }
}

/** The pages without the devices that were just read elsewhere. */
function without(pages: readonly Page[], read: readonly Heard<DeviceSummary>[]): readonly Page[] {
  const devices = new Set(read.map(({ said }) => said.device));
  return pages.map((page) => {
    if (page.rows?.some(({ said }) => devices.has(said.device)) !== true) return page;
    const rows = page.rows.filter(({ said }) => !devices.has(said.device));
    return { ...page, rows, size: rows.length };
  });
}
