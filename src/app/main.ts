/**
 * `npm run serve`: one node, against the servers the environment names. SIGINT and SIGTERM stop it in order: it commits what is
 * decided, publishes it, and gives its leases back. Where that cannot be done in time, because Postgres or the hub is away, it gives
 * up and says so; it says before what it waits for. A second signal ends it at once. Nothing is lost by that: what is not committed is still in the stream, and the position is where it was.
 */
import { startCorral, StartError } from './app.ts';
import { ConfigError, readConfig } from './config.ts';
import { writeEvent } from '../telemetry/log-events.ts';
import { ConnectError } from '../nats/connect.ts';
import { HubError } from '../nats/kept-stream.ts';
import { whatIsMissing } from './node-health.ts';
import { openLog } from '../telemetry/node-log.ts';
import { visibleText } from '../telemetry/visible-text.ts';

const STOP_SIGNALS = ['SIGINT', 'SIGTERM'] as const;

/** A stop that takes longer is explained, ms. */
const STOP_PATIENCE_MS = 1_000;

try {
  const [unwanted] = process.argv.slice(2);
  if (unwanted !== undefined)
    throw new ConfigError(
      `npm run serve takes no arguments, and was given ${unwanted}: its settings are environment variables, which README.md lists under "Production"`,
    );
  const config = readConfig(process.env);
  const log = openLog({ level: config.logLevel, fields: { node: config.node } });
  const app = await startCorral(config, log);
  writeEvent(log, 'node-up', { http: app.httpUrl });
  const stop = (signal: NodeJS.Signals): void => {
    // The next signal, whichever it is, ends the process at once.
    for (const other of STOP_SIGNALS) process.off(other, stop);
    writeEvent(log, 'node-stopping', { signal });
    const limitMs = config.stopLimitMs;
    setTimeout(() => {
      void whatIsMissing(app.health).then((waitsFor) => writeEvent(log, 'node-stop-waits', { waitsFor }));
    }, STOP_PATIENCE_MS);
    setTimeout(() => {
      writeEvent(log, 'node-stop-given-up', { limitMs });
      process.exit(1);
    }, limitMs);
    void app.stop().then(() => {
      writeEvent(log, 'node-stopped');
      process.exit();
    });
  };
  for (const signal of STOP_SIGNALS) process.on(signal, stop);
} catch (error) {
  const isExpected = [ConfigError, ConnectError, HubError, StartError].some((type) => error instanceof type);
  const lines = isExpected ? [(error as Error).message] : stackOf(error).split('\n');
  // It may quote what a server said.
  process.stderr.write(lines.map((line) => `${visibleText(line)}\n`).join(''));
  process.exitCode = 1;
}

function stackOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
