/**
 * Names of this machine alone. A page in a browser on the same machine could be made to ask a loopback address under another name (DNS
 * rebinding), so where no token protects a node, every name that a request gives for it has to be one of these.
 */
import { isIP } from 'node:net';
import type { IncomingMessage } from 'node:http';

/** Whether a host name or address is one of this machine alone. */
export function isLoopback(host: string): boolean {
  const name = host.replace(/^\[|\]$/g, '').toLowerCase();
  if (isIP(name) === 4) return name.startsWith('127.');
  return name === '::1' || name === 'localhost' || name.endsWith('.localhost');
}

/** An address as it stands on a connection, where IPv4 may be written in IPv6. */
export function isLoopbackAddress(address: string | undefined): boolean {
  return address !== undefined && isLoopback(address.replace(/^::ffff:/i, ''));
}

/** A target in absolute form (RFC 9112, 3.2.2): its authority, without a user, and the rest. */
const ABSOLUTE_TARGET = /^[a-z][a-z0-9+.-]*:\/\/(?:[^/?#]*@)?([^/?#@]*)(.*)$/i;

/** The path and query of a target, however it names the node. */
export function originForm(target: string): string {
  const [, authority, rest = ''] = ABSOLUTE_TARGET.exec(target) ?? [];
  if (authority === undefined) return target;
  return rest.startsWith('/') ? rest : `/${rest}`;
}

/** Every name under which a request asks for the node, without ports: those of each `Host`, and that of an absolute target. */
export function hostsAskedFor(
  { rawHeaders }: Pick<IncomingMessage, 'rawHeaders'>,
  target: string,
): readonly string[] {
  const named = rawHeaders.filter(
    (_, index) => index % 2 === 1 && rawHeaders[index - 1]?.toLowerCase() === 'host',
  );
  const authority = ABSOLUTE_TARGET.exec(target)?.[1];
  return [...named, ...(authority === undefined ? [] : [authority])].map(withoutPort);
}

function withoutPort(host: string): string {
  return /^(\[[^\]]*\]|[^:]*)(?::\d*)?$/.exec(host)?.[1] ?? host;
}
