/**
 * The reports of all devices in memory, in (incarnation, boot, seq) order, and the clocks that time them. What goes in and
 * comes out are copies, as if it had been on a disk.
 */
import { comparePositions } from '../../machines/report.ts';
import type { FiledReport } from '../../actors/decision.ts';
import { type BootClock, segmentOf } from '../../actors/clock.ts';
import type { Twin } from '../../actors/twin.ts';
import { type HistoryReport, REPORT_PAGE_BYTES_MAX, type ReportPage } from '../history/ports.ts';
import type { TwinReading } from '../runtime/twin-reading.ts';

interface StoredReport {
  readonly incarnation: number;
  readonly boot: number;
  readonly seq: number;
  readonly up: number;
  readonly receivedAt: number;
  readonly disposition: FiledReport['disposition'];
  readonly body: string;
}

type Position = Pick<StoredReport, 'incarnation' | 'boot' | 'seq'>;

/** Reports and boot clocks by device. */
export class ReportHistory {
  readonly #reports = new Map<string, StoredReport[]>();
  /** By boot. */
  readonly #clocks = new Map<string, readonly BootClock[]>();

  /** Another one with the same reports and clocks. */
  copy(): ReportHistory {
    const history = new ReportHistory();
    for (const [device, reports] of this.#reports) history.#reports.set(device, [...reports]);
    for (const [key, clock] of this.#clocks) history.#clocks.set(key, clock);
    return history;
  }

  /** Files a report at its place. */
  file({ device, incarnation, report, receivedAt, disposition }: FiledReport): void {
    const { boot, seq, up } = report;
    const stored = { incarnation, boot, seq, up, receivedAt, disposition, body: JSON.stringify(report) };
    let reports = this.#reports.get(device);
    if (reports === undefined) this.#reports.set(device, (reports = []));
    reports.splice(firstAfter(reports, stored), 0, stored);
  }

  /** Nothing of the device is left. */
  forget(device: string): void {
    this.#reports.delete(device);
    for (const key of this.#clocks.keys()) if (key.startsWith(`${device} `)) this.#clocks.delete(key);
  }

  /** Keeps the clock of a boot or segment that is not the present one; none that is not proved in place of one that is. */
  keepClock(device: string, clock: BootClock): void {
    const key = clockKey(device, clock);
    const kept = this.#clocks.get(key) ?? [];
    const known = kept.find(({ fromSeq }) => fromSeq === clock.fromSeq);
    if (known !== undefined && known.earliest !== null && clock.earliest === null) return;
    this.#clocks.set(key, [...kept.filter((other) => other !== known), structuredClone(clock)]);
  }

  /** A page of the device's reports, timed by the clocks as they are known now. */
  page(twin: Twin, page: ReportPage, reading: TwinReading): readonly HistoryReport[] {
    const { from, to, after, isNewestFirst, limit } = page;
    const all = this.#reports.get(twin.device) ?? [];
    const reports = isNewestFirst ? [...all].reverse() : all;
    const found: HistoryReport[] = [];
    let bytes = 0;
    for (const stored of reports) {
      if (found.length >= limit || bytes >= REPORT_PAGE_BYTES_MAX) break;
      if (after !== null && (isNewestFirst ? compare(stored, after) >= 0 : compare(stored, after) <= 0))
        continue;
      const { up, receivedAt, body: text, ...rest } = stored;
      const clock = this.#clockOf(twin, stored);
      const { at, errorMs } = reading.measuredAt({ kind: twin.kind, clock, up, receivedAt });
      if ((from !== null && at < from) || (to !== null && at >= to)) continue;
      bytes += Buffer.byteLength(text);
      const body = JSON.parse(text) as FiledReport['report'];
      found.push({ ...rest, up, state: body.state, receivedAt, measuredAt: at, errorMs, body });
    }
    return found;
  }

  /** Forgets what the hub received before `time`, ms epoch. */
  forgetBefore(time: number): void {
    for (const [device, reports] of this.#reports) {
      const kept = reports.filter(({ receivedAt }) => receivedAt >= time);
      if (kept.length < reports.length) this.#reports.set(device, kept);
    }
  }

  #clockOf(twin: Twin, position: Position): BootClock | undefined {
    const { clock } = twin;
    const isPresent = clock?.boot === position.boot && clock.incarnation === position.incarnation;
    if (isPresent && position.seq >= clock.fromSeq) return clock;
    return segmentOf(this.#clocks.get(clockKey(twin.device, position)) ?? [], position);
  }
}

function clockKey(device: string, { incarnation, boot }: Pick<Position, 'incarnation' | 'boot'>): string {
  return `${device} ${String(incarnation)} ${String(boot)}`;
}

/** Index of the first report after a position. */
function firstAfter(reports: readonly StoredReport[], position: Position): number {
  let low = 0;
  let high = reports.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const report = reports[middle];
    if (report !== undefined && compare(report, position) <= 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

function compare(a: Position, b: Position): number {
  return a.incarnation - b.incarnation || comparePositions(a, b);
}
