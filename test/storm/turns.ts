/**
 * Time as this process has it. A machine may be as busy as it likes: a turn counts for as much as it should take, however long it takes, so that what
 * happens meanwhile has as many turns as on an idle one.
 */

/** The longest turn, ms. */
const TURN_MS = 25;

/** Resolves when so many ms of turns are over; `isWanted` ends it earlier. */
export async function pauseInTurns(ms: number, isWanted: () => boolean = () => true): Promise<void> {
  for (let leftMs = ms; leftMs > 0 && isWanted(); leftMs -= TURN_MS)
    await new Promise((resolve) => void setTimeout(resolve, Math.min(TURN_MS, leftMs)));
}
