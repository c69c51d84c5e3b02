/** `corral connections`: who is connected to the hub, the worst talker first. */
import { type Command, Option } from 'commander';
import { WARDEN_HELP } from './addresses.ts';
import { wholeNumber } from './numbers.ts';
import { print, printJson } from './print.ts';
import { type Cell, rowsTable } from './table.ts';
import { duration } from './time-words.ts';
import type { Measure, Talker } from '../warden/talker.ts';
import { visitorsLike } from '../warden/visitor.ts';
import { asWarden } from './as-warden.ts';

/** Rates are measured over this time unless it is said, ms: long enough for devices that report once a second. */
const MEASURED_MS = 2_000;
const LIMIT = 50;

interface ConnectionsFlags {
  readonly site?: string;
  readonly user?: string;
  readonly for: number;
  readonly by: Measure;
  readonly limit: number;
  readonly json?: true;
}

const HELP = `
First stands who sends the most a second, measured between two looks at the hub's counts. Of a site that has a leaf, the hub sees the leaf
alone: who talks behind it, the site's own server knows. "in" is what the hub received. Names were chosen by whoever connected.
${WARDEN_HELP}

Examples:
  corral connections
  corral connections --site depot --for 10s
  corral connections --by bytes --limit 5
  corral connections --json | jq 'select(.inPerSecond.messages > 1000) | .cid'`;

/** Adds the subcommand. */
export function addConnections(program: Command): void {
  program
    .command('connections')
    .description('List who is connected to the hub and how much each says, the worst talker first.')
    .option('--site <name>', 'of this site only, or of this account (BACKENDS, FLEET)')
    .option('--user <name>', 'of this user only')
    .option('--for <duration>', 'measure for so long, as 10s', duration, MEASURED_MS)
    .addOption(
      new Option('--by <measure>', 'what makes the worst talker')
        .choices(['messages', 'bytes'])
        .default('messages'),
    )
    .option('--limit <n>', 'how many are shown', wholeNumber(1), LIMIT)
    .option('--json', 'one line of JSON for each connection, all of them')
    .addHelpText('after', HELP)
    .action(runConnections);
}

async function runConnections({ site, user, json, by, limit, ...flags }: ConnectionsFlags): Promise<void> {
  const filter = { ...(site === undefined ? {} : { site }), ...(user === undefined ? {} : { user }) };
  const all = await asWarden((warden) => warden.talkers(flags.for, by));
  const talkers = visitorsLike(all, filter) as readonly Talker[];
  for (const { countedAt: _, ...talker } of json === true ? talkers : []) await printJson(talker);
  if (json === true) return;
  if (talkers.length === 0) return print('Nobody is connected of whom that is true.');
  const isCluster = new Set(all.map(({ serverId }) => serverId)).size > 1;
  const names = [
    'account',
    'user',
    'kind',
    'name',
    'address',
    'since',
    'in/s',
    'B in/s',
    'out/s',
    'B out/s',
    'in',
    'out',
  ];
  const rows = talkers
    .slice(0, limit)
    .map((talker) => [...(isCluster ? [talker.server] : []), ...cellsOf(talker)]);
  await print(rowsTable([...(isCluster ? ['server'] : []), 'cid', ...names], rows));
  if (talkers.length > limit)
    await print(`${String(talkers.length - limit)} more say less: --limit shows them.`);
}

/** A cid is a name and no amount: it gets no separators. */
function cellsOf(talker: Talker): readonly Cell[] {
  const { cid, account, user, kind, name, address, since, inPerSecond, outPerSecond } = talker;
  return [
    String(cid),
    account,
    user,
    kind,
    name,
    address,
    since.replace(/\.\d+Z$/, 'Z'),
    ...[inPerSecond.messages, inPerSecond.bytes, outPerSecond.messages, outPerSecond.bytes].map(Math.round),
    talker.in.messages,
    talker.out.messages,
  ];
}
