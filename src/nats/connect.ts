/**
 * The connection to the hub: how it is made, kept, and known to be there.
 *
 * What the client library leaves to its caller is settled here once: credentials in the address or in files, reconnecting for ever,
 * pings short enough to notice a frozen server, and errors that fit on one line.
 */
import {
  AuthorizationError,
  type ConnectionOptions,
  createInbox,
  type NatsConnection,
  TimeoutError,
} from '@nats-io/nats-core';
import { connect } from '@nats-io/transport-node';
import type { HubTrouble } from './hub-trouble.ts';
import { breakConnection, guardReadLoop } from './read-loop.ts';
import {
  type AddressFacts,
  type HubSecurity,
  isLoginByFile,
  SecurityError,
  securitySettings,
} from './security.ts';
import { tlsProblem } from './tls-problem.ts';
import { tlsVerdict } from './tls-verdict.ts';

/** How long one attempt to connect may take, ms. */
const DIAL_TIMEOUT_MS = 5_000;
/** Between two attempts to reconnect, ms; there is no last one. */
const RECONNECT_WAIT_MS = 500;
/** A server that leaves two pings unanswered is given up: a frozen one is noticed after 2 to 3 intervals. */
const PING_INTERVAL_MS = 4_000;
const PINGS_UNANSWERED_MAX = 2;

/** Names of users that can be one token of a subject. */
const USER_AS_TOKEN = /^[A-Za-z0-9_-]+$/;

/** Why a first connection failed. */
export type ConnectProblem =
  'bad-url' | 'bad-security' | 'refused' | 'insecure' | 'unauthorized' | 'timeout' | 'failed';

/** The hub could not be connected to. The message is one sentence for an operator; it names no password. */
export class ConnectError extends Error {
  readonly problem: ConnectProblem;
  constructor(problem: ConnectProblem, message: string, cause?: unknown) {
    super(message, { cause });
    this.name = 'ConnectError';
    this.problem = problem;
  }
}

/** What is needed to connect. */
export interface ConnectOptions {
  /** `nats://user:password@host:port`, or `tls://`; several servers of one cluster separated by commas. */
  readonly url: string;
  /** How the connection is called in the server's lists. */
  readonly name: string;
  /** Where replies are received, for users who share an account: see {@link ownInbox}. Default `_INBOX`. */
  readonly inboxPrefix?: string;
  /** Certificates, and a login by more than a password. Default: what the address says. */
  readonly security?: HubSecurity;
}

/** A connection that comes back by itself until it is closed. */
export interface HubConnection {
  readonly nats: NatsConnection;
  /**
   * True while messages can leave. Publish nothing while it is false that must not leave later: the client library keeps
   * what is published meanwhile and may send it after the reconnect.
   */
  isConnected(): boolean;
  /** Calls `listener` with every change of `isConnected`, until the returned function is called. */
  onChange(listener: (isConnected: boolean) => void): () => void;
  /** Calls `listener` with every error that the server reports, such as a permission that is missing. */
  onServerError(listener: (error: Error) => void): () => void;
  /** Calls `listener` with everything that came in and could not be taken as it should be. */
  onTrouble(listener: (trouble: HubTrouble) => void): () => void;
  /** Tells those who listen for trouble. */
  trouble(trouble: HubTrouble): void;
  /** A subject of its own to receive replies on. */
  newInbox(): string;
  close(): Promise<void>;
}

/**
 * The inbox that `nats.conf` keeps for the user of this address alone: users of one account would overhear each other's
 * answers in a common one. Where the login is a file, the address names the user without a password.
 */
export function ownInbox(url: string, security: HubSecurity = {}): string {
  const { user, facts } = parseAddress(url);
  if (!facts.hasPassword && !isLoginByFile(security)) return '_INBOX';
  return USER_AS_TOKEN.test(user) ? `inbox.${user}` : '_INBOX';
}

/** Connects. Throws {@link ConnectError}; once connected, outages are survived. */
export async function connectToHub(options: ConnectOptions): Promise<HubConnection> {
  const { security = {} } = options;
  const address = parseAddress(options.url);
  const settings: ConnectionOptions = {
    servers: address.servers,
    ...(isLoginByFile(security) ? {} : loginOf(address)),
    ...checkedSecurity(security, address.facts),
    name: options.name,
    inboxPrefix: options.inboxPrefix ?? '_INBOX',
    timeout: DIAL_TIMEOUT_MS,
    maxReconnectAttempts: -1,
    reconnectTimeWait: RECONNECT_WAIT_MS,
    pingInterval: PING_INTERVAL_MS,
    maxPingOut: PINGS_UNANSWERED_MAX,
    // A password that is wrong for a moment, in the middle of being changed, must not end the node.
    ignoreAuthErrorAbort: true,
    noAsyncTraces: true,
  };
  try {
    const nats = await connect(settings);
    return watched(nats, () => createInbox(settings.inboxPrefix));
  } catch (error) {
    throw explained((await verdictOn(error, settings)) ?? error, address.shown);
  }
}

