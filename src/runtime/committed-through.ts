/**
 * How far a stream of reports is of no more use to the runtime: up to there every partition has committed what it holds. Only that
 * may be taken from it.
 */
import type { Lease } from './ports.ts';

/** The sequence, in the stream of this name that was `made`; 0 where a partition's position does not count in that one. */
export function committedThrough(
  leases: readonly Pick<Lease, 'positions' | 'backlog'>[],
  { stream, made }: { readonly stream: string; readonly made: string },
): number {
  const through = leases.map(({ positions, backlog }) => {
    const own = positions.find((one) => one.stream === stream);
    if (own?.made !== made) return 0;
    const waiting = backlog.filter((range) => range.stream === stream).map(({ from }) => from - 1);
    return Math.min(own.position, ...waiting);
  });
  return through.length === 0 ? 0 : Math.min(...through);
}
