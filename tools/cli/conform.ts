/** `corral conform`: does a device keep the rules of docs/protocol.md? And `corral reference-device`: one that does. */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { connectToHub } from '../../src/nats/connect.ts';
import { type BenchServer, startBenchServer } from '../conform/bench-server.ts';
import { count, UnfitServer } from '../conform/bench.ts';
import { conform, type ConformEvent, NoContact } from '../conform/conform.ts';
import { type Level, LEVEL_MEANINGS, LEVELS } from '../conform/level.ts';
import { TRIAL_LIMITS } from '../conform/limits.ts';
import { startReferenceDevice } from '../conform/reference-device.ts';
import { rules } from '../conform/rules.ts';
import { conformSummary } from '../conform/summary.ts';
import { DevServerError } from '../dev/dev-server-error.ts';
import { hubSecurity } from './addresses.ts';
import { CommandLineError, EXIT } from './command-line-error.ts';
import { wholeNumber } from './numbers.ts';
import { complain, print, printJson } from './print.ts';
import { type Progress, showProgress } from './progress.ts';

interface ConformFlags {
  readonly device: string;
  readonly nats?: string;
  readonly serve?: Listening;
  readonly rebootCommand?: string;
  readonly level: Level;
  readonly only?: readonly string[];
  readonly answer: number;
  readonly patience: number;
  readonly heartbeat?: number;
  readonly hold: number;
  readonly buffer: number;
  readonly json?: true;
}

interface Listening {
  readonly host: string;
  readonly port: number;
}

interface ReferenceFlags {
  readonly device: string;
  readonly nats: string;
  readonly memory: string;
  readonly encoding: 'json' | 'msgpack';
}

const LEVEL_LINES = LEVELS.map((level) => `  ${level.padEnd(10)} ${LEVEL_MEANINGS[level]}`).join('\n');

const EXAMPLES = `
The kit plays the server for ONE device on a bench: it hears device.<id>.report, acknowledges it as the hub's stream would, and
sends device.<id>.command. It has \`report\`, \`reserve\`, \`release\` and \`reboot\` executed, and nothing else; a sensor is sent nothing. The device
has to be free. Take no device that is in service: it remembers the kit's numbers and epochs, so its storage has to be wiped before it goes
(back) to a fleet.

Levels, each with the rules of those above it in this list:
${LEVEL_LINES}

Each rule is kept, BROKEN, not judged (because another one that it rests on is broken) or not testable (the bench or the device has not what
it needs).

Examples:
  corral conform --device cp-001 --serve 4222
  corral conform --device cp-001 --serve 0.0.0.0:4222 --level commanded --reboot-command "ssh root@cp-001 reboot -f || true"
  corral conform --device cp-001 --nats nats://127.0.0.1:4222 --only hold-ends,hold-shown

Exit code: 0 when every rule that could be tested is kept, 3 when one is broken or could not be judged, 1 when nothing could be tested.`;

const REFERENCE_EXAMPLES = `
Examples:
  corral reference-device --device cp-001 --nats nats://127.0.0.1:4222 --memory /tmp/cp-001.log`;

/** Adds the subcommands. */
export function addConform(program: Command): void {
  program
    .command('conform')
    .description('Take a device through every rule of the protocol, and say which it keeps.')
    .requiredOption('--device <id>', 'the device, as in device.<id>.report')
    .addOption(
      new Option('--nats <url>', 'a plain nats-server where the device is connected').conflicts('serve'),
    )
    .option('--serve <[host:]port>', 'bring up such a server, and wait for the device to come', listening)
    .option('--reboot-command <command>', 'a command line that cuts the device’s power for a moment')
    .addOption(
      new Option('--level <level>', 'how much of the protocol it speaks, see below')
        .choices(LEVELS)
        .default('full')
        .conflicts('only'),
    )
    .option('--only <rules>', 'test these rules, and what they rest on, by name, with commas', ruleNames)
    .option('--answer <seconds>', 'how long an answer to a command may take', wholeNumber(1), 5)
    .option('--patience <seconds>', 'how long a slow device is waited for', wholeNumber(1), 90)
    .option('--heartbeat <seconds>', 'how often it reports when nothing happens', wholeNumber(1))
    .option('--hold <seconds>', 'how long the kit’s reservations last', wholeNumber(1), 4)
    .option('--buffer <reports>', 'how many reports it has to buffer in an outage', wholeNumber(2), 24)
    .option('--json', 'the result as one line of JSON')
    .addHelpText('after', EXAMPLES)
    .action(runConform);
  program
    .command('reference-device')
    .description('Run the reference agent as a charge point without hardware.')
    .requiredOption('--device <id>', 'its id')
    .requiredOption('--nats <url>', 'where it connects')
    .requiredOption('--memory <file>', 'its storage: with the same file it is the same device, restarted')
    .addOption(
      new Option('--encoding <encoding>', 'what it writes').choices(['json', 'msgpack']).default('msgpack'),
    )
    .addHelpText('after', REFERENCE_EXAMPLES)
    .action(runReferenceDevice);
}

