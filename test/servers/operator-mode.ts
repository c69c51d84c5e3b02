/** A NATS server in operator mode with one account: what a login by creds needs. JWTs as nsc makes them, without nsc. */
import { randomUUID } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createAccount, createOperator, createUser, type KeyPair } from '@nats-io/nkeys';

/** An operator with one account. */
export interface OperatorMode {
  /** Writes the server's configuration into `folder`, and gives back its path; it wants to know LISTEN and MONITOR. */
  readonly writeConfig: (folder: string) => string;
  /** The creds file of a new user of the account. */
  readonly creds: () => string;
}

/** Draws the keys, and signs what they say of each other. */
export function encodeOperator(): OperatorMode {
  const [operator, account] = [createOperator(), createAccount()];
  const operatorJwt = signed(operator, operator.getPublicKey(), { type: 'operator', version: 2 });
  const accountJwt = signed(operator, account.getPublicKey(), {
    type: 'account',
    version: 2,
    limits: {
      subs: -1,
      data: -1,
      payload: -1,
      imports: -1,
      exports: -1,
      wildcards: true,
      conn: -1,
      leaf: -1,
    },
  });
  return {
    writeConfig: (folder) => {
      const file = join(folder, 'operator.conf');
      const preload = `{ ${account.getPublicKey()}: "${accountJwt}" }`;
      const lines = ['listen: $LISTEN', 'http: $MONITOR', `operator: "${operatorJwt}"`];
      writeFileSync(file, [...lines, 'resolver: MEMORY', `resolver_preload: ${preload}`, ''].join('\n'));
      return file;
    },
    creds: () => {
      const user = createUser();
      const jwt = signed(account, user.getPublicKey(), {
        type: 'user',
        version: 2,
        subs: -1,
        data: -1,
        payload: -1,
      });
      const seed = Buffer.from(user.getSeed()).toString();
      return [
        '-----BEGIN NATS USER JWT-----',
        jwt,
        '------END NATS USER JWT------',
        '',
        '-----BEGIN USER NKEY SEED-----',
        seed,
        '------END USER NKEY SEED------',
        '',
      ].join('\n');
    },
  };
}

function signed(issuer: KeyPair, subject: string, nats: Readonly<Record<string, unknown>>): string {
  const encoded = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  const claims = {
    jti: randomUUID(),
    iat: Math.floor(Date.now() / 1_000),
    iss: issuer.getPublicKey(),
    sub: subject,
    nats,
  };
  const text = `${encoded({ typ: 'JWT', alg: 'ed25519-nkey' })}.${encoded(claims)}`;
  return `${text}.${Buffer.from(issuer.sign(Buffer.from(text))).toString('base64url')}`;
}
