/**
 * What may be said of a remote start, and when the next one may be sent on: the rules of docs/protocol.md ("Gateways") that hold whatever is
 * lost, forgotten or set back meanwhile.
 */
import { NO_SESSION, type RemoteStart } from './station.ts';

/** What became of a start, in whatever time: the same for all of one station. */
export type TrueCourse = Pick<
  RemoteStart,
  'id' | 'without' | 'sentAt' | 'sessionAt' | 'overAt' | 'endedWithSession'
>;

/** Why an outcome is not so, of a start that was sent on to the station, or of one that was not; `null` where it is. */
export function wrongWord(
  { outcome, reason }: { readonly outcome: string; readonly reason: string | null },
  start: Pick<TrueCourse, 'without' | 'sessionAt' | 'endedWithSession'> | null,
): string | null {
  switch (outcome) {
    case 'done':
      return start !== null && start.sessionAt !== null ? null : 'no session began';
    case 'expired':
      return start === null ? null : 'it was sent on to the station';
    case 'rejected':
      if (reason === NO_SESSION) return start?.without === 'told' ? null : 'the station has not said that';
      return start === null ? null : 'it was sent on to the station';
    case 'unknown':
      return reason !== 'interrupted' || start?.endedWithSession === true ? null : 'its session went on';
    default:
      return null;
  }
}

/** A start was sent on although the one before it could still take effect, and nobody had given that up: two people are given one bay. */
export function sentTooEarly(
  starts: readonly TrueCourse[],
  givenUpAt: ReadonlyMap<string, number>,
): readonly string[] {
  const inOrder = starts.toSorted((one, other) => one.sentAt - other.sentAt);
  return inOrder.flatMap((start, index) =>
    inOrder
      .slice(0, index)
      .filter(({ id, overAt }) => start.sentAt < Math.min(overAt ?? Infinity, givenUpAt.get(id) ?? Infinity))
      .map(({ id }) => `${start.id} was sent on to the station while ${id} could still take effect`),
  );
}
