/**
 * Who counts as one among those that are known by their address alone.
 */
import { isIPv6 } from 'node:net';
import { isLoopbackAddress } from './loopback.ts';

/** This machine as a whole, an IPv4 address, or the /64 of IPv6 that one subscriber is given (RFC 6177). */
export function addressBlock(address: string | undefined): string {
  if (address === undefined) return 'nobody';
  if (isLoopbackAddress(address)) return 'this machine';
  const plain = address.replace(/^::ffff:(?=\d+\.)/i, '');
  if (!isIPv6(plain)) return plain;
  const [head = ''] = plain.toLowerCase().split('::');
  const groups = head.split(':').filter((group) => group !== '');
  return `${[...groups, '0', '0', '0', '0'].slice(0, 4).join(':')}::/64`;
}
