/**
 * What a node counts, as Prometheus reads it. No label holds a device, a site or an id: their number has no bound. The
 * documents and the dashboard are checked against these names.
 */
import { collectDefaultMetrics, Counter, Gauge, Histogram, type Registry } from 'prom-client';

const COMMIT_SECONDS = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 5];
const DELAY_SECONDS = [0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 5, 30, 300, 3_600, 86_400];
const COMMAND_SECONDS = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 300, 3_600];
const NOTICE_LABELS = ['part', 'type'] as const;
const HEARING = { name: 'corral_hearing', help: '1 while all that the stream holds is heard' };
const BATCH_REPORTS = [1, 2, 5, 10, 50, 100, 500, 1_000, 2_000, 5_000];

/** The metrics that the runtime's events feed. */
export type NodeMetrics = ReturnType<typeof createNodeMetrics>;

/** Registers them, and those of the process: memory, garbage collection, event loop. */
// eslint-disable-next-line @typescript-eslint/explicit-module-boundary-types -- each metric's labels are part of its type
export function createNodeMetrics(registry: Registry) {
  collectDefaultMetrics({ register: registry });
  const registers = [registry];
  const counter = <Label extends string>(
    name: string,
    help: string,
    ...labelNames: readonly Label[]
  ): Counter<Label> => new Counter({ name, help, labelNames, registers });
  const histogram = <Label extends string>(
    name: string,
    help: string,
    buckets: readonly number[],
    ...labelNames: readonly Label[]
  ): Histogram<Label> => new Histogram({ name, help, buckets: [...buckets], labelNames, registers });
  return {
    reports: counter('corral_reports_total', 'Reports decided on, by disposition', 'disposition', 'fate'),
    missing: counter(
      'corral_reports_missing_total',
      'Reports that were numbered by their device and not received when a later one was',
    ),
    filled: counter('corral_reports_filled_total', 'Reports that had been missing, and came after all'),
    unreadable: counter(
      'corral_unreadable_values_total',
      'Values of reports that did not fit, and counted as absent',
    ),
    clocksOutOfBounds: counter(
      'corral_clock_out_of_bounds_total',
      'Reports that showed that the uptime of a device, or the clock of a server, had not kept pace',
    ),
    datedWrong: counter('corral_dated_wrong_total', 'Messages that the hub dated by a wrong clock'),
    sourceChanges: counter('corral_source_changes_total', 'Sources gone, back, or begun anew', 'change'),
    snapshotsReplayed: counter('corral_snapshots_replayed_total', 'Old snapshots that a source played again'),
    deadLetters: counter('corral_dead_letters_total', 'Messages that could not be read, by reason', 'reason'),
    deadLettersLeft: counter('corral_dead_letters_left_total', 'Of those, messages that are only counted'),
    passedOver: counter('corral_passed_over_total', 'Messages set aside: above the rate of a device or site'),
    refusals: counter('corral_refusals_total', 'Requests refused by twins, by code', 'code'),
    sent: counter(
      'corral_commands_sent_total',
      'Commands handed to the hub, repetitions and probes too, by name',
      'name',
    ),
    outcomes: counter('corral_outcomes_total', 'Outcomes of commands as they became known', 'outcome'),
    lateOutcomes: counter(
      'corral_late_outcomes_total',
      'Outcomes of commands that had been unknown, by what they turned out to be',
      'outcome',
    ),
    transitions: counter('corral_transitions_total', 'Transitions of known states', 'kind', 'from', 'to'),
    storeUnavailable: counter('corral_store_unavailable_total', 'Commits that found the store away'),
    quarantined: counter('corral_quarantined_total', 'Inputs that a twin could not decide on'),
    forgotten: counter('corral_devices_forgotten_total', 'Devices that were forgotten at an operator’s word'),
    gone: counter('corral_stream_gone_total', 'Messages that the stream dropped before they were read'),
    tailLost: counter('corral_stream_tail_lost_total', 'Messages that were read, and the stream lost since'),
    notices: counter('corral_notices_total', 'Trouble with the hub that was overcome', ...NOTICE_LABELS),
    hearing: new Gauge({ ...HEARING, registers }),
    commitSeconds: histogram('corral_commit_seconds', 'Time of one commit', COMMIT_SECONDS),
    batchReports: histogram('corral_batch_reports', 'Reports in one commit', BATCH_REPORTS),
    reportDelaySeconds: histogram(
      'corral_report_delay_seconds',
      'From the moment in which the hub stored a message until it was committed; the oldest of each commit',
      DELAY_SECONDS,
    ),
    commandSeconds: histogram(
      'corral_command_seconds',
      'From the acceptance of a command until its outcome was known',
      COMMAND_SECONDS,
      'outcome',
    ),
  };
}