/** What a server ended the connection with, where the library waited in vain. */
async function verdictOn(error: unknown, { tls, servers }: ConnectionOptions): Promise<Error | null> {
  const [first] = typeof servers === 'string' ? [servers] : (servers ?? []);
  if (!(error instanceof TimeoutError) || tls === undefined || tls === null || first === undefined)
    return null;
  return tlsVerdict(first, tls);
}

function checkedSecurity(security: HubSecurity, facts: AddressFacts): ReturnType<typeof securitySettings> {
  try {
    return securitySettings(security, facts);
  } catch (error) {
    if (error instanceof SecurityError) throw new ConnectError('bad-security', error.message, error);
    throw error;
  }
}

interface Address {
  readonly servers: string[];
  /** Empty where there is none. */
  readonly user: string;
  readonly password: string;
  readonly facts: AddressFacts;
  /** The servers without credentials. */
  readonly shown: string;
}

function parseAddress(url: string): Address {
  const parts = url.split(',').map((part) => parseServer(part.trim()));
  const withUser = parts.find(({ username }) => username !== '');
  const password = decodeURIComponent(withUser?.password ?? '');
  const servers = parts.map(({ hostname, port }) => `${hostname}:${port === '' ? '4222' : port}`);
  return {
    servers,
    user: decodeURIComponent(withUser?.username ?? ''),
    password,
    facts: {
      hostnames: parts.map(({ hostname }) => hostname),
      hasPassword: password !== '',
      wantsTls: parts.some(({ protocol }) => protocol === 'tls:'),
    },
    shown: servers.join(', '),
  };
}

/** A user without a password is a token. */
function loginOf({ user, password }: Address): Pick<ConnectionOptions, 'user' | 'pass' | 'token'> {
  if (user === '') return {};
  return password === '' ? { token: user } : { user, pass: password };
}

function parseServer(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || !['nats:', 'tls:'].includes(url.protocol) || url.hostname === '') {
    // The text may hold a password, so it is not quoted.
    throw new ConnectError(
      'bad-url',
      'a NATS address looks like nats://user:password@host:4222, this one does not',
    );
  }
  return url;
}

function watched(nats: NatsConnection, newInbox: () => string): HubConnection {
  let connected = true;
  const listeners = new Set<(isConnected: boolean) => void>();
  const errorListeners = new Set<(error: Error) => void>();
  const troubleListeners = new Set<(trouble: HubTrouble) => void>();
  const tellTrouble = (trouble: HubTrouble): void => {
    for (const listener of [...troubleListeners]) listener(trouble);
  };
  guardReadLoop(nats, tellTrouble);

  function change(isConnected: boolean): void {
    if (connected === isConnected) return;
    connected = isConnected;
    for (const listener of [...listeners]) listener(isConnected);
  }

  async function watch(): Promise<void> {
    for await (const status of nats.status()) {
      if (status.type === 'disconnect' || status.type === 'close') change(false);
      if (status.type === 'staleConnection') {
        change(false);
        // The library flushes before it gives a stale connection up, which a frozen server with full buffers never lets it: it
        // would stay with that server until TCP gives up, a quarter of an hour later, and then send what it has kept.
        breakConnection(nats);
      }
      if (status.type === 'reconnect') change(true);
      if (status.type === 'error') for (const listener of [...errorListeners]) listener(status.error);
    }
    change(false);
  }
  void watch();

  return {
    nats,
    isConnected: () => connected && !nats.isClosed(),
    onChange: (listener) => added(listeners, listener),
    onServerError: (listener) => added(errorListeners, listener),
    onTrouble: (listener) => added(troubleListeners, listener),
    trouble: tellTrouble,
    newInbox,
    close: () => nats.close(),
  };
}

function added<T>(set: Set<T>, item: T): () => void {
  set.add(item);
  return () => void set.delete(item);
}

function explained(error: unknown, shown: string): ConnectError {
  if (error instanceof ConnectError) return error;
  const insecurity = tlsProblem(error);
  if (insecurity !== null)
    return new ConnectError('insecure', `the NATS server at ${shown} ${insecurity}`, error);
  if (error instanceof AuthorizationError) {
    return new ConnectError(
      'unauthorized',
      `the NATS server at ${shown} refused the user or the password`,
      error,
    );
  }
  if (error instanceof TimeoutError) {
    const seconds = String(DIAL_TIMEOUT_MS / 1_000);
    return new ConnectError(
      'timeout',
      `the NATS server at ${shown} did not answer within ${seconds} s`,
      error,
    );
  }
  const message = error instanceof Error ? error.message : String(error);
  if (message.includes('refused')) {
    return new ConnectError('refused', `no NATS server accepts connections at ${shown}`, error);
  }
  return new ConnectError('failed', `cannot connect to the NATS server at ${shown}: ${message}`, error);
}
