/**
 * `npm run serve`: one node, against the servers the environment names. SIGINT and SIGTERM stop it in order.
 */
import pino from 'pino';
import { startCorral, StartError } from './app.ts';
import { ConfigError, readConfig } from './config.ts';
import { writeLine } from './log-lines.ts';
import { ConnectError } from './nats/connect.ts';
import { HubError } from './nats/hub.ts';

try {
  const config = readConfig(process.env);
  const log = pino({ level: config.logLevel, base: { node: config.node } });
  const app = await startCorral(config, log);
  writeLine(log, 'node-up', { http: app.httpUrl });
  const stop = (signal: NodeJS.Signals): void => {
    writeLine(log, 'node-stopping', { signal });
    void app.stop().then(() => {
      writeLine(log, 'node-stopped');
    });
  };
  process.once('SIGINT', stop);
  process.once('SIGTERM', stop);
} catch (error) {
  const isExpected = [ConfigError, ConnectError, HubError, StartError].some((type) => error instanceof type);
  const text = error instanceof Error ? (isExpected ? error.message : error.stack) : String(error);
  process.stderr.write(`${text ?? 'unknown error'}\n`);
  process.exitCode = 1;
}
