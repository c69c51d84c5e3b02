/**
 * `npm start`: the whole of Corral on this machine, with nothing installed but Node: Postgres, the hub, a site's leaf, a
 * node, and a simulated fleet behind the leaf. Its data stays in a folder, so that the next start goes on from there.
 */
import { InvalidArgumentError } from 'commander';
import { npmProgram } from './cli/npm-program.ts';
import { complain, complainOf, say } from './cli/print.ts';
import { DevServerError } from './dev/dev-server-error.ts';
import { showStatus } from './start/fleet-status.ts';
import { RunningParts } from './start/running-parts.ts';
import { nodeConfig, startAll, type StartOptions, type Urls } from './start/start-all.ts';
import { StartError } from '../src/app/app.ts';
import { ConfigError } from '../src/app/config.ts';
import { ConnectError } from '../src/nats/connect.ts';
import { HubError } from '../src/nats/kept-stream.ts';

const program = npmProgram(
  'npm start --',
  'Runs Postgres, the hub, a site, a node and a simulated fleet on this machine.',
)
  .option('--no-fleet', 'without the simulated fleet')
  .option('--data-dir <dir>', 'where everything is kept', '.corral')
  .option('--fresh', 'throw away what npm start keeps in the data folder first', false)
  .option('--http-port <port>', 'HTTP; 0 is any free one', port, 4800)
  .option('--nats-port <port>', 'the hub, for backends', port, 4801)
  .option('--leaf-port <port>', 'the hub, for leafs', port, 4802)
  .option('--site-port <port>', "the site's leaf, for devices", port, 4803)
  .option('--postgres-port <port>', 'Postgres', port, 4804);

/** A terminal sends Ctrl-C to everybody in it, and npm passes on what it gets: so what follows this soon is the same Ctrl-C, ms. */
const SAME_SIGNAL_MS = 500;

/** Ended by Ctrl-C before it was stopped in order, as a shell tells it. */
const EXIT_INTERRUPTED = 130;

try {
  process.exit(await main(program.parse().opts<StartOptions>()));
} catch (error) {
  explain(error);
  process.exit(1);
}

/** Runs everything until it is told to stop; resolves with the exit code. */
async function main(options: StartOptions): Promise<number> {
  const { stopLimitMs } = nodeConfig({
    natsUrl: 'nats://127.0.0.1',
    postgresUrl: 'postgres://127.0.0.1/corral',
    httpPort: options.httpPort,
  });
  const parts = new RunningParts(say);
  const toldToStop = untilToldToStop(stopLimitMs);
  try {
    const urls = await Promise.race([startAll(options, parts, say), toldToStop]);
    if (urls !== null) await runUntil(toldToStop, urls);
  } catch (error) {
    await parts.stop(stopLimitMs);
    throw error;
  }
  return (await parts.stop(stopLimitMs)) ? 0 : 1;
}

async function runUntil(toldToStop: Promise<unknown>, urls: Urls): Promise<void> {
  say(`ready ${JSON.stringify(urls)}`);
  const stopShowing = showStatus(urls.http, say);
  await toldToStop;
  stopShowing();
}

/**
 * Resolves with null at the first signal to stop. The second ends everything at once: the servers are killed when this program exits.
 */
function untilToldToStop(limitMs: number): Promise<null> {
  return new Promise((resolve) => {
    let toldAt: number | null = null;
    const hear = (): void => {
      if (toldAt !== null) {
        if (performance.now() - toldAt < SAME_SIGNAL_MS) return;
        complain('ended at once; what was not committed is read again at the next start');
        process.exit(EXIT_INTERRUPTED);
      }
      toldAt = performance.now();
      complain(
        `stopping in order, within ${String(limitMs / 1_000)} s; Ctrl-C again ends everything at once`,
      );
      resolve(null);
    };
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, hear);
  });
}

function port(text: string): number {
  const number = Number(text);
  if (/^\d+$/.test(text) && number <= 65_535) return number;
  throw new InvalidArgumentError('A port is a number from 0 (any free one) to 65535.');
}

/** What a person can act on is one sentence; anything else is a mistake of ours and shows its stack. */
function explain(error: unknown): void {
  const isExpected = [DevServerError, ConfigError, ConnectError, HubError, StartError].some(
    (type) => error instanceof type,
  );
  if (isExpected) complain((error as Error).message);
  else complainOf(error);
}
