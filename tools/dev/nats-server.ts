/**
 * Runs one nats-server with a configuration file of the project: what the hub and the site's leaf have in common.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { launchServer, untilAnswering, type ChildServer, type ServerCommand } from './child-server.ts';
import { choosePort, type PortRequest } from './free-port.ts';
import { DevServerError } from './dev-server-error.ts';
import { findNatsServer } from './nats-server-binary.ts';

/** What a configuration reads from the environment; a boolean stays one, where text is quoted. */
export type ConfigVariables = Readonly<Record<string, string | boolean>>;

/** Which server, where. */
export interface NatsServerOptions<Ports extends string> {
  /** For messages and files: "hub". */
  readonly name: string;
  readonly configFile: string;
  /** Log, pid file and whatever the server stores; made when missing. */
  readonly dataDir: string;
  readonly ports: Readonly<Record<Ports | 'monitor', PortRequest>>;
  /** What `configFile` wants to know, once the ports are settled. */
  readonly variables: (ports: Readonly<Record<Ports | 'monitor', number>>) => ConfigVariables;
}

/** A nats-server that can be ended and started again at the same address, with the same data. */
export interface NatsServer<Ports extends string> {
  readonly ports: Readonly<Record<Ports | 'monitor', number>>;
  readonly logFile: string;
  /** Of the process that runs now, or ran last. */
  readonly pid: () => number;
  /** Starts it again; resolves when it answers. Does nothing while it runs. */
  readonly start: () => Promise<void>;
  /** Ends it in order. Does nothing when it has ended. */
  readonly stop: () => Promise<void>;
  /** `kill -9`. Does nothing when it has ended. */
  readonly kill: () => Promise<void>;
  /** Reads a page of its monitor, for instance `/leafz`. */
  readonly monitor: (page: string) => Promise<unknown>;
}

/** A hub with much in its store reads its indexes first. */
const startTimeoutMs = 30_000;

/** Ports that were free when they were chosen can be taken a moment later: others are tried. */
const portAttemptsMax = 5;

/**
 * Starts the server and waits until it answers.
 *
 * @throws DevServerError `port-in-use`, `binary-missing`, `data-in-use`, `not-started`.
 */
export async function startNatsServer<Ports extends string>(
  options: NatsServerOptions<Ports>,
): Promise<NatsServer<Ports>> {
  const program = await findNatsServer();
  mkdirSync(options.dataDir, { recursive: true });
  for (let attempt = 1; ; attempt += 1) {
    const ports = await choosePorts(options.ports);
    const command = commandOf(options, program, ports);
    try {
      return serverOf(await launch(command, ports.monitor), command, ports);
    } catch (error) {
      const isRace = error instanceof DevServerError && error.message.includes('address already in use');
      if (!isRace || attempt === portAttemptsMax) throw error;
    }
  }
}

/** A value as a nats configuration reads it from the environment: quoted, so that no character in it has a meaning. */
export function quoteForConfig(value: string): string {
  return `"${value.replace(/[\\"]/g, '\\$&')}"`;
}

async function choosePorts<Names extends string>(
  requests: Readonly<Record<Names, PortRequest>>,
): Promise<Readonly<Record<Names, number>>> {
  const chosen: Partial<Record<Names, number>> = {};
  for (const name of Object.keys(requests) as Names[]) chosen[name] = await choosePort(requests[name]);
  return chosen as Record<Names, number>;
}

function commandOf<Ports extends string>(
  { name, configFile, dataDir, variables }: NatsServerOptions<Ports>,
  program: string,
  ports: Readonly<Record<Ports | 'monitor', number>>,
): ServerCommand {
  const quoted = Object.entries(variables(ports)).map(([key, value]) => [
    key,
    typeof value === 'string' ? quoteForConfig(value) : String(value),
  ]);
  return {
    name: `The ${name}`,
    program,
    args: ['--config', configFile],
    env: { ...process.env, ...(Object.fromEntries(quoted) as Record<string, string>) },
    logFile: join(dataDir, `${name}.log`),
    pidFile: join(dataDir, `${name}.pid`),
  };
}

async function launch(command: ServerCommand, monitorPort: number): Promise<ChildServer> {
  const child = await launchServer(command);
  const isHealthy = async (): Promise<boolean> =>
    (await fetch(`http://127.0.0.1:${monitorPort}/healthz`, { signal: AbortSignal.timeout(1_000) })).ok;
  try {
    await untilAnswering(child, command, isHealthy, startTimeoutMs);
  } catch (error) {
    await child.kill();
    throw error;
  }
  return child;
}

function serverOf<Ports extends string>(
  first: ChildServer,
  command: ServerCommand,
  ports: Readonly<Record<Ports | 'monitor', number>>,
): NatsServer<Ports> {
  let child = first;
  return {
    ports,
    logFile: command.logFile,
    pid: () => child.pid,
    start: async () => {
      if (child.exit() !== null) child = await launch(command, ports.monitor);
    },
    stop: () => child.stop('SIGTERM'),
    kill: () => child.kill(),
    monitor: async (page) => {
      const response = await fetch(`http://127.0.0.1:${ports.monitor}${page}`);
      return response.json();
    },
  };
}
