/**
 * How a connection to the hub knows whom it speaks to (TLS), and proves who it is by more than a password: files that are
 * named by whoever starts the program. What is wrong with them is one sentence, which never quotes what is in them.
 *
 * The files are read again for every connection, so that certificates and credentials can be renewed under a node that runs.
 */
import {
  type Authenticator,
  type ConnectionOptions,
  credsAuthenticator,
  nkeyAuthenticator,
} from '@nats-io/nats-core';
import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { checkServerIdentity, type PeerCertificate } from 'node:tls';

/** Files by their paths; what is not given is not used. */
export interface HubSecurity {
  /** The authorities that may have signed the hub's certificate, PEM. Default: those that this machine trusts. */
  readonly caFile?: string;
  /** Our own certificate, PEM, where the hub asks for one (`verify`); with its key. */
  readonly certFile?: string;
  readonly keyFile?: string;
  /** A login by a JWT and its seed, as `nsc` writes it: a creds file. */
  readonly credsFile?: string;
  /** A login by an nkey: a file that holds the seed of a user, `SU...`. */
  readonly nkeyFile?: string;
}

/** A file that cannot be used, or files that do not go together. The message is one sentence. */
export class SecurityError extends Error {
  override readonly name = 'SecurityError';
}

/** What the environment says: `CORRAL_NATS_CA`, `_CERT`, `_KEY`, `_CREDS` and `_NKEY`. An empty value is none. */
export function securityFrom(env: Readonly<Record<string, string | undefined>>): HubSecurity {
  const variables = {
    caFile: env.CORRAL_NATS_CA,
    certFile: env.CORRAL_NATS_CERT,
    keyFile: env.CORRAL_NATS_KEY,
    credsFile: env.CORRAL_NATS_CREDS,
    nkeyFile: env.CORRAL_NATS_NKEY,
  };
  return Object.fromEntries(
    Object.entries(variables).filter(([, path]) => path !== undefined && path !== ''),
  );
}

/** What the address says itself. */
export interface AddressFacts {
  /** As the servers are named in it. */
  readonly hostnames: readonly string[];
  /** A user without one is no login where a file is: it only says whose inbox it is. */
  readonly hasPassword: boolean;
  readonly wantsTls: boolean;
}

/** Whether a file is the login, so that none stands in the address. */
export function isLoginByFile({ credsFile, nkeyFile }: HubSecurity): boolean {
  return credsFile !== undefined || nkeyFile !== undefined;
}

/** What the client library has to be told. Throws {@link SecurityError}. */
export function securitySettings(
  security: HubSecurity,
  address: AddressFacts,
): Pick<ConnectionOptions, 'tls' | 'authenticator'> {
  checkTogether(security, address);
  const { caFile, certFile, keyFile } = security;
  if (caFile !== undefined) certificateIn('CA', caFile);
  if (certFile !== undefined && keyFile !== undefined) checkPair(certFile, keyFile);
  const login = authenticatorOf(security);
  const isTls = address.wantsTls || caFile !== undefined || certFile !== undefined;
  const files = {
    ...(caFile === undefined ? {} : { caFile }),
    ...(certFile === undefined ? {} : { certFile }),
    ...(keyFile === undefined ? {} : { keyFile }),
  };
  return {
    ...(isTls ? { tls: { ...files, ...identityCheck(address.hostnames) } } : {}),
    ...(login === null ? {} : { authenticator: login }),
  };
}

function checkTogether(security: HubSecurity, { hasPassword }: AddressFacts): void {
  const { certFile, keyFile, credsFile, nkeyFile } = security;
  if (certFile !== undefined && keyFile === undefined)
    throw new SecurityError(
      'there is a certificate file and no key file: the certificate needs its private key',
    );
  if (keyFile !== undefined && certFile === undefined)
    throw new SecurityError('there is a key file and no certificate file: the key belongs to a certificate');
  const logins = [
    ...(hasPassword ? ['a password in the address'] : []),
    ...(credsFile === undefined ? [] : ['a creds file']),
    ...(nkeyFile === undefined ? [] : ['an nkey file']),
  ];
  if (logins.length > 1)
    throw new SecurityError(`there are two logins (${logins.join(' and ')}): one of them has to go`);
}

