import type { SensorChange } from '../../../actors/sensor-changes.ts';
import type { HistoryReport } from '../../../src/history/ports.ts';
import type { Look } from '../record.ts';
import type { Evidence } from '../world/evidence.ts';
import { isInOrder, LOOKS_AGAIN_MS, trulyMeasuredAt, WHOLE_MS } from './filed-reports.ts';
import { type Checker, type Flaw, grouped } from './checker.ts';

/** What people read of a sensor's past is what it was. */
export const sensorHistory: Checker = {
  name: 'sensor-history',
  sentence:
    'each change that the history of a sensor tells happened when it says, within the error that it says, and a change between two reports of one boot is told though no report came for it',
  check: (evidence) => {
    const { record, store, pasts } = evidence;
    const looks = grouped(record.looks, ({ device }) => device);
    return [...pasts].flatMap(([device, { sensorChanges: told }]): Flaw[] => {
      const filed = store.reports.get(device) ?? [];
      if (!isInOrder(evidence, device, filed)) return [];
      const happened = changesIn(looks.get(device) ?? []);
      return [
        ...told.flatMap((change) => neverHappened(change, happened, evidence)),
        ...neverTold({ device, filed, told, happened }, evidence),
      ].map(({ at, text }) => ({ at, device, text }));
    });
  },
};

/** A change of a binary sensor, as somebody beside the device would have seen it. */
interface Happened {
  readonly sensor: string;
  readonly value: boolean;
  /** True time. */
  readonly at: number;
}

function changesIn(looks: readonly Look[]): readonly Happened[] {
  const values = new Map<string, boolean>();
  return looks.flatMap(({ at, sensors }) =>
    Object.entries(sensors).flatMap(([sensor, value]): Happened[] => {
      // One that is broken says nothing, and is what it was.
      if (typeof value !== 'boolean') return [];
      const before = values.get(sensor);
      values.set(sensor, value);
      return before === undefined || before === value ? [] : [{ sensor, value, at }];
    }),
  );
}

type Found = Omit<Flaw, 'device'>;

/** Whether a change may be the one that is told: the device saw it at once, or when it looked again. */
function isWithin(
  happenedAt: number,
  { notBefore, at, errorMs }: SensorChange,
  hubOffsetMs: number,
): boolean {
  const marginMs = (errorMs ?? Infinity) + WHOLE_MS;
  const time = happenedAt + hubOffsetMs;
  return time >= notBefore - marginMs - LOOKS_AGAIN_MS && time <= at + marginMs;
}

function neverHappened(
  change: SensorChange,
  happened: readonly Happened[],
  { hubOffsetMs }: Evidence,
): readonly Found[] {
  if (change.errorMs === null) return [];
  const { sensor, value, at, notBefore, errorMs, boot, seq } = change;
  const isTrue = happened.some(
    (one) => one.sensor === sensor && one.value === value && isWithin(one.at, change, hubOffsetMs),
  );
  if (isTrue) return [];
  const when = `between ${notBefore} and ${at} ± ${errorMs} ms`;
  return [
    { at, text: `${sensor} is said to have become ${value} ${when} by report ${boot}/${seq}, and did not` },
  ];
}

interface History {
  readonly device: string;
  readonly filed: readonly HistoryReport[];
  readonly told: readonly SensorChange[];
  readonly happened: readonly Happened[];
}

/** Between two reports of a boot that follow each other in history: the last change of a sensor is told by the later one. */
function neverTold({ device, filed, told, happened }: History, evidence: Evidence): readonly Found[] {
  const { hubOffsetMs } = evidence;
  const byReport = grouped(told, ({ incarnation, boot, seq }) => `${incarnation} ${boot} ${seq}`);
  return filed.flatMap((report, index): readonly Found[] => {
    const before = filed[index - 1];
    const isSameBoot = before?.boot === report.boot && before.incarnation === report.incarnation;
    if (!isSameBoot || report.errorMs === null) return [];
    const from = trulyMeasuredAt(evidence, device, before) ?? NaN;
    const to = trulyMeasuredAt(evidence, device, report) ?? NaN;
    const between = happened.filter(({ at }) => at > from + LOOKS_AGAIN_MS && at < to - LOOKS_AGAIN_MS);
    const last = new Map(between.map((one) => [one.sensor, one]));
    const tells = byReport.get(`${report.incarnation} ${report.boot} ${report.seq}`) ?? [];
    return [...last.values()].flatMap(({ sensor, value, at }): readonly Found[] => {
      if (!doesTell(before, sensor) || !doesTell(report, sensor)) return [];
      const isTold = tells.some(
        (one) => one.sensor === sensor && one.value === value && isWithin(at, one, hubOffsetMs),
      );
      const what = `${sensor} became ${value} at ${at}, between the reports ${before.boot}/${before.seq} and ${report.seq}`;
      return isTold ? [] : [{ at, text: `${what}, which no history tells` }];
    });
  });
}

function doesTell({ body }: HistoryReport, sensor: string): boolean {
  return typeof (body.sensors as Readonly<Record<string, unknown>>)[sensor] === 'boolean';
}
