/**
 * How the positions of a lease stand in its row: as one object by the names of streams, so that a commit sends only those that moved.
 */
import type { StreamPosition } from '../runtime/ports.ts';

/** As the driver reads it. */
export type PositionsRow = Readonly<Record<string, Omit<StreamPosition, 'stream'>>>;

/** A lease row with its positions as the runtime knows them. */
export function readPositions<Row extends { readonly positions: PositionsRow }>(
  row: Row,
): Omit<Row, 'positions'> & { readonly positions: readonly StreamPosition[] } {
  const positions = Object.entries(row.positions).map(([stream, position]) => ({ stream, ...position }));
  return { ...row, positions };
}

/** What is laid over the positions of a row. */
export function writePositions(moved: readonly StreamPosition[]): string {
  return JSON.stringify(Object.fromEntries(moved.map(({ stream, ...position }) => [stream, position])));
}
