/** Where the command line finds Corral: as the environment says, or where `npm start` has it by default. */
import { type HubSecurity, securityFrom } from '../../src/nats/security.ts';

const DEFAULTS = {
  CORRAL_HTTP_URL: 'http://127.0.0.1:4800',
  CORRAL_BACKEND_URL: 'nats://backend:backend@127.0.0.1:4801',
  CORRAL_ENGINEER_URL: 'nats://engineer:engineer@127.0.0.1:4801',
  CORRAL_WARDEN_URL: 'nats://warden:warden@127.0.0.1:4801',
  CORRAL_POSTGRES_URL: 'postgres://corral:corral@127.0.0.1:4804/corral',
} as const;
const SITE_URL = 'nats://127.0.0.1:4803';
const RUNTIME_URL = 'nats://runtime:runtime@127.0.0.1:4801';

/** Said in the help of every command that reads over HTTP. */
export const HTTP_HELP = `
Environment:
  CORRAL_HTTP_URL     Corral's HTTP address (default: that of npm start)
  CORRAL_TOKEN        the bearer token, where Corral asks for one`;

/** Said wherever a command connects to the hub. */
export const SECURITY_HELP =
  '  CORRAL_NATS_CA, _CERT, _KEY, _CREDS, _NKEY: files for TLS and logins, as a node takes them (docs/operations.md)';

/** Said in the help of every command that asks over NATS. */
export const BACKEND_HELP = `
Environment:
  CORRAL_BACKEND_URL  the hub, with a backend's credentials (default: that of npm start)
${SECURITY_HELP}`;

/** Said in the help of every command that looks after the hub's connections. */
export const WARDEN_HELP = `
Environment:
  CORRAL_WARDEN_URL   the hub, with the credentials of the user warden (default: that of npm start)
${SECURITY_HELP}`;

/** Corral's HTTP side: CORRAL_HTTP_URL. */
export function httpUrl(): string {
  return address('CORRAL_HTTP_URL');
}

/** The token HTTP is asked with, or `null`: CORRAL_TOKEN. */
export function httpToken(): string | null {
  return given('CORRAL_TOKEN') ?? null;
}

/** Where devices connect: CORRAL_NATS_URL, a site's leaf or the hub with a site's credentials. */
export function siteUrl(): string {
  return given('CORRAL_NATS_URL') ?? SITE_URL;
}

/** The hub as a backend reaches it: CORRAL_BACKEND_URL. */
export function backendUrl(): string {
  return address('CORRAL_BACKEND_URL');
}

/** The hub as an engineer reaches it: CORRAL_ENGINEER_URL. */
export function engineerUrl(): string {
  return address('CORRAL_ENGINEER_URL');
}

/** The hub as its warden reaches it: CORRAL_WARDEN_URL. */
export function wardenUrl(): string {
  return address('CORRAL_WARDEN_URL');
}

/** The hub as a node reaches it, for whoever runs one: CORRAL_NATS_URL, as `npm run serve` takes it. */
export function runtimeUrl(): string {
  return given('CORRAL_NATS_URL') ?? RUNTIME_URL;
}

/** How every hub is known, and a login by creds or nkey: CORRAL_NATS_CA, _CERT, _KEY, _CREDS and _NKEY, as a node takes them. */
export function hubSecurity(): HubSecurity {
  return securityFrom(process.env);
}

/** The store as a node reaches it: CORRAL_POSTGRES_URL. */
export function postgresUrl(): string {
  return address('CORRAL_POSTGRES_URL');
}

function address(variable: keyof typeof DEFAULTS): string {
  return given(variable) ?? DEFAULTS[variable];
}

function given(variable: string): string | undefined {
  const value = process.env[variable];
  return value === '' ? undefined : value;
}
