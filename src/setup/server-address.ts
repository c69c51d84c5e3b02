/** An address of a server with credentials, as far as it tells whether strangers can reach the server, and guess the way in. */
import { isLoopback } from '../http/loopback.ts';

/** What an address tells. */
export interface ServerAddress {
  /** Names and addresses of the servers, without ports. */
  readonly hosts: readonly string[];
  readonly user: string;
  /** The password is the name of the user, as those of the development servers are. */
  readonly isPasswordUser: boolean;
}

/** Reads an address, or several of one cluster with commas between them. What is no address has no hosts. */
export function serverAddress(text: string): ServerAddress {
  const urls = text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => URL.canParse(part))
    .map((part) => new URL(part));
  const { username = '', password = '' } = urls.find((url) => url.username !== '') ?? {};
  return {
    hosts: urls.map(({ hostname, searchParams }) =>
      hostname === '' ? (searchParams.get('host') ?? '') : hostname,
    ),
    user: decoded(username),
    isPasswordUser: password !== '' && password === username,
  };
}

/** Whether whoever listens at one of these hosts can be reached from another machine. A path is a socket of this one. */
export function isReachable(hosts: readonly string[]): boolean {
  return hosts.some((host) => host !== '' && !host.startsWith('/') && !isLoopback(host));
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
