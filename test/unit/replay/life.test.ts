import { describe, expect, it } from 'vitest';
import { chargePoint } from '../../../machines/charge-point.ts';
import type { Report } from '../../../machines/report.ts';
import { timelineOf } from '../../../actors/timeline.ts';
import type { SendingOrder } from '../../../src/device/outbox.ts';
import { readReports } from '../../../src/wire/report.ts';
import { type Life, lifeOf } from '../../../tools/replay/life.ts';
import { periodOf, takePeriod } from '../../../tools/replay/period.ts';
import { ReplayDevice } from '../../../tools/replay/replay-device.ts';
import { compareTimes, expectedTimes, foundTimes } from '../../../tools/replay/timeline-check.ts';
import { judged, london } from './records.ts';

const HEARTBEAT_MS = 300_000;

function lifeFrom(days: number, ...lines: readonly string[]): Life {
  const period = periodOf('2019-03-01', days, london);
  const { sessions, connectors } = takePeriod(judged(...lines), period);
  return lifeOf(connectors[0]!, sessions, period);
}

const BUSY_DAY = lifeFrom(
  1,
  '2019-03-01T00:00 2019-03-01T00:01 60001-1 0.4',
  '2019-03-01T00:01 2019-03-01T00:30 60001-1 -3',
  '2019-03-01T00:31 2019-03-01T00:33 60001-1 138',
  '2019-03-01T00:37 2019-03-01T02:00 60001-1 0',
  '2019-03-01T12:00 2019-03-04T12:00 60001-1 24',
);

interface Lived {
  /** What the hub stored, message by message. */
  readonly messages: readonly (readonly Report[])[];
  /** In the order in which the device made them. */
  readonly reports: readonly Report[];
  readonly device: ReplayDevice;
}

/** Lets a device live its life without a link, and then deliver it; `onLine` sees it as it begins to deliver. */
async function live(
  life: Life,
  order: SendingOrder,
  onLine: (command: (payload: Uint8Array) => void) => void = () => undefined,
): Promise<Lived> {
  const messages: Report[][] = [];
  const device = new ReplayDevice({
    device: life.connector,
    life,
    link: {
      publish: async (payload) => {
        const read = readReports(life.connector, payload);
        if (!read.ok || read.problems.length > 0) throw new Error('the device sends what cannot be read');
        messages.push([...read.reports]);
      },
      listen: ({ command }) => {
        onLine(command);
        return () => Promise.resolve();
      },
    },
    order,
    heartbeatMs: HEARTBEAT_MS,
    speed: 1,
  });
  await device.start();
  await device.playToEnd();
  expect(messages).toEqual([]);
  device.goOnLine();
  const ticks = setInterval(() => void device.catchUp(), 5);
  await device.finish();
  clearInterval(ticks);
  const reports = messages.flat().sort((a, b) => a.seq - b.seq);
  return { messages, reports, device };
}

describe('a replayed charge point', () => {
  it('reports every change at once, and heartbeats in between', async () => {
    const { reports, device } = await live(BUSY_DAY, 'fifo');
    expect(reports.map(({ seq }) => seq)).toEqual(reports.map((_, index) => index + 1));
    expect(device.last).toMatchObject({ boot: 1, seq: reports.length, up: reports.at(-1)!.up });
    const pauses = reports.slice(1).map(({ up }, index) => up - reports[index]!.up);
    expect(Math.min(...pauses)).toBeGreaterThan(0);
    expect(Math.max(...pauses)).toBe(HEARTBEAT_MS);
    const changes = reports.map(({ up }) => BUSY_DAY.bornAt + up);
    for (const { at } of BUSY_DAY.moments) expect(changes).toContain(at);
  });

  it('was charging in its sessions, to the millisecond, and told apart those that touch', async () => {
    const { reports, device } = await live(BUSY_DAY, 'fifo');
    const timeline = timelineOf(
      reports.map(({ boot, seq, up, state }) => ({
        incarnation: 1,
        boot,
        seq,
        state,
        measuredAt: up,
        errorMs: null,
      })),
      { until: device.last.up, silenceMs: chargePoint.limits.silenceMs },
    );
    const check = compareTimes(expectedTimes(BUSY_DAY), foundTimes(timeline, device.last));
    expect(check).toEqual({ matched: 5, missing: [], surplus: [], deviationMs: 1 });
  });

  it('never contradicts itself, and its kind can read it', async () => {
    const { reports } = await live(BUSY_DAY, 'fifo');
    let previous: Report | null = null;
    for (const report of reports) {
      expect(chargePoint.findContradictions(report, previous)).toEqual([]);
      expect(chargePoint.observations).toContain(chargePoint.observe(report));
      previous = report;
    }
  });

  it('has a meter that goes as the file says, also where it runs backwards or leaps', async () => {
    const { reports } = await live(BUSY_DAY, 'fifo');
    const charging = BUSY_DAY.sessions.map(({ startAt, endAt, energyWh }) => {
      const within = reports.filter(
        ({ up }) => BUSY_DAY.bornAt + up >= startAt && BUSY_DAY.bornAt + up <= endAt,
      );
      const first = within[0]!.sensors.meterWh as number;
      return { energyWh, measuredWh: (within.at(-1)!.sensors.meterWh as number) - first };
    });
    for (const { energyWh, measuredWh } of charging) {
      expect(Math.abs(measuredWh - energyWh!)).toBeLessThanOrEqual(1);
    }
  });

  it('sends its current report first when it comes back on line, then what it buffered, in frames', async () => {
    const { messages, reports } = await live(BUSY_DAY, 'current-first');
    expect(messages[0]).toEqual([reports.at(-1)]);
    expect(messages[1]!.map(({ seq }) => seq)).toEqual(reports.slice(0, -1).map(({ seq }) => seq));
    expect(messages).toHaveLength(2);
  });

  it('sends the oldest first where it is asked to', async () => {
    const { messages, reports } = await live(BUSY_DAY, 'fifo');
    expect(messages.flat()).toEqual(reports);
  });

  it('answers the command `report`, and refuses to do what its file does not say', async () => {
    const command = { epoch: 1, id: 'a' };
    const { reports } = await live(BUSY_DAY, 'current-first', (hear) => {
      hear(new TextEncoder().encode(JSON.stringify({ ...command, n: 1, name: 'report' })));
      const deadline = { boot: 1, notAfterUp: Number.MAX_SAFE_INTEGER };
      hear(new TextEncoder().encode(JSON.stringify({ ...command, ...deadline, n: 2, name: 'start' })));
    });
    expect(reports.at(-1)!.commands).toEqual([
      { n: 2, outcome: 'rejected', reason: 'follows-a-record' },
      { n: 1, outcome: 'done' },
    ]);
  });

  it('is the same in every run', async () => {
    const [one, other] = [await live(BUSY_DAY, 'fifo'), await live(BUSY_DAY, 'fifo')];
    expect(one.reports).toEqual(other.reports);
  });

  it('is there even if all its records were set aside', async () => {
    const life = lifeFrom(1, '2019-03-01T10:00 - 60001-1 -');
    const { reports } = await live(life, 'fifo');
    expect(new Set(reports.map(({ state }) => state))).toEqual(new Set(['available']));
  });
});
