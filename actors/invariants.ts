/**
 * Asserts what must be true of a twin after every decision and after it was read from the store (I1 to I6 in `twin.ts`).
 * A twin that breaks one is a programmer's error: it is quarantined, and the process goes on.
 */
import { COMMAND_N_MAX } from '../machines/command.ts';
import { worldState } from '../machines/statechart.ts';
import { commandThatMayStart } from './legality.ts';
import { OPEN_MAX } from './prospect.ts';
import type { Twin } from './twin.ts';

/** Thrown when a twin breaks an invariant. */
export class InvariantError extends Error {
  override readonly name = 'InvariantError';
}

/** Throws an {@link InvariantError} that names the invariant and the device. */
export function assertInvariants(twin: Twin): void {
  const { newest, clock, sequence, open } = twin;
  hold(twin, (newest === null) === (clock === null), 'I2: a newest report and a clock come together');
  if (newest !== null && clock !== null) {
    hold(twin, newest.boot === clock.boot, 'I3: the clock is that of the newest report');
    hold(twin, clock.incarnation === twin.incarnation, 'I3: the clock is of this incarnation');
    const last = sequence.ranges.length - 3;
    const isLast = sequence.ranges[last] === newest.boot && sequence.ranges[last + 2] === newest.seq;
    hold(twin, isLast, 'I4: the newest position is the last one seen');
  }
  hold(twin, twin.lastN < COMMAND_N_MAX, 'I5: a device takes the numbers that are given');
  if (open.length > 0) assertOpen(twin);
  const isDoubted = twin.suspicions.length > 0;
  const state = worldState(twin.path);
  hold(twin, !isDoubted || state === 'suspect' || state === 'offline', 'I6: a doubted state is suspect');
}

function assertOpen(twin: Twin): void {
  const { open, lastN } = twin;
  hold(twin, open.length <= OPEN_MAX, 'I5: no more than OPEN_MAX commands are open');
  const ascending = open.every((entry, index) => index === 0 || (open[index - 1]?.n ?? 0) < entry.n);
  hold(
    twin,
    ascending && (open.at(-1)?.n ?? 0) <= lastN,
    'I5: open commands are in the order of their n, at most lastN',
  );
  const startable = open.filter((entry) => entry.outcome === 'pending' && entry.notAfterUp !== null);
  hold(
    twin,
    startable.length <= 1 && startable[0] === (commandThatMayStart(twin) ?? undefined),
    'I5: one command in flight',
  );
}

function hold(twin: Twin, condition: boolean, invariant: string): void {
  if (!condition) throw new InvariantError(`twin ${twin.device} breaks ${invariant}`);
}
