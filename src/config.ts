/**
 * The configuration of a node, from the environment. It is read once, at the start, and every mistake is one sentence that
 * names the variable and what would be right.
 */
import { hostname } from 'node:os';
import { ID_PATTERN } from '../machines/report.ts';

/** What a node has to know to run. */
export interface Config {
  /** The hub, with the credentials of the role `runtime`. */
  readonly natsUrl: string;
  readonly postgresUrl: string;
  readonly httpHost: string;
  /** 0: any free one. */
  readonly httpPort: number;
  /** Names this node in leases and logs. */
  readonly node: string;
  readonly logLevel: LogLevel;
  /** An orderly stop may take so long, ms; then the node gives up and ends with code 1. */
  readonly stopLimitMs: number;
  /** Run on a hub that does not enforce what a leaf may publish. */
  readonly allowOldHub: boolean;
}

/** Long enough to commit and publish what is decided; shorter than what orchestrators wait before they kill. */
const STOP_LIMIT_MS = 20_000;

const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** A variable that is missing or wrong. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

/** Reads the configuration. Throws a {@link ConfigError} with one sentence. */
export function readConfig(env: Readonly<Record<string, string | undefined>>): Config {
  return {
    natsUrl: url(env, 'CORRAL_NATS_URL', ['nats:', 'tls:'], 'nats://runtime:secret@hub.example:4222'),
    postgresUrl: url(
      env,
      'CORRAL_POSTGRES_URL',
      ['postgres:', 'postgresql:'],
      'postgres://corral:secret@db.example:5432/corral',
    ),
    httpHost: env.CORRAL_HTTP_HOST ?? '127.0.0.1',
    httpPort: port(env, 'CORRAL_HTTP_PORT', 8080),
    node: name(env, 'CORRAL_NODE', `${hostname().replaceAll(/[^A-Za-z0-9_-]/g, '-')}-${String(process.pid)}`),
    logLevel: oneOf(env, 'CORRAL_LOG_LEVEL', LOG_LEVELS, 'info'),
    stopLimitMs: milliseconds(env, 'CORRAL_STOP_LIMIT_MS', STOP_LIMIT_MS),
    allowOldHub: oneOf(env, 'CORRAL_ALLOW_OLD_HUB', ['true', 'false'], 'false') === 'true',
  };
}

type Env = Readonly<Record<string, string | undefined>>;

function url(env: Env, variable: string, protocols: readonly string[], example: string): string {
  const value = env[variable];
  if (value === undefined || value === '')
    throw new ConfigError(`${variable} is not set; it is of the form ${example}`);
  const [first = ''] = value.split(',');
  if (!URL.canParse(first) || !protocols.includes(new URL(first).protocol)) {
    throw new ConfigError(`${variable} is not an address of the form ${example}`);
  }
  return value;
}

function port(env: Env, variable: string, fallback: number): number {
  const value = env[variable];
  if (value === undefined || value === '') return fallback;
  const number = Number(value);
  if (Number.isInteger(number) && number >= 0 && number <= 65_535) return number;
  throw new ConfigError(`${variable} is ${value}, which is no port: it is 0 (any free one) to 65535`);
}

function milliseconds(env: Env, variable: string, fallback: number): number {
  const value = env[variable];
  if (value === undefined || value === '') return fallback;
  const number = Number(value);
  if (Number.isInteger(number) && number >= 1 && number <= 3_600_000) return number;
  throw new ConfigError(`${variable} is ${value}; it is a number of milliseconds from 1 to 3600000`);
}

function name(env: Env, variable: string, fallback: string): string {
  const value = env[variable] ?? fallback.slice(0, 64);
  if (new RegExp(ID_PATTERN).test(value)) return value;
  throw new ConfigError(`${variable} is ${value}; a node's name has 1 to 64 letters, digits, - and _`);
}

function oneOf<T extends string>(env: Env, variable: string, values: readonly T[], fallback: T): T {
  const value = env[variable];
  if (value === undefined || value === '') return fallback;
  const found = values.find((known) => known === value);
  if (found !== undefined) return found;
  throw new ConfigError(`${variable} is ${value}; it is one of ${values.join(', ')}`);
}
