/**
 * What the runtime tells about itself, counted for Prometheus and written to the log as declared lines. Device ids are in
 * log lines, never in labels.
 */
import type { Logger } from 'pino';
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { Telemetry } from './runtime/telemetry.ts';

/** The metrics of one node, and the telemetry that feeds them. */
export interface NodeTelemetry {
  readonly registry: Registry;
  readonly telemetry: Telemetry;
}

const COMMIT_SECONDS = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 5];
const BATCH_REPORTS = [1, 2, 5, 10, 50, 100, 500, 1_000, 2_000, 5_000];

/** Counts into a registry of its own, and logs what an operator has to see. */
export function createTelemetry(log: Logger): NodeTelemetry {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const count = countersIn(registry);
  const telemetry: Telemetry = {
    report: (fate) => {
      count.reports.inc({ fate });
    },
    deadLetter: ({ reason, detail, device }) => {
      count.deadLetters.inc({ reason });
      log.debug({ reason, detail, device }, 'message could not be read: kept as a dead letter');
    },
    refused: (code) => {
      count.refusals.inc({ code });
    },
    outcome: (outcome) => {
      count.outcomes.inc({ outcome });
    },
    transition: ({ kind, from, to }) => {
      count.transitions.inc({ kind, from, to });
    },
    committed: ({ reports, ms }) => {
      count.commitSeconds.observe(ms / 1_000);
      count.batchReports.observe(reports);
    },
    storeUnavailable: (cause) => {
      count.storeUnavailable.inc();
      log.warn({ cause: cause.message }, 'store unavailable: the commit is tried again, nothing is lost');
    },
    quarantined: ({ device, cause }) => {
      count.quarantined.inc();
      log.error({ device, err: cause }, 'twin could not decide: it stands as before');
    },
    streamGone: ({ from, to }) => {
      count.gone.inc(Math.max(1, to - from + 1));
      log.error({ from, to }, 'the stream no longer holds messages that were not read yet');
    },
    ownership: ({ event, partitions, twins, reason }) => {
      log.info({ event, partitions: partitions.length, twins, reason }, `partitions ${event}`);
    },
    hearing: (isHearing) => {
      count.hearing.set(isHearing ? 1 : 0);
      log.info(
        { isHearing },
        isHearing ? 'hearing all that the stream holds' : 'not hearing: silence means nothing now',
      );
    },
  };
  return { registry, telemetry };
}

function countersIn(registry: Registry) {
  const registers = [registry];
  const counter = <Label extends string>(
    name: string,
    help: string,
    labelNames: readonly Label[],
  ): Counter<Label> => new Counter({ name, help, labelNames, registers });
  return {
    reports: counter('corral_reports_total', 'Reports decided on, by fate', ['fate']),
    deadLetters: counter('corral_dead_letters_total', 'Messages that could not be read, by reason', [
      'reason',
    ]),
    refusals: counter('corral_refusals_total', 'Requests refused by twins, by code', ['code']),
    outcomes: counter('corral_outcomes_total', 'Outcomes of commands as they became known', ['outcome']),
    transitions: counter('corral_transitions_total', 'Transitions of known states', ['kind', 'from', 'to']),
    storeUnavailable: counter('corral_store_unavailable_total', 'Commits that found the store away', []),
    quarantined: counter('corral_quarantined_total', 'Inputs that a twin could not decide on', []),
    gone: counter('corral_stream_gone_total', 'Messages that the stream dropped before they were read', []),
    hearing: new Gauge({
      name: 'corral_hearing',
      help: '1 while all that the stream holds is heard',
      registers,
    }),
    commitSeconds: new Histogram({
      ...{ name: 'corral_commit_seconds', help: 'Time of one commit', buckets: COMMIT_SECONDS, registers },
    }),
    batchReports: new Histogram({
      ...{ name: 'corral_batch_reports', help: 'Reports in one commit', buckets: BATCH_REPORTS, registers },
    }),
  };
}
