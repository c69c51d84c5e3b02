/**
 * What a server says of our certificate. In TLS 1.3 it says so after the handshake has succeeded at our side, and the client
 * library then forgets the error and waits until its time is over. So a connection that ended like that is made once more by
 * hand, as far as the verdict.
 */
import type { TlsOptions } from '@nats-io/nats-core';
import { readFileSync } from 'node:fs';
import { connect as connectTcp, isIP, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';

/** How long the server may take for all of it, ms; then there is no verdict. */
const VERDICT_MS = 3_000;

/** The error with which the server at `host:port` ends a TLS connection, or `null` where it does not, or is not reached. */
export function tlsVerdict(server: string, options: TlsOptions): Promise<Error | null> {
  const { hostname, port } = new URL(`nats://${server}`);
  const host = hostname.replace(/^\[|\]$/g, '');
  const socket = connectTcp({ host, port: Number(port) });
  return new Promise<Error | null>((resolve) => {
    socket.setTimeout(VERDICT_MS, () => {
      resolve(null);
    });
    socket.on('error', () => {
      resolve(null);
    });
    // A server of NATS speaks first, in the clear, and then waits for the handshake.
    socket.once('data', () => {
      secure(socket, host, options, resolve);
    });
  }).finally(() => socket.destroy());
}

function secure(
  socket: Socket,
  host: string,
  options: TlsOptions,
  tell: (verdict: Error | null) => void,
): void {
  const { caFile, certFile, keyFile, ...others } = options;
  const secured = connectTls({
    ...others,
    socket,
    ...(isIP(host) === 0 ? { servername: host } : {}),
    ...(caFile === undefined ? {} : { ca: readFileSync(caFile) }),
    ...(certFile === undefined ? {} : { cert: readFileSync(certFile) }),
    ...(keyFile === undefined ? {} : { key: readFileSync(keyFile) }),
  });
  secured.on('error', tell);
  secured.once('close', () => {
    tell(null);
  });
  // It answers whoever it takes.
  secured.once('secureConnect', () => secured.write('PING\r\n'));
  secured.once('data', () => {
    tell(null);
  });
}
