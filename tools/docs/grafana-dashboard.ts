/**
 * `docs/grafana-dashboard.json`: what an operator of Corral looks at, ready to be imported. A test holds its names against the metrics
 * of a running node.
 */

/** One line in a panel: what is asked of Prometheus, and what the line is called. */
interface Query {
  readonly expr: string;
  readonly legend: string;
}

interface Panel {
  readonly title: string;
  /** What it means when it is not as it should be. */
  readonly description: string;
  /** Grafana's name of the unit. */
  readonly unit: string;
  readonly queries: readonly Query[];
}

interface Row {
  readonly title: string;
  readonly panels: readonly Panel[];
}

const quantiles = (metric: string): readonly Query[] =>
  [0.5, 0.99].map((quantile) => ({
    expr: `histogram_quantile(${String(quantile)}, sum by (le) (rate(${metric}_bucket[$__rate_interval])))`,
    legend: `p${String(quantile * 100)}`,
  }));

const rate = (metric: string, ...labels: readonly string[]): Query => ({
  expr: `sum by (${labels.join(', ')}) (rate(${metric}[$__rate_interval]))`,
  legend: labels.map((label) => `{{${label}}}`).join(' '),
});

/** Every node tells the whole fleet: the greatest of their numbers is the newest. */
const fleet = (metric: string, ...labels: readonly string[]): Query => ({
  expr: `max by (${labels.join(', ')}) (${metric})`,
  legend: labels.map((label) => `{{${label}}}`).join(' '),
});

const perNode = (metric: string): Query => ({ expr: metric, legend: '{{instance}}' });

const ROWS: readonly Row[] = [
  {
    title: 'The fleet',
    panels: [
      panel(
        'Twins by state',
        'Known states of the whole fleet.',
        'short',
        fleet('corral_twins', 'kind', 'state'),
      ),
      panel(
        'Suspicions',
        'Devices in doubt, by reason. docs/suspicions.md says what ends each.',
        'short',
        fleet('corral_suspicions', 'reason'),
      ),
      panel(
        'Divergences',
        'Devices and ledger disagree about who may use them.',
        'short',
        fleet('corral_divergences', 'sort'),
      ),
      panel('Transitions', 'Changes of known states.', 'cps', rate('corral_transitions_total', 'kind', 'to')),
    ],
  },
  {
    title: 'Commands',
    panels: [
      panel(
        'Outcomes',
        'How commands ended. unknown: nobody knows yet whether they were executed.',
        'cps',
        rate('corral_outcomes_total', 'outcome'),
      ),
      panel(
        'Open commands',
        'Pending, or unknown until a report decides them.',
        'short',
        fleet('corral_commands_open', 'outcome'),
      ),
      panel(
        'Late outcomes',
        'What unknown commands turned out to be.',
        'cps',
        rate('corral_late_outcomes_total', 'outcome'),
      ),
      panel(
        'Time to an outcome',
        'From acceptance until the outcome was known.',
        's',
        ...quantiles('corral_command_seconds'),
      ),
      panel(
        'Refusals',
        'Requests that twins refused, by code.',
        'cps',
        rate('corral_refusals_total', 'code'),
      ),
      panel(
        'Sent',
        'Commands handed to the hub, repetitions and probes too.',
        'cps',
        rate('corral_commands_sent_total', 'name'),
      ),
    ],
  },
  {
    title: 'Reports',
    panels: [
      panel(
        'Reports by disposition',
        'latest moved a state, late filled history, duplicates were dropped, held ones leap and nothing proves them.',
        'cps',
        rate('corral_reports_total', 'disposition'),
      ),
      panel(
        'Delay',
        'From the moment in which the hub stored a message until it was committed.',
        's',
        ...quantiles('corral_report_delay_seconds'),
      ),
      panel(
        'Lag',
        'Messages of the stream that are not decided on yet.',
        'short',
        perNode('corral_lag_messages'),
      ),
      panel(
        'Missing reports',
        'Devices numbered them, and nobody received them so far; some come after all.',
        'cps',
        { expr: 'sum(rate(corral_reports_missing_total[$__rate_interval]))', legend: 'missing' },
        { expr: 'sum(rate(corral_reports_filled_total[$__rate_interval]))', legend: 'came after all' },
      ),
      panel(
        'Dead letters',
        'Messages that could not be read, by reason: corral deadletters.',
        'cps',
        rate('corral_dead_letters_total', 'reason'),
      ),
    ],
  },
  {
    title: 'Nodes',
    panels: [
      panel('Partitions', 'All 32 have to be owned.', 'short', perNode('corral_partitions')),
      panel(
        'Hears all, leases in time',
        '0 is not well: silence of devices means nothing, or another node may have taken over.',
        'short',
        { expr: 'corral_hearing', legend: 'hearing {{instance}}' },
        { expr: 'corral_leases_sure', legend: 'leases {{instance}}' },
      ),
      panel(
        'Clocks',
        'How far the clocks of the hub and the store are ahead of each node’s. Beyond 50 ms of the hub’s no command is accepted.',
        's',
        { expr: 'corral_clock_offset_seconds', legend: '{{server}} for {{instance}}' },
      ),
      panel('Commit time', 'One transaction.', 's', ...quantiles('corral_commit_seconds')),
      panel(
        'Reports in a commit',
        'Large batches mean that the store is the bottleneck.',
        'short',
        ...quantiles('corral_batch_reports'),
      ),
      panel(
        'Event-loop delay',
        'A node that is late here is late everywhere.',
        's',
        perNode('nodejs_eventloop_lag_p99_seconds'),
      ),
      panel(
        'Set aside',
        'Frames of buffers that wait until nothing else does.',
        'short',
        perNode('corral_backlog_messages'),
      ),
      panel(
        'Fullest stream of a site',
        'Above 0.7 what is committed is taken from it; at 1 its site is refused. The log says which.',
        'percentunit',
        perNode('corral_stream_full_ratio'),
      ),
      panel('Timers', 'Twins that are to be woken.', 'short', perNode('corral_timers')),
      panel('Memory', 'Resident.', 'bytes', perNode('process_resident_memory_bytes')),
      panel('Processor', 'Cores in use.', 'short', {
        expr: 'rate(process_cpu_seconds_total[$__rate_interval])',
        legend: '{{instance}}',
      }),
      panel(
        'Trouble overcome',
        'Reconnects and repetitions, commits that found the store away, inputs no twin could decide on, messages lost to retention.',
        'cps',
        rate('corral_notices_total', 'part', 'type'),
        rate('corral_store_unavailable_total', 'instance'),
        rate('corral_quarantined_total', 'instance'),
        rate('corral_stream_gone_total', 'instance'),
      ),
    ],
  },
];

