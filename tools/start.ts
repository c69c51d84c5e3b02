/**
 * `npm start`: the whole of Corral on this machine, with nothing installed but Node: Postgres, the hub, a site's leaf, a
 * node, and a simulated fleet behind the leaf. Its data stays in a folder, so that the next start goes on from there.
 */
import { Command, InvalidArgumentError } from 'commander';
import { complain, complainOf, say } from './cli/print.ts';
import { DevServerError } from './dev/dev-server-error.ts';
import { startAll, type StartOptions } from './start/start-all.ts';
import { StartError } from '../src/app.ts';
import { ConfigError } from '../src/config.ts';
import { ConnectError } from '../src/nats/connect.ts';
import { HubError } from '../src/nats/kept-stream.ts';

const program = new Command()
  .name('npm start --')
  .description('Runs Postgres, the hub, a site, a node and a simulated fleet on this machine.')
  .option('--no-fleet', 'without the simulated fleet')
  .option('--data-dir <dir>', 'where everything is kept', '.corral')
  .option('--fresh', 'throw away what is in the data folder first', false)
  .option('--http-port <port>', 'HTTP; 0 is any free one', port, 4800)
  .option('--nats-port <port>', 'the hub, for backends', port, 4801)
  .option('--leaf-port <port>', 'the hub, for leafs', port, 4802)
  .option('--site-port <port>', "the site's leaf, for devices", port, 4803)
  .option('--postgres-port <port>', 'Postgres', port, 4804)
  .showHelpAfterError();

try {
  await main(program.parse().opts<StartOptions>());
} catch (error) {
  explain(error);
  process.exitCode = 1;
}

async function main(options: StartOptions): Promise<void> {
  const running = await startAll(options, say);
  await new Promise<void>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve());
  });
  await running.stop();
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
