/** What a replay amounts to: for people a table, for programs one line of JSON. */
import Table from 'cli-table3';
import { visibleText } from '../../src/telemetry/visible-text.ts';
import type { PeriodRecord } from './period.ts';
import type { DeviceOutcome, ReplayOutcome } from './replay.ts';
import { type Doubt, SET_ASIDE, type SetAsideReason } from './session.ts';
import type { ChargingTime } from './timeline-check.ts';
import type { WallClock } from './wall-clock.ts';

/** Times that do not match are named up to this many of each sort; all are counted. */
const NAMED_MAX = 20;

/** A time that does not match, by the file's clock. */
export interface Mismatch {
  readonly device: string;
  readonly from: string;
  /** `null`: it has not ended. */
  readonly to: string | null;
}

/** The result of a replay. */
export interface ReplaySummary {
  readonly file: string;
  readonly from: string;
  readonly days: number;
  readonly mode: 'backfill' | 'fifo' | 'live';
  readonly run: number;
  readonly devices: number;
  /** Records of sessions in the period. */
  readonly read: number;
  readonly setAside: Readonly<Partial<Record<SetAsideReason, number>>>;
  readonly setAsideTotal: number;
  /** Sessions that are replayed although their energy is doubtful. */
  readonly doubtful: Readonly<Partial<Record<Doubt, number>>>;
  /** Sessions replayed with a time that the clock showed twice. */
  readonly toldApart: number;
  readonly replayed: number;
  readonly sent: number;
  readonly stored: number;
  readonly duplicates: number;
  readonly deliveryMs: number;
  readonly matched: number;
  readonly missing: number;
  readonly surplus: number;
  /** The farthest that an end of a matched session lies from where it should, ms. */
  readonly deviationMs: number;
  readonly missingTimes: readonly Mismatch[];
  readonly surplusTimes: readonly Mismatch[];
}

/** Sums a replay up. */
export function summaryOf(
  asked: Pick<ReplaySummary, 'file' | 'from' | 'days' | 'mode'>,
  record: PeriodRecord,
  outcome: ReplayOutcome,
  clock: WallClock,
): ReplaySummary {
  const { devices, run, deliveryMs } = outcome;
  const sum = (of: (device: DeviceOutcome) => number): number =>
    devices.reduce((total, device) => total + of(device), 0);
  const named = (sort: 'missing' | 'surplus'): Mismatch[] =>
    devices
      .flatMap((device) => device.check[sort].map((time) => mismatch(device, time, clock)))
      .slice(0, NAMED_MAX);
  const { read, setAside, doubtful, toldApart, sessions } = record;
  return {
    ...asked,
    run,
    devices: devices.length,
    read,
    setAside,
    setAsideTotal: read - sessions.length,
    doubtful,
    toldApart,
    replayed: sessions.length,
    sent: sum(({ sent }) => sent),
    stored: sum(({ stored }) => stored),
    duplicates: sum(({ duplicates }) => duplicates),
    deliveryMs,
    matched: sum(({ check }) => check.matched),
    missing: sum(({ check }) => check.missing.length),
    surplus: sum(({ check }) => check.surplus.length),
    deviationMs: Math.round(Math.max(0, ...devices.map(({ check }) => check.deviationMs))),
    missingTimes: named('missing'),
    surplusTimes: named('surplus'),
  };
}

/** True when Corral's history is the file's: each session once, and each report once. */
export function holds({ replayed, matched, surplus, sent, stored }: ReplaySummary): boolean {
  return matched === replayed && surplus === 0 && stored === sent;
}

/** The summary for people, in lines. */
export function summaryTable(summary: ReplaySummary): readonly string[] {
  const table = new Table({
    colAligns: ['left', 'right', 'left'],
    style: { head: [], border: [] },
    chars: { mid: '', 'left-mid': '', 'mid-mid': '', 'right-mid': '' },
  });
  const row = (name: string, number: number, remark = ''): void => {
    table.push([name, number.toLocaleString('en-GB'), remark]);
  };
  const { run, deliveryMs, missingTimes, surplusTimes } = summary;
  row('sessions read', summary.read, `${summary.from}, ${String(summary.days)} days`);
  for (const [reason, number] of entriesOf(summary.setAside)) {
    row(`  set aside: ${reason}`, number, SET_ASIDE[reason]);
  }
  row('sessions replayed', summary.replayed, `${String(summary.devices)} devices, run ${String(run)}`);
  for (const [doubt, number] of entriesOf(summary.doubtful)) row(`  with ${doubt}`, number, 'kept');
  if (summary.toldApart > 0) {
    row('  in the hour that came twice', summary.toldApart, 'told apart by the sessions around them');
  }
  row('reports sent', summary.sent, `${summary.mode}, delivered and stored in ${seconds(deliveryMs)}`);
  row('reports stored', summary.stored, summary.stored === summary.sent ? '' : 'NOT AS MANY AS SENT');
  row('  duplicates dropped', summary.duplicates);
  row('sessions matched', summary.matched, `to the second; farthest off: ${String(summary.deviationMs)} ms`);
  row('  missing', summary.missing, namesOf(missingTimes));
  row('  surplus', summary.surplus, namesOf(surplusTimes));
  return table.toString().split('\n');
}

function mismatch({ device, life }: DeviceOutcome, time: ChargingTime, clock: WallClock): Mismatch {
  const shown = (up: number): string => clock.shownAt(life.bornAt + up);
  return { device, from: shown(time.fromUp), to: Number.isFinite(time.toUp) ? shown(time.toUp) : null };
}

function entriesOf<Name extends string>(
  counts: Readonly<Partial<Record<Name, number>>>,
): readonly (readonly [Name, number])[] {
  return Object.entries(counts) as [Name, number][];
}

/** The first few, one a line. */
function namesOf(times: readonly Mismatch[]): string {
  const lines = times
    .slice(0, 5)
    .map(({ device, from, to }) => `${visibleText(device)} ${from} - ${to ?? '...'}`);
  return [...lines, ...(times.length > lines.length ? ['...'] : [])].join('\n');
}

function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`;
}
