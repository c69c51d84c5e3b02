/**
 * Which port a server listens on. The servers are told their ports before they start, because the hub has to
 * advertise its leaf port in its own configuration, and because a restart has to come back at the same address.
 */
import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';
import { DevServerError } from './dev-server-error.ts';

/** A port that somebody asked for. */
export interface PortRequest {
  /** 1 to 65535, or 0 for any free one. */
  readonly port: number;
  /** The command line flag that sets it, for the sentence about a taken port. */
  readonly flag: string;
}

/**
 * "Any free" comes from below the range that the system takes the ports of outgoing connections from, so that no
 * connection can take the port while its server is being restarted.
 */
const anyPortMin = 15_000;
const anyPortMax = 32_000;

/** After so many taken ports something else is wrong. */
const attemptsMax = 200;

/**
 * A port on 127.0.0.1 that nobody listens on at this moment.
 *
 * @throws DevServerError `port-in-use` when the requested port is taken.
 */
export async function choosePort({ port, flag }: PortRequest): Promise<number> {
  if (port !== 0) {
    if (await isFree(port)) return port;
    throw new DevServerError(
      'port-in-use',
      `Port ${port} is in use: stop what listens there, or choose another with ${flag} (0 takes any free one).`,
    );
  }
  for (let attempt = 0; attempt < attemptsMax; attempt += 1) {
    const candidate = randomInt(anyPortMin, anyPortMax);
    if (await isFree(candidate)) return candidate;
  }
  throw new DevServerError('port-in-use', `No free port was found between ${anyPortMin} and ${anyPortMax}.`);
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE' || error.code === 'EACCES') resolve(false);
      else reject(error);
    });
    probe.listen({ port, host: '127.0.0.1', exclusive: true }, () => {
      probe.close(() => resolve(true));
    });
  });
}
