/** `corral nodes` and `corral deadletters`: who decides for what and how far behind it is, and what could not be read. */
import { Type } from '@sinclair/typebox';
import { TypeCompiler } from '@sinclair/typebox/compiler';
import type { Command } from 'commander';
import { HTTP_HELP, httpToken, httpUrl } from './addresses.ts';
import { CorralHttp } from './corral-http.ts';
import { wholeNumber } from './numbers.ts';
import { print, printJson } from './print.ts';
import { type Cell, rowsTable } from './table.ts';

const TextOrNull = Type.Union([Type.String(), Type.Null()]);

const NodesBody = TypeCompiler.Compile(
  Type.Object({
    nodes: Type.Array(
      Type.Object({
        node: Type.String(),
        isThisNode: Type.Boolean(),
        partitions: Type.Array(Type.Integer()),
        leasedUntil: TextOrNull,
        unpublished: Type.Integer(),
        backlogMessages: Type.Integer(),
        behindMessages: Type.Union([Type.Integer(), Type.Null()]),
      }),
    ),
    unowned: Type.Array(Type.Integer()),
    thisNode: Type.Object({
      node: Type.String(),
      isHearing: Type.Boolean(),
      commits: Type.Object({
        count: Type.Integer(),
        reportsMean: Type.Union([Type.Number(), Type.Null()]),
        commitMsMean: Type.Union([Type.Number(), Type.Null()]),
      }),
    }),
  }),
);

const DeadLettersBody = TypeCompiler.Compile(
  Type.Object({
    deadLetters: Type.Array(
      Type.Object({
        receivedAt: Type.String(),
        site: Type.String(),
        device: Type.String(),
        stream: Type.String(),
        sequence: Type.Integer(),
        reason: Type.String(),
        detail: Type.String(),
        bytes: Type.Integer(),
      }),
    ),
    next: TextOrNull,
  }),
);

const NODES_HELP = `
What the streams hold for the partitions of a node and it has not committed is "behind": 0 when nothing waits. "set aside" is what it keeps for
later while others wait: buffers that devices empty, and what is said too fast.
${HTTP_HELP}

Examples:
  corral nodes
  corral nodes --json | jq .unowned`;

const DEADLETTERS_HELP = `
The bytes are in the stream of the site under their sequence, while it keeps them: nats --js-domain FLEET stream get DEVICES-depot <sequence>
${HTTP_HELP}

Examples:
  corral deadletters
  corral deadletters --reason foreign-site --limit 20
  corral deadletters --device cp-001 --json | jq -r .detail`;

interface DeadLettersFlags {
  readonly device?: string;
  readonly reason?: string;
  readonly limit: number;
  readonly json?: true;
}

/** Adds the subcommands. */
export function addNodes(program: Command): void {
  program
    .command('nodes')
    .description('Show which node decides for how many partitions, and how far behind it is.')
    .option('--json', 'everything as one line of JSON')
    .addHelpText('after', NODES_HELP)
    .action(runNodes);
  program
    .command('deadletters')
    .description(
      'List messages that could not be read, newest first: who sent them, and what would have been right.',
    )
    .option('--device <id>', 'only under this name')
    .option('--reason <reason>', 'only for this reason')
    .option('--limit <n>', 'at most so many', wholeNumber(1), 100)
    .option('--json', 'one line of JSON for each')
    .addHelpText('after', DEADLETTERS_HELP)
    .action(runDeadLetters);
}

async function runNodes(flags: { readonly json?: true }): Promise<void> {
  const body = await new CorralHttp(httpUrl(), httpToken()).read('/v1/nodes', NodesBody);
  if (flags.json === true) {
    await printJson(body);
    return;
  }
  const names = ['node', 'partitions', 'leased until', 'behind', 'set aside', 'unpublished', 'answers'];
  const rows = body.nodes.map(
    ({ node, partitions, leasedUntil, behindMessages, backlogMessages, unpublished, isThisNode }) => [
      node,
      partitions.length,
      leasedUntil,
      behindMessages,
      backlogMessages,
      unpublished,
      isThisNode,
    ],
  );
  await print(rowsTable(names, rows));
  const { node, isHearing, commits } = body.thisNode;
  const mean = `${(commits.reportsMean ?? 0).toFixed(1)} reports and ${(commits.commitMsMean ?? 0).toFixed(1)} ms each`;
  await print(
    `${node} ${isHearing ? 'hears all' : 'does not hear all'}; ${String(commits.count)} commits, ${mean}`,
  );
  if (body.unowned.length > 0) await print(`Nobody decides for partitions ${body.unowned.join(', ')}.`);
}

async function runDeadLetters({ device, reason, limit, json }: DeadLettersFlags): Promise<void> {
  const query = new URLSearchParams({ limit: String(Math.min(limit, 1_000)) });
  if (device !== undefined) query.set('device', device);
  if (reason !== undefined) query.set('reason', reason);
  const rows: Cell[][] = [];
  let left = limit;
  const http = new CorralHttp(httpUrl(), httpToken());
  for await (const page of http.pages(`/v1/deadletters?${query.toString()}`, DeadLettersBody)) {
    for (const letter of page.deadLetters.slice(0, left)) {
      left -= 1;
      if (json === true) await printJson(letter);
      else
        rows.push([
          letter.receivedAt,
          letter.site,
          letter.device,
          letter.stream,
          letter.sequence,
          letter.reason,
          letter.detail,
        ]);
    }
    if (left <= 0) break;
  }
  if (json === true) return;
  const names = ['received', 'site', 'device', 'stream', 'sequence', 'reason', 'what would be right'];
  await print(rows.length === 0 ? 'Every message could be read.' : rowsTable(names, rows));
}
