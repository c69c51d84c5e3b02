/** `corral kick`: cuts connections to the hub. It says whom first. */
import type { Command } from 'commander';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { type Visitor, type VisitorFilter, visitorsLike } from '../warden/visitor.ts';
import type { Warden } from '../warden/warden.ts';
import { WARDEN_HELP } from './addresses.ts';
import { asWarden } from './as-warden.ts';
import { CommandLineError, EXIT } from './command-line-error.ts';
import { wholeNumber } from './numbers.ts';
import { complain, print, printJson } from './print.ts';
import { rowsTable } from './table.ts';

interface KickFlags {
  readonly site?: string;
  readonly user?: string;
  readonly server?: string;
  readonly yes?: true;
  readonly json?: true;
}

/** What became of one connection. */
interface Kicked {
  readonly visitor: Visitor;
  readonly outcome: 'kicked' | 'gone';
}

const HELP = `
Whoever is cut comes back at once while the password still holds. To lock somebody out, change the password in the hub's configuration,
reload the hub, and then kick: docs/operations.md, "Who is connected, and locking somebody out". A reload alone cuts no leaf.
${WARDEN_HELP}

Examples:
  corral connections
  corral kick 17
  corral kick --site depot
  corral kick --user backend --yes

Exit code: 0 when nobody of whom that is true is connected any more with what was connected before; 1 when that could not be done;
2 when the command line was wrong, or nobody was there to say yes.`;

/** Adds the subcommand. */
export function addKick(program: Command): void {
  program
    .command('kick')
    .description('Cut connections to the hub: one, or all of a site or a user.')
    .argument('[cid]', 'the id of a connection, as corral connections shows it', wholeNumber(1))
    .option('--site <name>', 'all of this site, or of this account (BACKENDS, FLEET)')
    .option('--user <name>', 'all of this user')
    .option('--server <name>', 'at this server of a cluster only')
    .option('--yes', 'do not ask')
    .option('--json', 'one line of JSON for each connection')
    .addHelpText('after', HELP)
    .action(runKick);
}

async function runKick(cid: number | undefined, flags: KickFlags): Promise<void> {
  const { yes, json, ...where } = flags;
  const filter: VisitorFilter = { ...(cid === undefined ? {} : { cid }), ...where };
  if (cid === undefined && where.site === undefined && where.user === undefined) {
    throw new CommandLineError('Say whom: the cid of a connection, --site or --user.', {
      exitCode: EXIT.usage,
    });
  }
  await asWarden(async (warden) => {
    const meant = whomToKick(warden, visitorsLike(await warden.list(), filter), cid);
    if (meant.length === 0) return print('Nobody is connected of whom that is true: nothing to cut.');
    if (json !== true) await print(shown(meant));
    if (yes !== true) await askFor(meant.length);
    const kicked = await kickAll(warden, meant);
    if (json === true) {
      for (const { visitor, outcome } of kicked) await printJson({ ...identityOf(visitor), outcome });
      return;
    }
    const gone = kicked.filter(({ outcome }) => outcome === 'gone').length;
    const others = gone === 0 ? '' : ` ${String(gone)} had ended before.`;
    await print(
      `Cut ${String(kicked.length - gone)} of ${String(meant.length)}.${others} Whoever has a password that still holds comes back.`,
    );
  });
}

/** Throws where one is meant and there is none, or more than one. */
function whomToKick(warden: Warden, found: readonly Visitor[], cid: number | undefined): readonly Visitor[] {
  const others = found.filter((visitor) => !warden.isOwn(visitor));
  if (cid === undefined) return others;
  const id = String(cid);
  if (found.length > others.length)
    throw new CommandLineError(`The connection ${id} is that of this command.`);
  if (others.length === 0)
    throw new CommandLineError(`There is no connection ${id}: corral connections lists them.`);
  if (others.length === 1) return others;
  const servers = others.map(({ server }) => server).join(', ');
  throw new CommandLineError(
    `Several servers have a connection ${id} (${servers}): say which with --server.`,
    {
      exitCode: EXIT.usage,
    },
  );
}

/** One after the other; the first that cannot be cut ends it with its reason. */
async function kickAll(warden: Warden, visitors: readonly Visitor[]): Promise<readonly Kicked[]> {
  const kicked: Kicked[] = [];
  for (const visitor of visitors) kicked.push({ visitor, outcome: await warden.kick(visitor) });
  return kicked;
}

async function askFor(count: number): Promise<void> {
  if (!process.stdin.isTTY) {
    throw new CommandLineError('Nothing was cut: nobody is there to be asked. --yes cuts without asking.', {
      exitCode: EXIT.usage,
    });
  }
  const what = count === 1 ? 'this connection' : `these ${String(count)} connections`;
  complain(`Cut ${what}? y for yes, anything else for no:`);
  const dialog = createInterface({ input: process.stdin });
  try {
    // A terminal that is closed says no.
    const ended = once(dialog, 'close').then(() => ['']);
    const [answer] = (await Promise.race([once(dialog, 'line'), ended])) as [string];
    if (!/^y(es)?$/i.test(answer.trim())) throw new CommandLineError('Nothing was cut.');
  } finally {
    dialog.close();
  }
}

function shown(visitors: readonly Visitor[]): readonly string[] {
  const rows = visitors.map((visitor) => {
    const { cid, account, user, kind, name, address, since } = identityOf(visitor);
    return [String(cid), account, user, kind, name, address, since];
  });
  return rowsTable(['cid', 'account', 'user', 'kind', 'name', 'address', 'since'], rows);
}

function identityOf(visitor: Visitor): Omit<Visitor, 'serverId' | 'countedAt' | 'in' | 'out'> {
  const { serverId: _id, countedAt: _at, in: _in, out: _out, ...identity } = visitor;
  return { ...identity, since: identity.since.replace(/\.\d+Z$/, 'Z') };
}
