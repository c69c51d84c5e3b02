/** `corral history`: what a device was, said, and was told, read over HTTP. */
import { type TSchema, Type } from '@sinclair/typebox';
import { type TypeCheck, TypeCompiler } from '@sinclair/typebox/compiler';
import { type Command, Option } from 'commander';
import { HTTP_HELP, httpToken, httpUrl } from './addresses.ts';
import { CorralHttp } from './corral-http.ts';
import { wholeNumber } from './numbers.ts';
import { print, printJson } from './print.ts';
import { type Cell, rowsTable } from './table.ts';
import { duration, instant, shownDuration } from './time-words.ts';

const TextOrNull = Type.Union([Type.String(), Type.Null()]);

const Interval = Type.Object({
  state: Type.String(),
  from: Type.String(),
  to: TextOrNull,
  reports: Type.Integer(),
  gaps: Type.Integer(),
  reboots: Type.Integer(),
});
const Report = Type.Object({
  boot: Type.Integer(),
  seq: Type.Integer(),
  state: Type.String(),
  measuredAt: Type.String(),
  receivedAt: Type.String(),
  /** A node of an older version says `fate` alone: `news` for `latest`. */
  disposition: Type.Optional(Type.String()),
  fate: Type.Optional(Type.String()),
});
const Transition = Type.Object({
  from: Type.String(),
  to: Type.String(),
  measuredAt: Type.String(),
  recordedAt: Type.String(),
  cause: Type.Object({ type: Type.String(), detail: Type.String() }),
});
const Entry = Type.Object({
  id: Type.String(),
  n: Type.Integer(),
  name: Type.String(),
  by: TextOrNull,
  asker: TextOrNull,
  outcome: Type.String(),
  reason: TextOrNull,
  acceptedAt: Type.String(),
});

/** One way to look at a device's past. */
interface View<Schema extends TSchema = TSchema> {
  readonly resource: 'timeline' | 'reports' | 'journal' | 'commands';
  readonly member: string;
  readonly page: TypeCheck<TSchema>;
  readonly names: readonly string[];
  readonly isWindowed: boolean;
  readonly cells: (line: Schema['static']) => readonly Cell[];
}

const VIEWS = {
  timeline: view(Interval, {
    resource: 'timeline',
    member: 'intervals',
    names: ['from', 'to', 'for', 'state', 'reports', 'holes', 'reboots'],
    isWindowed: true,
    cells: ({ state, from, to, reports, gaps, reboots }) => [
      from,
      to,
      to === null ? null : shownDuration(Date.parse(to) - Date.parse(from)),
      state,
      reports,
      gaps,
      reboots,
    ],
  }),
  reports: view(Report, {
    resource: 'reports',
    member: 'reports',
    names: ['measured', 'received', 'position', 'state', 'disposition'],
    isWindowed: true,
    cells: ({ measuredAt, receivedAt, boot, seq, state, disposition, fate }) => [
      measuredAt,
      receivedAt,
      `${String(boot)}/${String(seq)}`,
      state,
      disposition ?? (fate === 'news' ? 'latest' : fate) ?? null,
    ],
  }),
  journal: view(Transition, {
    resource: 'journal',
    member: 'transitions',
    names: ['recorded', 'measured', 'from', 'to', 'because'],
    isWindowed: false,
    cells: ({ recordedAt, measuredAt, from, to, cause }) => [recordedAt, measuredAt, from, to, cause.detail],
  }),
  commands: view(Entry, {
    resource: 'commands',
    member: 'commands',
    names: ['accepted', 'number', 'command', 'by', 'asked by', 'outcome', 'reason', 'id'],
    isWindowed: false,
    cells: ({ acceptedAt, n, name, by, asker, outcome, reason, id }) => [
      acceptedAt,
      n,
      name,
      by,
      asker,
      outcome,
      reason,
      id,
    ],
  }),
};