function listening(text: string): Listening {
  const [, host = '127.0.0.1', port = ''] = /^(?:(.+):)?(\d{1,5})$/.exec(text) ?? [];
  if (port === '' || Number(port) > 65_535) {
    throw new InvalidArgumentError('It is a port, or an address and a port, as 0.0.0.0:4222.');
  }
  return { host, port: Number(port) };
}

function ruleNames(text: string): readonly string[] {
  const names = text.split(',').map((name) => name.trim());
  const known = rules.map(({ id }) => id);
  const unknown = names.find((name) => !known.includes(name));
  if (unknown !== undefined) {
    throw new InvalidArgumentError(`There is no rule ${unknown}; there are: ${known.join(', ')}.`);
  }
  return names;
}

async function runConform(flags: ConformFlags): Promise<void> {
  const progress = showProgress();
  const server = flags.serve === undefined ? null : await serve(flags.serve, progress);
  try {
    const url = server?.url ?? flags.nats;
    if (url === undefined) {
      throw new CommandLineError('Say where the device is: --nats <url>, or --serve <port>.', {
        exitCode: EXIT.usage,
      });
    }
    const result = await tried(flags, url, server, progress);
    await (flags.json === true ? printJson(result) : print(conformSummary(result)));
    if (!result.passed) process.exitCode = EXIT.refuted;
  } finally {
    await server?.end();
  }
}

async function serve({ host, port }: Listening, progress: Progress): Promise<BenchServer> {
  try {
    const server = await startBenchServer({ host, port });
    // Without this the terminal's Ctrl-C would end the kit and leave its server behind.
    process.once('SIGINT', () => void server.end().finally(() => process.exit(130)));
    progress.step(`serving  nats://${host}:${String(server.port)}`);
    return server;
  } catch (error) {
    if (error instanceof DevServerError) throw new CommandLineError(error.message, { cause: error });
    throw error;
  }
}

async function tried(
  flags: ConformFlags,
  url: string,
  server: BenchServer | null,
  progress: Progress,
): Promise<Awaited<ReturnType<typeof conform>>> {
  const { device, rebootCommand } = flags;
  const security = server === null ? hubSecurity() : {};
  const connection = await connectToHub({ url, security, name: 'corral conform' });
  try {
    return await conform({
      device,
      connection,
      ownServer: server,
      level: flags.level,
      only: flags.only ?? null,
      limits: {
        ...TRIAL_LIMITS,
        answerMs: flags.answer * 1_000,
        patienceMs: flags.patience * 1_000,
        holdMs: flags.hold * 1_000,
        heartbeatMs: flags.heartbeat === undefined ? null : flags.heartbeat * 1_000,
        outageReports: flags.buffer,
      },
      restart: rebootCommand === undefined ? null : () => runShell(rebootCommand, device),
      tell: (event) => show(event, device, progress),
    });
  } catch (error) {
    if (error instanceof NoContact || error instanceof UnfitServer) {
      throw new CommandLineError(error.message, { cause: error });
    }
    throw error;
  } finally {
    await connection.close();
  }
}

function show(event: ConformEvent, device: string, progress: Progress): void {
  switch (event.type) {
    case 'waiting':
      progress.step(`waiting  for a report of ${device}`);
      return;
    case 'testing':
      progress.at(`testing  ${event.rule.id}`);
      return;
    case 'judged':
      if (event.verdict.verdict === 'broken') progress.step(`broken   ${event.verdict.rule}`);
  }
}

/** Runs a command line of the user's. What it says, which may be what the device says, goes to stderr. */
function runShell(commandLine: string, device: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(commandLine, {
      shell: true,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, CORRAL_DEVICE: device },
    });
    for (const said of [child.stdout, child.stderr]) createInterface(said).on('line', complain);
    child.once('error', reject);
    child.once('exit', (code) => {
      if (code === 0) resolve();
      else reject(new CommandLineError(`The reboot command ended with code ${String(code)}: ${commandLine}`));
    });
  });
}

async function runReferenceDevice({ device, nats, memory, encoding }: ReferenceFlags): Promise<void> {
  const progress = showProgress();
  const { boot, ended, stop } = await startReferenceDevice({
    device,
    natsUrl: nats,
    memoryFile: memory,
    encoding,
    tell: (event) => {
      if (event.type === 'executed' || event.type === 'hold-ended') progress.step(JSON.stringify(event));
      if (event.type === 'published') progress.at(count(event.reports, 'report'));
    },
  });
  progress.step(`running  ${device}, boot ${String(boot)}, storage ${memory}`);
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void stop());
  const error = await ended;
  if (error !== null) throw error;
}
