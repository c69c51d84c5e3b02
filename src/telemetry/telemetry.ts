/**
 * What the runtime tells about itself, counted for Prometheus and written to the log as declared lines. Device ids are in
 * log lines, never in labels.
 */
import type { Logger } from 'pino';
import { Registry } from 'prom-client';
import type { DeviceLog } from './device-log.ts';
import { writeEvent } from './log-events.ts';
import { createNodeMetrics, type NodeMetrics } from './node-metrics.ts';
import { RareLines } from './rare-events.ts';
import type { Clock } from '../runtime/ports.ts';
import type { Telemetry } from '../runtime/telemetry.ts';

/** Whose notice it is. */
export type NoticePart = 'bus' | 'feed' | 'streams' | 'changes' | 'hub' | 'requests';

/** The metrics of one node, and what feeds them. */
export interface NodeTelemetry {
  readonly registry: Registry;
  readonly telemetry: Telemetry;
  /** Something of the hub that an operator may want to know: counted by type, and logged, but not each time. */
  notice(part: NoticePart, notice: { readonly type: string }): void;
}

/** Counts into a registry of its own, and logs what an operator has to see. */
export function createTelemetry(log: Logger, devices: DeviceLog, clock: Clock): NodeTelemetry {
  const registry = new Registry();
  const metrics = createNodeMetrics(registry);
  const notices = new NoticeLog(log, clock);
  return {
    registry,
    telemetry: {
      ...aboutDevices(metrics, devices),
      ...aboutTheNode(metrics, log),
      ...aboutSites(metrics, new RareLines(log, clock)),
    },
    notice: (part, notice) => {
      metrics.notices.inc({ part, type: notice.type });
      notices.write(part, notice);
    },
  };
}

/** Of the same sort, at most one notice in this time is written to the log, ms; the next one says how many there were. */
const NOTICE_INTERVAL_MS = 10_000;

/** What is tried again until it succeeds, so that nobody has to do anything: `/readyz` says where it goes on failing. */
const OVERCOME = new Set(['publish-retried', 'consumer-ended', 'consumer-failed', 'sites-unknown']);

/**
 * Notices in the log. Whoever sends what cannot be read decides how often that happens: all of it is counted, and the log is kept
 * from filling.
 */
class NoticeLog {
  readonly #log: Logger;
  readonly #clock: Clock;
  /** By part and type: until when nothing is written, and how many were left out since. */
  readonly #quiet = new Map<string, { readonly until: number; leftOut: number }>();

  constructor(log: Logger, clock: Clock) {
    this.#log = log;
    this.#clock = clock;
  }