function view<Schema extends TSchema>(line: Schema, rest: Omit<View<Schema>, 'page'>): View {
  const page = Type.Object({ [rest.member]: Type.Array(line), next: TextOrNull });
  return { ...rest, page: TypeCompiler.Compile(page) };
}

interface HistoryFlags {
  readonly reports?: true;
  readonly journal?: true;
  readonly commands?: true;
  readonly from?: string;
  readonly to?: string;
  readonly last?: number;
  readonly limit: number;
  readonly json?: true;
}

const HELP = `
Without a view it is the timeline: what the device WAS, by measured time, late reports included. The journal is what its twin
believed, and why.
${HTTP_HELP}

Examples:
  corral history cp-001
  corral history cp-001 --reports --last 5m
  corral history cp-001 --reports --to 2026-01-31T14:02:00Z --last 5m
  corral history cp-001 --journal --limit 20
  corral history cp-001 --commands --json | jq -r 'select(.outcome == "unknown") | .id'`;

/** Adds the subcommand. */
export function addHistory(program: Command): void {
  const views = ['reports', 'journal', 'commands'] as const;
  const others = (name: string): string[] => views.filter((one) => one !== name);
  const windowed = ['journal', 'commands'];
  program
    .command('history')
    .description('Show what a device was, what it said, what its twin believed, or what it was told.')
    .argument('<device>', 'its id')
    .addOption(new Option('--reports', 'its reports, in the order it made them').conflicts(others('reports')))
    .addOption(
      new Option('--journal', 'what its twin believed and why, newest first').conflicts(others('journal')),
    )
    .addOption(
      new Option('--commands', 'commands and their outcomes, newest first').conflicts(others('commands')),
    )
    .addOption(
      new Option('--from <time>', 'measured at or after this')
        .argParser(instant)
        .conflicts([...windowed, 'last']),
    )
    .addOption(new Option('--to <time>', 'measured before this').argParser(instant).conflicts(windowed))
    .addOption(
      new Option('--last <duration>', 'so long before now, or before --to')
        .argParser(duration)
        .conflicts(windowed),
    )
    .option('--limit <n>', 'at most so many lines', wholeNumber(1), 100)
    .option('--json', 'one line of JSON for each')
    .addHelpText('after', HELP)
    .action(runHistory);
}

async function runHistory(device: string, flags: HistoryFlags): Promise<void> {
  const { resource, member, page, names, cells } = VIEWS[viewOf(flags)];
  const query = new URLSearchParams({ limit: String(Math.min(flags.limit, 1_000)) });
  for (const [name, value] of Object.entries(windowOf(flags))) query.set(name, value);
  const http = new CorralHttp(httpUrl(), httpToken());
  const path = `/v1/devices/${encodeURIComponent(device)}/${resource}?${query.toString()}`;
  const rows: (readonly Cell[])[] = [];
  let left = flags.limit;
  for await (const body of http.pages(path, page)) {
    const lines = (body as Readonly<Record<string, readonly unknown[]>>)[member] ?? [];
    for (const line of lines.slice(0, left)) {
      left -= 1;
      if (flags.json === true) await printJson(line);
      else rows.push(cells(line));
    }
    if (left <= 0) break;
  }
  if (flags.json !== true)
    await print(rows.length === 0 ? 'Nothing is known of that.' : rowsTable(names, rows));
}

function viewOf({ reports, journal, commands }: HistoryFlags): keyof typeof VIEWS {
  if (reports === true) return 'reports';
  if (journal === true) return 'journal';
  return commands === true ? 'commands' : 'timeline';
}

function windowOf({ from, to, last }: HistoryFlags): Readonly<Record<string, string>> {
  const until = to === undefined ? Date.now() : Date.parse(to);
  const begin = last === undefined ? from : new Date(until - last).toISOString();
  return { ...(begin === undefined ? {} : { from: begin }), ...(to === undefined ? {} : { to }) };
}
