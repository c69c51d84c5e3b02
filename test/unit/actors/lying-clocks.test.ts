/**
 * Devices whose uptime does not keep pace with the time that passes, each through two hours of reports and round trips: what their twin
 * says of when things were measured, then and afterwards.
 */
import { beforeEach, describe, expect, test } from 'vitest';
import type { Report } from '../../../machines/report.ts';
import { chargePoint } from '../../../machines/charge-point.ts';
import { ReportHistory } from '../../../src/memory/report-history.ts';
import type { HistoryReport } from '../../../src/history/ports.ts';
import { TwinReading } from '../../../src/runtime/twin-reading.ts';
import { Stage, T0 } from './stage.ts';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
/** When the lie begins: by then round trips have proved the clock. */
const LIE = 20 * MINUTE;
const PERIOD = 30 * SECOND;
/** A report is on its way for so long. */
const WAY = 40;

/** Uptime by true time since the boot. */
type Uptime = (at: number, seq: number) => number;

const since = (at: number): number => Math.max(0, at - LIE);

const lies: Readonly<Record<string, Uptime>> = {
  'stands still in deep sleep, an hour long': (at) => Math.min(at, LIE) + since(at - HOUR),
  'stands still for half of each ten minutes': (at) => {
    const passed = since(at);
    const rounds = Math.floor(passed / (10 * MINUTE));
    return Math.min(at, LIE) + rounds * 5 * MINUTE + Math.min(passed % (10 * MINUTE), 5 * MINUTE);
  },
  'runs ten times as fast': (at) => at + 9 * since(at),
  'runs at half speed': (at) => at - since(at) / 2,
  'jumps ahead by an hour': (at) => (at < LIE ? at : at + HOUR),
  'falls by eight seconds': (at) => (at < LIE ? at : at - 8 * SECOND),
  'tells ms since 1970 in a single report': (at, seq) => (seq === 50 ? T0 + at : at),
  'tells ms since 1970 from then on': (at) => (at < LIE ? at : T0 + at),
};

/** A device that reports every half minute, unless it sleeps, and answers whatever it is sent at once. */
class Liar {
  readonly stage = new Stage();
  readonly history = new ReportHistory();
  readonly trueTimes = new Map<number, number>();
  /** What was said of each report when it came. */
  readonly said: { readonly at: number; readonly errorMs: number | null; readonly heardAt: number }[] = [];
  #seq = 0;
  readonly #uptime: Uptime;
  readonly #keepsRing: boolean;

  constructor(uptime: Uptime, { keepsRing = true } = {}) {
    this.#uptime = uptime;
    this.#keepsRing = keepsRing;
  }

