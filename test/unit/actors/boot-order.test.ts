/**
 * One device has one boot at a time, whatever its uptime says: what is told of when its reports were measured never contradicts itself.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { chargePoint } from '../../../machines/charge-point.ts';
import type { Report } from '../../../machines/report.ts';
import { ReportHistory } from '../../../src/memory/report-history.ts';
import type { HistoryReport } from '../../../src/history/ports.ts';
import { TwinReading } from '../../../src/runtime/twin-reading.ts';
import { Stage, T0 } from './stage.ts';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
/** A report is on its way for so long. */
const WAY = 40;

/** A device that answers whatever it is sent, unless it is away, and whose uptime is what a test makes of it. */
class Device {
  readonly stage = new Stage({ serverErrorMs: 50 });
  readonly history = new ReportHistory();
  readonly trueTimes = new Map<string, number>();
  /** How often bounds of its clocks have crossed. */
  crossings = 0;
  pace = 1;
  isAway = false;
  #boot = 1;
  #seq = 0;
  #upThen = 0;
  #then = T0;
  #answered = 0;
  #ring: { n: number; outcome: 'done' }[] = [];
  #buffer: Report[] = [];

  get up(): number {
    return Math.floor(this.#upThen + (this.stage.now - this.#then) * this.pace);
  }

  /** Its uptime is that from now on. */
  setUp(up: number): void {
    this.#upThen = Math.max(0, up);
    this.#then = this.stage.now;
  }

  setPace(pace: number): void {
    this.setUp(this.up);
    this.pace = pace;
  }

  sleep(ms: number): void {
    const { up } = this;
    this.pass(ms);
    this.setUp(up);
  }

  restart(): void {
    this.#boot += 1;
    this.#seq = 0;
    this.setUp(0);
  }

  pass(ms: number): void {
    for (const decision of this.stage.pass(ms)) this.#keep(decision);
  }

  /** Reports now, and then answers what it was sent; while it is away it keeps the report. */
  say(state = 'available'): void {
    const { stage } = this;
    this.#seq += 1;
    const [boot, seq] = [this.#boot, this.#seq];
    const report: Report = { boot, seq, up: this.up, state, sensors: {}, commands: this.#ring };
    this.trueTimes.set(`${String(boot)}/${String(seq)}`, stage.now);
    if (this.isAway) {
      this.#buffer.push(report);
      return;
    }
    stage.now += WAY;
    this.#keep(stage.hear(report));
    if (this.#answered < stage.commands.length) this.answer();
  }

  answer(): void {
    const { stage } = this;
    this.#answered = stage.commands.length;
    this.#ring = stage.commands.slice(-8).map(({ n }) => ({ n, outcome: 'done' as const }));
    this.#ring.reverse();
    this.say();
  }

  /** Is there again: the newest first, then what it kept. */
  comeBack(): void {
    this.isAway = false;
    this.say();
    this.empty();
  }

  empty(): void {
    for (const report of this.#buffer.splice(0)) this.#keep(this.stage.hear(report));
  }

  /** Is asked, and answers. */
  prove(): void {
    this.#keep(this.stage.ask('report'));
    this.stage.now += WAY;
    if (this.#answered < this.stage.commands.length) this.answer();
  }

  #keep({ clocks, filed, crossed }: ReturnType<Stage['hear']>): void {
    for (const clock of clocks) this.history.keepClock('cp-1', clock);
    if (filed !== null) this.history.file(filed);
    if (crossed !== null) this.crossings += 1;
  }

  /** The history as it is known now, in the order in which it was made. */
  get reports(): readonly HistoryReport[] {
    const page = { from: null, to: null, after: null, isNewestFirst: false, limit: 10_000 };
    const clock = { now: () => this.stage.now };
    return this.history.page(
      this.stage.twin,
      page,
      new TwinReading({ kinds: [chargePoint], clock, serverErrorMs: 50 }),
    );
  }

  reportOf(boot: number, seq: number): HistoryReport {
    return this.reports.find((report) => report.boot === boot && report.seq === seq)!;
  }

  offMs({ boot, seq, measuredAt }: HistoryReport): number {
    return measuredAt - this.trueTimes.get(`${String(boot)}/${String(seq)}`)!;
  }

  get findings(): readonly string[] {
    return this.stage.decisions
      .flatMap(({ transitions }) => transitions.map(({ cause }) => cause.detail))
      .filter((detail) => detail.includes('clock-out-of-bounds'));
  }
}

/** By how much the claims of a device contradict each other: a report was certainly measured so long after one that it made later, ms. */
function contradictionMs(reports: readonly HistoryReport[]): number {
  let worst = 0;
  let line = 0;
  let after = -Infinity;
  for (const { incarnation, measuredAt, errorMs } of reports) {
    if (errorMs === null) continue;
    if (incarnation !== line) after = -Infinity;
    line = incarnation;
    worst = Math.max(worst, after - (measuredAt + errorMs));
    after = Math.max(after, measuredAt - errorMs);
  }
  return worst;
}

const happening = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      type: fc.constant('pass' as const),
      ms: fc.integer({ min: SECOND, max: 280 * SECOND }),
    }),
  },
  fc.record({ type: fc.constant('sleep' as const), ms: fc.integer({ min: 10 * SECOND, max: 8 * HOUR }) }),
  fc.record({ type: fc.constant('pace' as const), pace: fc.constantFrom(1, 1, 0.1, 0.5, 0.99, 1.01, 2, 10) }),
  fc.record({ type: fc.constant('leap' as const), ms: fc.integer({ min: -HOUR, max: 2 * HOUR }) }),
  fc.record({ type: fc.constant('restart' as const) }),
  fc.record({ type: fc.constant('outage' as const), isLong: fc.boolean() }),
  fc.record({ type: fc.constant('back' as const) }),
);

function live(happenings: readonly (typeof happening extends fc.Arbitrary<infer T> ? T : never)[]): Device {
  const device = new Device();
  device.say();
  for (const each of happenings) {
    if (each.type === 'pass') device.pass(each.ms);
    if (each.type === 'sleep') device.sleep(each.ms);
    if (each.type === 'pace') device.setPace(each.pace);
    if (each.type === 'leap') device.setUp(device.up + each.ms);
    if (each.type === 'restart') device.restart();
    if (each.type === 'outage') device.isAway = true;
    if (each.type === 'back') device.comeBack();
    else device.say();
  }
  device.comeBack();
  for (let trip = 0; trip < 3; trip += 1) {
    device.prove();
    device.pass(5 * SECOND);
  }
  return device;
}

test('no two claims that history makes of a device contradict each other, however its uptime lies', () => {
  fc.assert(
    fc.property(fc.array(happening, { minLength: 5, maxLength: 60 }), (happenings) => {
      expect(contradictionMs(live(happenings).reports)).toBeLessThanOrEqual(100);
    }),
    { numRuns: 300, seed: 13 },
  );
});

/** Two round trips of boot 1, the last one just now. */
function proved(): Device {
  const device = new Device();
  device.say();
  device.prove();
  device.pass(30 * SECOND);
  device.say('charging');
  device.prove();
  return device;
}

function expectHonest(device: Device): void {
  for (const report of device.reports) {
    if (report.errorMs === null) continue;
    const { boot, seq, errorMs } = report;
    expect(Math.abs(device.offMs(report)), `${String(boot)}/${String(seq)}`).toBeLessThanOrEqual(errorMs);
  }
}

describe('a boot whose uptime leaps ahead before its first round trip', () => {
  const leapt = (): Device => {
    const device = proved();
    device.pass(SECOND);
    device.restart();
    device.say();
    device.pass(2 * SECOND);
    device.setUp(device.up + HOUR);
    device.say();
    device.prove();
    return device;
  };

  test('did not begin before what the boot before is proved to have measured', () => {
    const device = leapt();
    const first = device.reportOf(2, 1);
    expect(first.measuredAt).toBe(first.receivedAt);
    expectHonest(device);
  });

  test('is said in the journal to be out of bounds, and is believed again with the round trip', () => {
    const device = leapt();
    expect(device.findings).toHaveLength(1);
    expect(device.crossings).toBe(1);
    expect(device.stage.document).toMatchObject({ quality: 'fresh', state: 'available', suspicions: [] });
    expect(device.reports.at(-1)?.errorMs).toBeLessThan(SECOND);
  });

  test('takes nothing from what the boot before has proved', () => {
    const before = proved().reports;
    const after = leapt().reports.slice(0, before.length);
    expect(after.map(({ measuredAt, errorMs }) => [measuredAt, errorMs])).toEqual(
      before.map(({ measuredAt, errorMs }) => [measuredAt, errorMs]),
    );
  });

  test('is found out by its first report, too, where that came late', () => {
    const device = proved();
    device.pass(SECOND);
    device.restart();
    device.isAway = true;
    device.say();
    device.pass(2 * SECOND);
    device.setUp(device.up + 5 * MINUTE);
    device.isAway = false;
    device.say();
    device.prove();
    device.empty();
    expect(device.findings.length).toBeGreaterThan(0);
    expectHonest(device);
    expect(contradictionMs(device.reports)).toBe(0);
  });
});

describe('a boot whose uptime leaps ahead after its last round trip', () => {
  test('had ended when the next one began: what it said since then is uncertain, and that is found', () => {
    const device = proved();
    const answered = device.reports.at(-1)!;
    device.isAway = true;
    device.pass(MINUTE);
    device.setUp(device.up + 3 * HOUR);
    for (let minute = 0; minute < 5; minute += 1) {
      device.pass(MINUTE);
      device.say('charging');
    }
    device.restart();
    device.comeBack();
    device.prove();
    expectHonest(device);
    expect(contradictionMs(device.reports)).toBe(0);
    expect(device.findings).toHaveLength(1);
    const { measuredAt, errorMs } = device.reports.find(({ seq }) => seq === answered.seq)!;
    expect(Math.abs(measuredAt - answered.measuredAt)).toBeLessThanOrEqual(SECOND);
    expect(errorMs).not.toBeNull();
  });
});

describe('an uptime that falls among reports that come late', () => {
  const fallen = (device: Device): void => {
    device.isAway = true;
    for (let minute = 0; minute < 5; minute += 1) {
      device.pass(MINUTE);
      device.say();
    }
    device.setUp(0);
    for (let minute = 0; minute < 10; minute += 1) {
      device.say();
      device.pass(MINUTE);
    }
  };

  test.each([
    ['of a boot that has ended', true],
    ['of the present boot', false],
  ])('%s makes them uncertain, and is found', (_, restarts) => {
    const device = proved();
    device.pass(10 * MINUTE);
    device.say();
    device.prove();
    fallen(device);
    if (restarts) device.restart();
    device.comeBack();
    device.prove();
    expectHonest(device);
    expect(contradictionMs(device.reports)).toBe(0);
    expect(device.findings.length).toBeGreaterThan(0);
  });
});

describe('a device whose uptime keeps pace and begins with its boot', () => {
  test('is never said to be out of bounds, whatever came late of however many boots', () => {
    const device = proved();
    for (let boot = 2; boot < 9; boot += 1) {
      device.isAway = boot % 2 === 0;
      for (let report = 0; report < 5; report += 1) {
        device.pass(3 * MINUTE);
        device.say(report % 2 === 0 ? 'available' : 'charging');
      }
      if (device.isAway) device.comeBack();
      device.prove();
      device.pass(MINUTE);
      device.restart();
      device.say();
    }
    expect(device.crossings).toBe(0);
    expectHonest(device);
  });
});
