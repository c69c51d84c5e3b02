/** `corral devices` and `corral fleet`: what the fleet is like now, read over HTTP. */
import { Type } from '@sinclair/typebox';
import { TypeCompiler } from '@sinclair/typebox/compiler';
import { type Command, Option } from 'commander';
import { FILTER_NAMES, type FilterName, FILTERS } from '../../src/contract/device-filter.ts';
import { HTTP_HELP, httpToken, httpUrl } from './addresses.ts';
import { CorralHttp } from './corral-http.ts';
import { wholeNumber } from './numbers.ts';
import { print, printJson } from './print.ts';
import { type Cell, rowsTable } from './table.ts';
import { duration, shownDuration } from './time-words.ts';

const TextOrNull = Type.Union([Type.String(), Type.Null()]);
const NumberOrNull = Type.Union([Type.Number(), Type.Null()]);

const Line = Type.Object({
  device: Type.String(),
  kind: Type.String(),
  site: Type.String(),
  state: TextOrNull,
  path: TextOrNull,
  quality: TextOrNull,
  ageMs: NumberOrNull,
  firmware: TextOrNull,
  suspicions: Type.Array(Type.String()),
});
const DevicesBody = TypeCompiler.Compile(Type.Object({ devices: Type.Array(Line), next: TextOrNull }));

const Counts = Type.Record(Type.String(), Type.Integer());
const FleetBody = TypeCompiler.Compile(
  Type.Object({
    devices: Type.Integer(),
    states: Counts,
    shownStates: Counts,
    kinds: Type.Array(Type.Object({ kind: Type.String(), devices: Type.Integer(), shownStates: Counts })),
  }),
);

/** What a list may be sorted by, as HTTP has it. */
const ORDERS = ['id', '-id', 'since', '-since', 'lastContact', '-lastContact', 'ageMs', '-ageMs'];

type DevicesFlags = Readonly<Record<string, string | number | boolean | undefined>> & {
  readonly sort?: string;
  readonly limit: number;
  readonly all?: true;
  readonly json?: true;
};

const DEVICES_HELP = `
With --json one device a line, as HTTP has it.
${HTTP_HELP}

Examples:
  corral devices --state suspect
  corral devices --kind charge-point --stale-for 10m --sort ageMs --limit 20
  corral devices --suspicion unconfirmed-command --pending
  corral devices --all --json | jq -r 'select(.firmware != "4.11.2") | .device'`;

const FLEET_HELP = `${HTTP_HELP}

Examples:
  corral fleet
  corral fleet --json | jq .states`;

/** Adds the subcommands. */
export function addDevices(program: Command): void {
  const devices = program.command('devices').description('List devices, in the order of their ids.');
  for (const { option } of filterOptions()) devices.addOption(option);
  devices
    .addOption(
      new Option('--sort <order>', 'what they are sorted by; - for the greatest first').choices(ORDERS),
    )
    .option('--limit <n>', 'at most so many', wholeNumber(1), 100)
    .option('--all', 'all of them, however many')
    .option('--json', 'one line of JSON for each')
    .addHelpText('after', DEVICES_HELP)
    .action(runDevices);
  program
    .command('fleet')
    .description('Count the devices by kind and known state.')
    .option('--json', 'the counts as one line of JSON')
    .addHelpText('after', FLEET_HELP)
    .action(runFleet);
}

/** The filters of the contract as options: a time is told with its unit. */
function filterOptions(): readonly { readonly name: FilterName; readonly option: Option }[] {
  return FILTER_NAMES.map((name) => {
    const { option: flags, meaning } = FILTERS[name];
    const option = new Option(flags, `only those ${meaning.replaceAll('`', '')}`);
    return { name, option: flags.endsWith('<duration>') ? option.argParser(duration) : option };
  });
}

async function runDevices(flags: DevicesFlags): Promise<void> {
  const http = new CorralHttp(httpUrl(), httpToken());
  const most = flags.all === true ? Infinity : flags.limit;
  const query = queryOf(flags, most);
  const rows: Cell[][] = [];
  let shown = 0;
  for await (const page of http.pages(`/v1/devices?${query.toString()}`, DevicesBody)) {
    for (const line of page.devices.slice(0, most - shown)) {
      shown += 1;
      if (flags.json === true) await printJson(line);
      else rows.push(cellsOf(line));
    }
    if (shown >= most) break;
  }
  if (flags.json === true) return;
  const names = ['device', 'kind', 'site', 'state', 'quality', 'measured', 'firmware', 'suspicions'];
  await print(rows.length === 0 ? 'No device is like this.' : rowsTable(names, rows));
}

function queryOf(flags: DevicesFlags, most: number): URLSearchParams {
  const query = new URLSearchParams({ limit: String(Math.min(most, 1_000)), total: 'false' });
  if (flags.sort !== undefined) query.set('sort', flags.sort);
  for (const { name, option } of filterOptions()) {
    const value = flags[option.attributeName()];
    if (value !== undefined) query.set(name, String(value));
  }
  return query;
}

function cellsOf(line: (typeof Line)['static']): Cell[] {
  const { device, kind, site, path, quality, ageMs, firmware, suspicions } = line;
  const age = ageMs === null ? null : `${shownDuration(ageMs)} ago`;
  return [device, kind, site, path, quality, age, firmware, suspicions.join(', ')];
}

async function runFleet(flags: { readonly json?: true }): Promise<void> {
  const fleet = await new CorralHttp(httpUrl(), httpToken()).read('/v1/fleet', FleetBody);
  if (flags.json === true) {
    await printJson(fleet);
    return;
  }
  const states = Object.keys(fleet.shownStates).sort();
  const rows = [...fleet.kinds, { ...fleet, kind: 'all' }].map(({ kind, devices, shownStates: counts }) => [
    kind,
    devices,
    ...states.map((state) => counts[state] ?? 0),
  ]);
  await print(rowsTable(['kind', 'devices', ...states], rows));
}
