/** `corral log`: lets every node write more, or less, about one device into its log, for a while. */
import { Type } from '@sinclair/typebox';
import { TypeCompiler } from '@sinclair/typebox/compiler';
import { type Command, Option } from 'commander';
import { connectToHub, ownInbox } from '../../src/nats/connect.ts';
import { LogLevelReplySchema, nodeLog } from '../../src/wire/log-level.ts';
import { engineerUrl, hubSecurity, SECURITY_HELP } from './addresses.ts';
import { CommandLineError } from './command-line-error.ts';
import { print, printJson } from './print.ts';
import { rowsTable } from './table.ts';
import { duration, shownTime } from './time-words.ts';

/** How long nodes are given to answer, ms: nobody knows how many there are. */
const ANSWERS_MS = 1_000;

interface LogFlags {
  readonly level?: string;
  readonly off?: true;
  readonly for?: number;
  readonly by?: string;
  readonly json?: true;
}

const ReplyBody = TypeCompiler.Compile(LogLevelReplySchema);
const RefusalBody = TypeCompiler.Compile(Type.Object({ code: Type.String(), detail: Type.String() }));

const HELP = `
Without --level it tells which level the device has. Lines are declared in docs/operations.md; those about a device have the level debug.

Environment:
  CORRAL_ENGINEER_URL  the hub, with an engineer's credentials (default: that of npm start)
${SECURITY_HELP}

Examples:
  corral log cp-001 --level debug --for 30m
  corral log cp-001
  corral log cp-001 --off`;

/** Adds the subcommand. */
export function addLog(program: Command): void {
  program
    .command('log')
    .description('Give one device a log level of its own on every node, for a while.')
    .argument('<device>', 'its id')
    .addOption(
      new Option('--level <level>', 'the least that is written').choices([
        'trace',
        'debug',
        'info',
        'warn',
        'error',
        'fatal',
      ]),
    )
    .addOption(new Option('--off', 'as all other devices again').conflicts(['level', 'for']))
    .option('--for <duration>', 'how long it lasts, at most 24h (default: 10m)', duration)
    .option('--by <name>', 'on whose behalf, for the log')
    .option('--json', 'one line of JSON for each node')
    .addHelpText('after', HELP)
    .action(runLog);
}

async function runLog(device: string, flags: LogFlags): Promise<void> {
  const as = { url: engineerUrl(), security: hubSecurity() };
  const hub = await connectToHub({ ...as, name: 'corral log', inboxPrefix: ownInbox(as.url, as.security) });
  try {
    const answers = await hub.nats.requestMany(nodeLog(device), requestOf(flags), {
      strategy: 'timer',
      maxWait: ANSWERS_MS,
    });
    const replies: (typeof LogLevelReplySchema)['static'][] = [];
    for await (const answer of answers) {
      const body: unknown = answer.json();
      if (ReplyBody.Check(body)) replies.push(body);
      else
        throw new CommandLineError(
          RefusalBody.Check(body) ? `${body.code}: ${body.detail}.` : 'The answer cannot be read.',
        );
    }
    for (const reply of flags.json === true ? replies : []) await printJson(reply);
    if (flags.json === true) return;
    const rows = replies.map(({ node, level, until }) => [node, level ?? 'as all others', shownTime(until)]);
    await print(rowsTable(['node', 'level', 'until'], rows));
  } catch (error) {
    if (error instanceof CommandLineError) throw error;
    throw new CommandLineError('No node answers: is one running?', { cause: error });
  } finally {
    await hub.close();
  }
}

function requestOf({ level, off, for: forMs, by }: LogFlags): string {
  if (level === undefined && off === undefined) return '';
  return JSON.stringify({
    level: level ?? null,
    ...(forMs === undefined ? {} : { forMs }),
    ...(by === undefined ? {} : { by }),
  });
}
