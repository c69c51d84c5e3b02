/**
 * What the runtime tells about itself, counted for Prometheus and written to the log as declared lines. Device ids are in
 * log lines, never in labels.
 */
import type { Logger } from 'pino';
import { Registry } from 'prom-client';
import type { DeviceLog } from './device-log.ts';
import { writeLine } from './log-lines.ts';
import { createNodeMetrics, type NodeMetrics } from './node-metrics.ts';
import type { Telemetry } from './runtime/telemetry.ts';

/** The metrics of one node, and what feeds them. */
export interface NodeTelemetry {
  readonly registry: Registry;
  readonly telemetry: Telemetry;
  /** Something of the hub that an operator may want to know: counted by type, and logged. */
  notice(part: 'bus' | 'feed' | 'streams', notice: { readonly type: string }): void;
}

/** Counts into a registry of its own, and logs what an operator has to see. */
export function createTelemetry(log: Logger, devices: DeviceLog): NodeTelemetry {
  const registry = new Registry();
  const metrics = createNodeMetrics(registry);
  return {
    registry,
    telemetry: { ...aboutDevices(metrics, devices), ...aboutTheNode(metrics, log) },
    notice: (part, notice) => {
      metrics.notices.inc({ part, type: notice.type });
      writeLine(log, 'hub-notice', { part, ...notice });
    },
  };
}

type DeviceEvents = 'report' | 'missing' | 'deadLetter' | 'refused' | 'sent' | 'outcome' | 'transition';

function aboutDevices(metrics: NodeMetrics, devices: DeviceLog): Pick<Telemetry, DeviceEvents> {
  return {
    report: (fate, device, report) => {
      metrics.reports.inc({ fate });
      if (!devices.mayWant('report-decided')) return;
      const { boot, seq, up, state } = report;
      devices.write('report-decided', device, { fate, boot, seq, up, state });
    },
    missing: (change) => {
      if (change > 0) metrics.missing.inc(change);
      else metrics.filled.inc(-change);
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

function aboutTheNode(metrics: NodeMetrics, log: Logger): Omit<Telemetry, DeviceEvents> {
  return {
    committed: ({ reports, ms, delayMs }) => {
      metrics.commitSeconds.observe(ms / 1_000);
      metrics.batchReports.observe(reports);
      if (delayMs !== null) metrics.reportDelaySeconds.observe(delayMs / 1_000);
    },
    storeUnavailable: (cause) => {
      metrics.storeUnavailable.inc();
      writeLine(log, 'store-unavailable', { cause: cause.message });
    },
    quarantined: ({ device, cause }) => {
      metrics.quarantined.inc();
      writeLine(log, 'twin-quarantined', { device, err: cause });
    },
    streamGone: ({ from, to, messages }) => {
      metrics.gone.inc(messages ?? Math.max(1, to - from + 1));
      writeLine(log, 'stream-gone', { from, to });
    },
    ownership: ({ event, partitions, twins, reason }) => {
      writeLine(log, `partitions-${event}`, { partitions: partitions.length, twins, reason });
    },
    hearing: (isHearing) => {
      metrics.hearing.set(isHearing ? 1 : 0);
      writeLine(log, isHearing ? 'hub-hearing' : 'hub-not-hearing');
    },
  };
}