const WIDTH = 24;
const COLUMNS = 3;
const HEIGHT = 8;

function panel(title: string, description: string, unit: string, ...queries: readonly Query[]): Panel {
  return { title, description, unit, queries };
}

/** The dashboard, ready to be written as JSON. */
export function grafanaDashboard(): object {
  const panels: object[] = [];
  let y = 0;
  for (const { title, panels: inRow } of ROWS) {
    panels.push({
      id: panels.length + 1,
      type: 'row',
      title,
      collapsed: false,
      gridPos: { x: 0, y, w: WIDTH, h: 1 },
      panels: [],
    });
    y += 1;
    for (const [index, one] of inRow.entries()) {
      const column = index % COLUMNS;
      const gridPos = {
        x: (column * WIDTH) / COLUMNS,
        y: y + Math.floor(index / COLUMNS) * HEIGHT,
        w: WIDTH / COLUMNS,
        h: HEIGHT,
      };
      panels.push({ id: panels.length + 1, ...timeSeries(one), gridPos });
    }
    y += Math.ceil(inRow.length / COLUMNS) * HEIGHT;
  }
  return {
    title: 'Corral',
    uid: 'corral',
    tags: ['corral'],
    schemaVersion: 39,
    version: 1,
    editable: true,
    refresh: '30s',
    time: { from: 'now-6h', to: 'now' },
    timezone: 'utc',
    templating: {
      list: [
        {
          name: 'datasource',
          label: 'Prometheus',
          type: 'datasource',
          query: 'prometheus',
          current: {},
          hide: 0,
        },
      ],
    },
    panels,
  };
}

function timeSeries({ title, description, unit, queries }: Panel): object {
  const datasource = { type: 'prometheus', uid: '${datasource}' };
  return {
    type: 'timeseries',
    title,
    description,
    datasource,
    fieldConfig: { defaults: { unit, min: 0, custom: { fillOpacity: 10 } }, overrides: [] },
    options: { legend: { displayMode: 'list', placement: 'bottom' }, tooltip: { mode: 'multi' } },
    targets: queries.map(({ expr, legend }, index) => ({
      refId: String.fromCharCode('A'.charCodeAt(0) + index),
      datasource,
      expr,
      legendFormat: legend,
    })),
  };
}
