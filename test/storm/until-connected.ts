/**
 * Starts what connects to a server, as whoever keeps programs running does: again and again until it runs. What is wrong on the way is a fault that a
 * program may end of, with one sentence; anything else is thrown on.
 */

/** Before the next attempt, ms. */
const AGAIN_MS = 300;
/** What a node and a client end with when a server cannot be reached, or takes too long. */
const EXPECTED: readonly string[] = ['StartError', 'ConnectError', 'HubError'];

/** See the head of this file. */
export async function untilConnected<T>(
  start: () => Promise<T>,
  onFailure: (error: unknown) => void = () => undefined,
): Promise<T> {
  for (;;) {
    try {
      return await start();
    } catch (error) {
      if (!(error instanceof Error) || !EXPECTED.includes(error.name)) throw error;
      onFailure(error);
      await new Promise((resolve) => void setTimeout(resolve, AGAIN_MS));
    }
  }
}