  /** Lives for so long. */
  live(forMs: number, state: (at: number) => string = () => 'available'): void {
    for (const end = this.stage.now + forMs; this.stage.now < end;) {
      this.stage.pass(PERIOD);
      const at = this.stage.now - T0;
      if (this.#uptime(at, this.#seq + 1) !== this.#uptime(at - PERIOD, this.#seq)) this.report(state(at));
    }
  }

  /** Reports now, and again if that is answered with a command. */
  report(state = 'available'): void {
    const { stage } = this;
    const sent = stage.commands.length;
    this.#seq += 1;
    const up = Math.floor(this.#uptime(stage.now - T0, this.#seq));
    const ring = stage.commands.length === 0 ? [] : [{ n: stage.sent.n, outcome: 'done' as const }];
    const report: Report = {
      boot: 1,
      seq: this.#seq,
      up,
      state,
      sensors: {},
      ...(this.#keepsRing && { commands: ring }),
    };
    this.trueTimes.set(this.#seq, stage.now);
    stage.now += WAY;
    const decision = stage.hear(report);
    for (const clock of decision.clocks) this.history.keepClock('cp-1', clock);
    const { filed } = decision;
    if (filed !== null) {
      this.history.file(filed);
      this.said.push({ at: filed.measuredAt, errorMs: filed.errorMs, heardAt: stage.now });
    }
    if (!this.#keepsRing || stage.commands.length === sent) return;
    stage.now += WAY;
    this.report(state);
  }

  /** The history as it is known now. */
  get reports(): readonly HistoryReport[] {
    const page = { from: null, to: null, after: null, isNewestFirst: false, limit: 10_000 };
    const clock = { now: () => this.stage.now };
    return this.history.page(
      this.stage.twin,
      page,
      new TwinReading({ kinds: [chargePoint], clock, serverErrorMs: 0 }),
    );
  }

  offMs({ seq, measuredAt }: HistoryReport): number {
    return measuredAt - this.trueTimes.get(seq)!;
  }

  /** The journal's findings. */
  get findings(): readonly string[] {
    return this.stage.decisions
      .flatMap(({ transitions }) => transitions.map(({ cause }) => cause.detail))
      .filter((detail) => detail.includes('clock-out-of-bounds'));
  }
}

describe.each(Object.entries(lies))('of a device whose uptime %s', (_, uptime) => {
  let liar: Liar;
  beforeEach(() => {
    liar = new Liar(uptime);
    liar.live(2 * HOUR, (at) => (at % (20 * MINUTE) < 10 * MINUTE ? 'available' : 'charging'));
    // Until then nobody can know that it has gone on lying.
    liar.stage.ask('report');
    liar.stage.now += WAY;
    liar.report();
  });

  test('nothing is measured after it was received, as it was said then and as it is known now', () => {
    for (const { at, heardAt } of liar.said) expect(at).toBeLessThanOrEqual(heardAt);
    for (const { measuredAt, receivedAt } of liar.reports) expect(measuredAt).toBeLessThanOrEqual(receivedAt);
    const journal = liar.stage.decisions.flatMap(({ transitions }) => transitions);
    for (const { measuredAt, recordedAt } of journal) expect(measuredAt).toBeLessThanOrEqual(recordedAt);
  });

  test('the error said of what is in history holds wherever one is said', () => {
    for (const report of liar.reports) {
      const { seq, errorMs } = report;
      if (errorMs === null) continue;
      expect(Math.abs(liar.offMs(report)), `report ${String(seq)}`).toBeLessThanOrEqual(errorMs + 1);
    }
  });

  test('what was heard before keeps its time', () => {
    const before = liar.reports.filter(({ seq }) => liar.trueTimes.get(seq)! < T0 + LIE);
    expect(before.length).toBeGreaterThan(30);
    for (const report of before) expect(Math.abs(liar.offMs(report))).toBeLessThanOrEqual(SECOND);
  });

  test('the twin says so, and believes it again once round trips prove its clock', () => {
    expect(liar.findings.length).toBeGreaterThan(0);
    expect(liar.findings.length).toBeLessThan(10);
    expect(liar.stage.document).toMatchObject({ quality: 'fresh', suspicions: [] });
    expect(liar.reports).toHaveLength(liar.trueTimes.size);
  });
});

describe('of a device whose uptime falls all the time', () => {
  test('nothing is measured after it was received, no error is said that does not hold, and it was in doubt', () => {
    const liar = new Liar((at) => (at < LIE ? at : Math.max(0, 2 * LIE - MINUTE - at)));
    liar.live(LIE + 15 * MINUTE);
    for (const report of liar.reports) {
      const { measuredAt, receivedAt, errorMs } = report;
      expect(measuredAt).toBeLessThanOrEqual(receivedAt);
      if (errorMs !== null) expect(Math.abs(liar.offMs(report))).toBeLessThanOrEqual(errorMs + 1);
    }
    const doubts = liar.stage.decisions.flatMap(({ twin }) => twin.suspicions.map(({ reason }) => reason));
    expect(doubts).toContain('identity-conflict');
  });
});

describe('of a device that tells ms since 1970 in a single report', () => {
  test('what it made just after that, and came after the next one, was measured in between', () => {
    const liar = new Liar((at) => at);
    liar.live(LIE);
    const { stage } = liar;
    const last = liar.trueTimes.size;
    const made = (seq: number, up: number): Report => ({
      boot: 1,
      seq: last + seq,
      up,
      state: 'available',
      sensors: {},
      commands: [],
    });
    const hear = (report: Report): void => {
      const decision = stage.hear(report);
      for (const clock of decision.clocks) liar.history.keepClock('cp-1', clock);
      if (decision.filed !== null) liar.history.file(decision.filed);
    };
    stage.pass(PERIOD);
    hear(made(1, stage.now));
    stage.pass(SECOND);
    const late = made(2, stage.now - T0);
    const madeAt = stage.now;
    stage.pass(PERIOD);
    hear(made(3, stage.now - T0));
    stage.pass(2 * MINUTE);
    hear(late);
    const filed = liar.reports.find(({ seq }) => seq === last + 2);
    expect(filed?.errorMs).toBeNull();
    expect(filed?.measuredAt).toBeGreaterThanOrEqual(madeAt);
    expect(filed?.measuredAt).toBeLessThanOrEqual(madeAt + PERIOD);
  });
});

describe('of a device that answers nothing', () => {
  test('a clock that stood still is found within an hour, and what it says from then on is in time', () => {
    const liar = new Liar(lies['stands still in deep sleep, an hour long']!, { keepsRing: false });
    liar.live(4 * HOUR);
    expect(liar.findings).toHaveLength(1);
    for (const { measuredAt, receivedAt, errorMs } of liar.reports) {
      expect(measuredAt).toBeLessThanOrEqual(receivedAt);
      expect(errorMs).toBeNull();
    }
    expect(liar.reports.at(-1)!.measuredAt).toBeGreaterThan(liar.stage.now - SECOND);
  });

  test('a single report in ms since 1970 moves nothing but itself', () => {
    const liar = new Liar(lies['tells ms since 1970 in a single report']!, { keepsRing: false });
    liar.live(HOUR);
    for (const report of liar.reports) expect(Math.abs(liar.offMs(report))).toBeLessThanOrEqual(SECOND);
    expect(liar.stage.reasons).toEqual([]);
  });
});

describe('a clock that keeps pace', () => {
  test('is never said to be out of bounds, whatever is late', () => {
    const liar = new Liar((at) => at * (1 - 150e-6));
    liar.live(HOUR);
    liar.stage.pass(5 * HOUR);
    liar.live(5 * HOUR);
    expect(liar.findings).toEqual([]);
    expect(liar.stage.twin.clock).toMatchObject({ crossings: 0, fromSeq: 0 });
    expect(liar.reports.every(({ errorMs }) => errorMs !== null && errorMs < MINUTE)).toBe(true);
  });
});

describe('a stream whose clock was wrong by an hour for five minutes', () => {
  test.each([
    ['ahead', HOUR],
    ['behind', -HOUR],
  ])('and was %s is healed by the next round trip', (_, wrongMs) => {
    const stage = new Stage();
    let seq = 0;
    const hear = (offMs: number): void => {
      const sent = stage.commands.length;
      const commands = sent === 0 ? [] : [{ n: stage.sent.n, outcome: 'done' as const }];
      const report = { boot: 1, seq: (seq += 1), up: stage.now - T0, state: 'available', sensors: {} };
      stage.now += WAY;
      stage.hear({ ...report, commands }, stage.now + offMs);
      if (stage.commands.length > sent) hear(offMs);
    };
    const live = (forMs: number, offMs: number): void => {
      for (const end = stage.now + forMs; stage.now < end;) {
        stage.pass(PERIOD);
        hear(offMs);
      }
    };
    live(10 * MINUTE, 0);
    live(5 * MINUTE, wrongMs);
    live(5 * MINUTE, 0);
    expect(stage.document).toMatchObject({ quality: 'fresh', state: 'available', suspicions: [] });
    expect(stage.document.asOf).toBeGreaterThan(stage.now - SECOND);
    expect(stage.document.lastContact).toBeLessThanOrEqual(stage.now);
  });
});