  write(part: string, notice: { readonly type: string }): void {
    const sort = `${part} ${notice.type}`;
    const now = this.#clock.monotonic();
    const quiet = this.#quiet.get(sort);
    if (quiet !== undefined && now < quiet.until) {
      quiet.leftOut += 1;
      return;
    }
    this.#quiet.set(sort, { until: now + NOTICE_INTERVAL_MS, leftOut: 0 });
    const line = OVERCOME.has(notice.type) ? 'hub-overcome' : 'hub-notice';
    writeEvent(this.#log, line, { part, ...notice, leftOut: quiet?.leftOut ?? 0 });
  }
}

type DeviceEvents =
  | 'report'
  | 'unreadable'
  | 'missing'
  | 'clockOutOfBounds'
  | 'sourceChanged'
  | 'snapshotReplayed'
  | 'deadLetter'
  | 'refused'
  | 'sent'
  | 'outcome'
  | 'transition';

function aboutDevices(metrics: NodeMetrics, devices: DeviceLog): Pick<Telemetry, DeviceEvents> {
  return {
    report: (disposition, device, report) => {
      // Deprecated: the old name of the label, with the old word for `latest`.
      const fate = disposition === 'latest' ? 'news' : disposition;
      metrics.reports.inc({ disposition, fate });
      if (!devices.mayWant('report-decided')) return;
      const { boot, seq, up, state } = report;
      devices.write('report-decided', device, { disposition, fate, boot, seq, up, state });
    },
    missing: (change) => {
      if (change > 0) metrics.missing.inc(change);
      else metrics.filled.inc(-change);
    },
    unreadable: ({ device, names }) => {
      metrics.unreadable.inc(names.length);
      devices.write('values-unreadable', device, { names });
    },
    clockOutOfBounds: ({ device, boot, times }) => {
      metrics.clocksOutOfBounds.inc();
      devices.write('clock-out-of-bounds', device, { boot, times });
    },
    sourceChanged: ({ source, site, devices: spokenFor, change }) => {
      metrics.sourceChanges.inc({ change });
      devices.write(`source-${change}`, source, { site, spokenFor });
    },
    snapshotReplayed: ({ source, site, devices: sawIt, spokenFor }) => {
      metrics.snapshotsReplayed.inc();
      devices.write('snapshot-replayed', source, { site, sawIt, spokenFor });
    },
    deadLetter: ({ reason, detail, device }) => {
      metrics.deadLetters.inc({ reason });
      devices.write('report-unreadable', device, { reason, detail });
    },
    refused: ({ device, code, id, trace }) => {
      metrics.refusals.inc({ code });
      devices.write('request-refused', device, { id, code }, trace);
    },
    sent: ({ site, device, command, trace }) => {
      const { id, n, name } = command;
      metrics.sent.inc({ name });
      devices.write('command-sent', device, { site, id, n, name }, trace);
    },
    outcome: ({ entry, trace }) => {
      const { device, id, n, name, outcome, reason, proof, acceptedAt, certainAt, decidedAt } = entry;
      // Until it could no longer start, an outcome was awaited; after that, it was unknown.
      const isLate = outcome !== 'unknown' && decidedAt !== null && decidedAt > certainAt;
      metrics.outcomes.inc({ outcome });
      if (isLate) metrics.lateOutcomes.inc({ outcome });
      if (decidedAt !== null) metrics.commandSeconds.observe({ outcome }, (decidedAt - acceptedAt) / 1_000);
      if (outcome === 'unknown') devices.write('command-unknown', device, { id, n, name }, trace);
      else devices.write('command-outcome', device, { id, n, name, outcome, reason, proof, isLate }, trace);
    },
    transition: ({ kind, transition, trace }) => {
      const { device, from, to, cause } = transition;
      metrics.transitions.inc({ kind, from, to });
      devices.write('state-changed', device, { from, to, cause: cause.detail }, trace);
    },
  };
}

type SiteEvents = 'passedOver' | 'deadLetterLeft' | 'datedWrong';

function aboutSites(metrics: NodeMetrics, lines: RareLines): Pick<Telemetry, SiteEvents> {
  return {
    datedWrong: ({ site, messages }) => {
      metrics.datedWrong.inc(messages);
      lines.note('dated-wrong', site, messages, {});
    },
    passedOver: ({ site, device, messages }) => {
      metrics.passedOver.inc(messages);
      lines.note('rate-exceeded', site, messages, { device });
    },
    deadLetterLeft: ({ site, device }) => {
      metrics.deadLettersLeft.inc();
      lines.note('dead-letters-left', site, 1, { device });
    },
  };
}

function aboutTheNode(metrics: NodeMetrics, log: Logger): Omit<Telemetry, DeviceEvents | SiteEvents> {
  return {
    committed: ({ reports, ms, delayMs }) => {
      metrics.commitSeconds.observe(ms / 1_000);
      metrics.batchReports.observe(reports);
      if (delayMs !== null) metrics.reportDelaySeconds.observe(delayMs / 1_000);
    },
    storeUnavailable: (cause) => {
      metrics.storeUnavailable.inc();
      writeEvent(log, 'store-unavailable', { cause: cause.message });
    },
    forgotten: ({ device, site, asker, by, reason }) => {
      metrics.forgotten.inc();
      writeEvent(log, 'device-forgotten', { device, site, asker, by, reason });
    },
    quarantined: ({ device, cause }) => {
      metrics.quarantined.inc();
      writeEvent(log, 'twin-quarantined', { device, err: cause });
    },
    streamGone: ({ stream, from, to, messages, isTail }) => {
      if (isTail) {
        metrics.tailLost.inc(from - 1 - to);
        writeEvent(log, 'stream-tail-lost', { stream, from: to + 1, to: from - 1 });
        return;
      }
      metrics.gone.inc(messages ?? Math.max(1, to - from + 1));
      writeEvent(log, 'stream-gone', { stream, from, to });
    },
    ownership: ({ event, partitions, twins, reason }) => {
      writeEvent(log, `partitions-${event}`, { partitions: partitions.length, twins, reason });
    },
    hearing: (isHearing) => {
      metrics.hearing.set(isHearing ? 1 : 0);
      writeEvent(log, isHearing ? 'hub-hearing' : 'hub-not-hearing');
    },
  };
}
