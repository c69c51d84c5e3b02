/** `corral command` and `corral ledger`: commands a device and asks what became of it, over NATS, as any backend would. */
import { randomUUID } from 'node:crypto';
import { type Command, InvalidArgumentError } from 'commander';
import {
  type Acceptance,
  type CommandResult,
  type Corral,
  connectCorral,
  CorralBadReply,
  CorralRefusal,
  CorralUnreachable,
} from '../../src/client/corral.ts';
import { ACCEPTANCES } from '../../src/wire/acceptance.ts';
import { readTraceParent } from '../../src/wire/trace.ts';
import { BACKEND_HELP, backendUrl, hubSecurity } from './addresses.ts';
import { COMMAND_EXIT_HELP, CommandLineError, EXIT } from './command-line-error.ts';
import { wholeNumber } from './numbers.ts';
import { complain, print, printJson } from './print.ts';
import { valuesTable } from './table.ts';
import { duration, shownTime } from './time-words.ts';
import { badReplyLines, unansweredLines } from './unanswered.ts';

interface CommandFlags {
  readonly args?: Readonly<Record<string, unknown>>;
  readonly id: string;
  readonly wait: number;
  readonly deadline: number;
  readonly ifVersion?: number;
  readonly by?: string;
  readonly traceparent?: string;
  readonly json?: true;
}

const COMMAND_HELP = `
An argument's value is read as JSON where it is some, and as text otherwise. Under one id a command is executed once at most, however
often it is asked: with --id of an earlier call this one answers what became of it.
${BACKEND_HELP}
${COMMAND_EXIT_HELP}

Examples:
  corral command cp-002 reserve holdMs=600000 --by alice
  corral command cp-002 release --wait 20s --json
  corral command cp-002 reserve --id 99c49974-fe79-4d3f-96e1-679ee1fa4485`;

const LEDGER_HELP = `${BACKEND_HELP}
${COMMAND_EXIT_HELP}

Examples:
  corral ledger cp-002 99c49974-fe79-4d3f-96e1-679ee1fa4485
  corral history cp-002 --commands`;

/** Adds the subcommands. */
export function addCommands(program: Command): void {
  program
    .command('command')
    .description('Command a device, and wait for the outcome.')
    .argument('<device>', 'its id')
    .argument('<name>', 'what to do, as docs/kinds.md has it')
    .argument('[argument...]', 'arguments, as holdMs=600000')
    .option('--args <json>', 'all arguments as a JSON map', jsonMap)
    .option('--id <uuid>', 'the idempotency key (default: a new one)', uuid)
    .option('--wait <duration>', 'how long to wait for the outcome', duration, 10_000)
    .option('--deadline <duration>', 'how long to ask again while nobody answers', duration, 15_000)
    .option('--if-version <n>', 'only if the twin is still at this version', wholeNumber(0))
    .option('--by <name>', 'on whose behalf, for the ledger')
    .option('--traceparent <value>', 'W3C trace context of what this is part of', traceParent)
    .option('--json', 'the outcome, or the refusal, as one line of JSON')
    .addHelpText('after', COMMAND_HELP)
    .action(runCommand);
  program
    .command('ledger')
    .description('Ask how a command stands.')
    .argument('<device>', 'its id')
    .argument('<id>', 'the id of the command', uuid)
    .option('--json', 'the entry as one line of JSON')
    .addHelpText('after', LEDGER_HELP)
    .action(runLedger);
}

function jsonMap(text: string): Readonly<Record<string, unknown>> {
  const value = jsonOrText(text);
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { ...value };
  throw new InvalidArgumentError('It is a JSON map, as {"holdMs": 600000}.');
}

function traceParent(text: string): string {
  if (readTraceParent(text) !== null) return text;
  throw new InvalidArgumentError('It is of the form 00-<32 hex digits>-<16 hex digits>-01.');
}

/** An argument that is a UUID. Throws commander's error for anything else. */
export function uuid(text: string): string {
  if (/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text)) return text;
  throw new InvalidArgumentError('It is a UUID, as 99c49974-fe79-4d3f-96e1-679ee1fa4485.');
}

