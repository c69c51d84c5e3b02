/**
 * The configuration of a node, from the environment. It is read once, at the start, and every mistake is one sentence that
 * names the variable and what would be right.
 */
import { hostname } from 'node:os';
import { ID_PATTERN } from '../../machines/report.ts';
import type { HttpGuards } from '../http/limits.ts';
import { type HubSecurity, securityFrom } from '../nats/security.ts';
import { isLoopback } from '../http/loopback.ts';
import { namesakes, type NamedToken, readToken, TOKEN_LENGTH_MIN } from '../http/token.ts';
import { SITE_STREAM_BYTES } from '../nats/kept-stream.ts';
import { DEFAULT_LIMITS } from '../runtime/limits.ts';
import { isSiteName } from '../wire/subjects.ts';

/** What a node has to know to run. */
export interface Config {
  /** The hub, with the credentials of the role `runtime`. */
  readonly natsUrl: string;
  /** How the hub is known, and a login by more than a password. */
  readonly natsSecurity: HubSecurity;
  readonly postgresUrl: string;
  readonly httpHost: string;
  /** 0: any free one. */
  readonly httpPort: number;
  /** Who may do what over HTTP, and from where. */
  readonly httpGuards: HttpGuards;
  /** Names this node in leases and logs. */
  readonly node: string;
  readonly logLevel: LogLevel;
  /** An orderly stop may take so long, ms; then the node gives up and ends with code 1. */
  readonly stopLimitMs: number;
  /** Run on a hub that does not enforce what a leaf may publish. */
  readonly allowOldHub: boolean;
  /** Sites that there are, for a hub that does not tell which. */
  readonly sites: readonly string[];
  /** Room that the stream of each site is to have when it is made, bytes. */
  readonly siteStreamBytes: number;
  /** See `RuntimeLimits.unregisteredDevicesMax`. */
  readonly unregisteredDevicesMax: number;
}

const MIB = 1024 ** 2;

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
    natsSecurity: securityFrom(env),
    postgresUrl: url(
      env,
      'CORRAL_POSTGRES_URL',
      ['postgres:', 'postgresql:'],
      'postgres://corral:secret@db.example:5432/corral',
    ),
    httpHost: httpHost(env),
    httpPort: port(env, 'CORRAL_HTTP_PORT', 8080),
    httpGuards: httpGuards(env),
    node: name(env, 'CORRAL_NODE', `${hostname().replaceAll(/[^A-Za-z0-9_-]/g, '-')}-${String(process.pid)}`),
    logLevel: oneOf(env, 'CORRAL_LOG_LEVEL', LOG_LEVELS, 'info'),
    stopLimitMs: milliseconds(env, 'CORRAL_STOP_LIMIT_MS', STOP_LIMIT_MS),
    allowOldHub: oneOf(env, 'CORRAL_ALLOW_OLD_HUB', ['true', 'false'], 'false') === 'true',
    sites: listed(env, 'CORRAL_SITES').map(siteOf),
    siteStreamBytes: positive(env, 'CORRAL_SITE_STREAM_MIB', SITE_STREAM_BYTES / MIB) * MIB,
    unregisteredDevicesMax: positive(env, 'CORRAL_UNREGISTERED_MAX', DEFAULT_LIMITS.unregisteredDevicesMax),
  };
}

type Env = Readonly<Record<string, string | undefined>>;

const LOOPBACK = '127.0.0.1';

/** Requests that one address may make in ten seconds unless it is set: a page that shows everything needs some hundreds. */
const HTTP_RATE_MAX = 2_000;

function httpHost(env: Env): string {
  const host = env.CORRAL_HTTP_HOST ?? LOOPBACK;
  const { readTokens, operateTokens } = httpGuards(env).access;
  if (isLoopback(host) || readTokens.length + operateTokens.length > 0) return host;
  throw new ConfigError(
    `CORRAL_HTTP_HOST is ${host}, where others than this machine can reach it: set CORRAL_HTTP_READ_TOKENS, or leave it at ${LOOPBACK}`,
  );
}

function httpGuards(env: Env): HttpGuards {
  const readTokens = tokens(env, 'CORRAL_HTTP_READ_TOKENS');
  const operateTokens = tokens(env, 'CORRAL_HTTP_OPERATE_TOKENS');
  const clash = namesakes([...readTokens, ...operateTokens]);
  if (clash !== null)
    throw new ConfigError(`CORRAL_HTTP_READ_TOKENS and CORRAL_HTTP_OPERATE_TOKENS: ${clash}`);
  const isReadOpen = readTokens.length === 0 && isLoopback(env.CORRAL_HTTP_HOST ?? LOOPBACK);
  return {
    access: { readTokens, operateTokens, isReadOpen },
    rateMax: positive(env, 'CORRAL_HTTP_RATE_MAX', HTTP_RATE_MAX),
    corsOrigins: listed(env, 'CORRAL_HTTP_CORS_ORIGINS').map(originOf),
  };
}

function listed(env: Env, variable: string): readonly string[] {
  return (env[variable] ?? '')
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '');
}

function tokens(env: Env, variable: string): readonly NamedToken[] {
  return listed(env, variable).map((text) => {
    const token = readToken(text);
    if (token !== null) return token;
    throw new ConfigError(
      `${variable} holds something that is no token: tokens have at least ${String(TOKEN_LENGTH_MIN)} letters, digits or ._~+/=-, may ` +
        'have a name of up to 64 letters, digits, - and _ and a colon before them, and are separated by commas',
    );
  });
}

function originOf(origin: string): string {
  if (URL.canParse(origin) && new URL(origin).origin === origin) return origin;
  throw new ConfigError(
    `CORRAL_HTTP_CORS_ORIGINS holds ${origin}, which is no origin: one is of the form https://dashboard.example`,
  );
}

function positive(env: Env, variable: string, fallback: number): number {
  const value = env[variable];
  if (value === undefined || value === '') return fallback;
  const number = Number(value);
  if (Number.isSafeInteger(number) && number > 0) return number;
  throw new ConfigError(`${variable} is ${value}; it is a whole number above 0`);
}

function siteOf(site: string): string {
  if (isSiteName(site)) return site;
  throw new ConfigError(
    `CORRAL_SITES holds ${site}, which is no site: sites are named as their accounts on the hub, without blanks, dots, slashes and wildcards`,
  );
}

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