/**
 * The client library tells TLS no name where an address is an IP, and Node then takes the certificate for one of "localhost":
 * any certificate of that name would do, and the right one would not. So such a certificate has to be for one of the servers
 * that the address names.
 */
function identityCheck(hostnames: readonly string[]): NonNullable<ConnectionOptions['tls']> {
  const check = (name: string, certificate: PeerCertificate): Error | undefined => {
    if (name !== 'localhost') return checkServerIdentity(name, certificate);
    const problems = hostnames.map((hostname) =>
      checkServerIdentity(hostname.replace(/^\[|\]$/g, ''), certificate),
    );
    return problems.includes(undefined) ? undefined : problems[0];
  };
  // The library hands its TLS options to Node as they are, and its types know some of them only.
  return { checkServerIdentity: check } as NonNullable<ConnectionOptions['tls']>;
}

function checkPair(certFile: string, keyFile: string): void {
  const certificate = certificateIn('certificate', certFile);
  let key: KeyObject;
  try {
    key = createPrivateKey(contentOf('key', keyFile));
  } catch (cause) {
    if (cause instanceof SecurityError) throw cause;
    throw new SecurityError(
      `the key file ${keyFile} holds no private key in PEM form that can be read without a password`,
    );
  }
  if (!certificate.checkPrivateKey(key))
    throw new SecurityError(`the key in ${keyFile} is not the one of the certificate in ${certFile}`);
}

/** The first certificate of a file. */
function certificateIn(what: string, path: string): X509Certificate {
  const content = contentOf(what, path);
  try {
    return new X509Certificate(content);
  } catch {
    throw new SecurityError(`the ${what} file ${path} holds no certificate in PEM form`);
  }
}

function authenticatorOf({ credsFile, nkeyFile }: HubSecurity): Authenticator | null {
  if (credsFile !== undefined) return credsAuthenticator(kept('creds', credsFile, checkedCreds));
  if (nkeyFile !== undefined) return nkeyAuthenticator(kept('nkey', nkeyFile, checkedSeed));
  return null;
}

/**
 * Reads and checks now, and again whenever the library logs in. A file that is unfit at that moment, because it is being
 * replaced, does not end the reconnecting: the login is tried with what was right before.
 */
function kept(
  what: string,
  path: string,
  checked: (content: Buffer, path: string) => Buffer,
): () => Uint8Array {
  let last = checked(contentOf(what, path), path);
  return () => {
    try {
      last = checked(contentOf(what, path), path);
    } catch (error) {
      if (!(error instanceof SecurityError)) throw error;
    }
    return last;
  };
}

/** `nsc` writes the JWT and the seed between lines of dashes. */
function checkedCreds(content: Buffer, path: string): Buffer {
  const text = content.toString('utf8');
  const isRight =
    /-BEGIN NATS USER JWT-+\r?\n\s*eyJ[\w.-]+\s*\r?\n-/.test(text) &&
    /\r?\n\s*SU[A-Z2-7]{56}\s*\r?\n-/.test(text);
  if (isRight) return content;
  throw new SecurityError(`the creds file ${path} does not hold a user's JWT and seed, as nsc writes them`);
}

function checkedSeed(content: Buffer, path: string): Buffer {
  const seed = content.toString('utf8').trim();
  if (/^SU[A-Z2-7]{56}$/.test(seed)) return Buffer.from(seed);
  throw new SecurityError(`the nkey file ${path} does not hold the seed of a user, which begins with SU`);
}

/** Why a file cannot be read, by the codes that systems give. */
const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EACCES: 'this user may not read it',
  EISDIR: 'it is a folder',
};

function contentOf(what: string, path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (cause) {
    const { code = 'unknown' } = cause as NodeJS.ErrnoException;
    throw new SecurityError(`the ${what} file ${path} cannot be read: ${REASONS[code] ?? code}`, { cause });
  }
}