function jsonOrText(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function argsOf(words: readonly string[], flags: Pick<CommandFlags, 'args'>): Record<string, unknown> {
  const pairs = words.map((word) => {
    const at = word.indexOf('=');
    if (at > 0) return [word.slice(0, at), jsonOrText(word.slice(at + 1))] as const;
    throw new CommandLineError(`The argument ${word} is not of the form name=value.`, {
      exitCode: EXIT.usage,
    });
  });
  return { ...flags.args, ...Object.fromEntries(pairs) };
}

async function runCommand(
  device: string,
  name: string,
  words: readonly string[],
  flags: Omit<CommandFlags, 'id'> & { readonly id?: string },
): Promise<void> {
  const { id = randomUUID(), wait: waitMs, deadline: deadlineMs, ifVersion, by, traceparent } = flags;
  const args = argsOf(words, flags);
  const options = {
    id,
    isFirstUse: flags.id === undefined,
    waitMs,
    deadlineMs,
    ...optional({ ifVersion, by, traceParent: traceparent }),
  };
  await told(flags.json === true, id, (corral) => corral.command(device, name, args, options));
}

async function runLedger(device: string, id: string, flags: { readonly json?: true }): Promise<void> {
  await told(flags.json === true, id, (corral) => corral.ledger(device, id));
}

/** Asks about the command with this id, shows the answer, and sets the exit code that it means. */
export async function told(
  isJson: boolean,
  id: string,
  ask: (corral: Corral) => Promise<CommandResult>,
): Promise<void> {
  const corral = await connectCorral({
    url: backendUrl(),
    security: hubSecurity(),
    name: 'corral command line',
  });
  try {
    const result = await ask(corral);
    process.exitCode = exitCodeOf(result);
    if (isJson) await printJson(result);
    else await print(shownResult(result));
  } catch (error) {
    if (error instanceof CorralRefusal) {
      const { code, acceptance, state, allowed, firstUse, message: detail } = error;
      process.exitCode = acceptance === 'no' ? EXIT.notExecuted : EXIT.unknown;
      const refusal = { id: error.id, outcome: 'refused', code, acceptance, detail, state, allowed };
      if (isJson) await printJson(firstUse === null ? refusal : { ...refusal, firstUse });
      else await print(shownRefusal(error));
    } else if (error instanceof CorralUnreachable) {
      await unanswered(error, isJson);
    } else if (error instanceof RangeError) {
      // A name that cannot be part of a subject.
      throw new CommandLineError(`${error.message}.`, { cause: error, exitCode: EXIT.usage });
    } else if (error instanceof CorralBadReply) {
      throw new CommandLineError(badReplyLines(id, error), { cause: error, exitCode: EXIT.unknown });
    } else {
      throw error;
    }
  } finally {
    await corral.close();
  }
}

/** How it ends without an answer in time. */
const EXITS: Readonly<Record<Acceptance, number>> = {
  no: EXIT.failed,
  'not-this-copy': EXIT.unknown,
  maybe: EXIT.unknown,
  yes: EXIT.pending,
};

async function unanswered(error: CorralUnreachable, isJson: boolean): Promise<void> {
  const { id, wasSent, acceptance } = error;
  process.exitCode = EXITS[acceptance];
  if (isJson) await printJson({ id, outcome: 'unanswered', wasSent, acceptance, detail: error.message });
  else complain(unansweredLines(error));
}

function exitCodeOf({ outcome }: CommandResult): number {
  switch (outcome) {
    case 'done':
      return EXIT.done;
    case 'rejected':
    case 'expired':
      return EXIT.notExecuted;
    case 'unknown':
      return EXIT.unknown;
    case 'pending':
      return EXIT.pending;
  }
}

function shownResult(result: CommandResult): readonly string[] {
  return valuesTable([
    ['outcome', result.outcome],
    ['command', `${result.name} of ${result.device}, number ${String(result.n)}`],
    ['id', result.id],
    ['arguments', JSON.stringify(result.args)],
    ['by', result.by],
    ['asked by', result.asker],
    ['reason', result.reason],
    ['proof', result.proof],
    ['ends', result.ends ?? null],
    ['accepted', shownTime(result.acceptedAt)],
    ['cannot start after', shownTime(result.certainAt)],
    ['decided', shownTime(result.decidedAt)],
  ]);
}

function shownRefusal({ code, acceptance, id, message, state, allowed }: CorralRefusal): readonly string[] {
  return valuesTable([
    ['outcome', refusedOutcome(code, acceptance)],
    ['why', message],
    ['id', id],
    ['state', state],
    ['accepts now', allowed.join(', ')],
  ]);
}

function refusedOutcome(code: CorralRefusal['code'], acceptance: CorralRefusal['acceptance']): string {
  if (code === 'unknown-id') return 'none: there is no such command';
  if (acceptance === 'maybe') return `not known: ${ACCEPTANCES[acceptance]}`;
  return acceptance === 'no' ? 'refused: nothing was sent' : `refused: ${ACCEPTANCES[acceptance]}`;
}

/** Only what was given. */
function optional<T extends object>(options: T): { [Key in keyof T]?: Exclude<T[Key], undefined> } {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as ReturnType<
    typeof optional<T>
  >;
}
