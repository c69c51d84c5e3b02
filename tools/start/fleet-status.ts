/** One line about the fleet, from `GET /v1/fleet`: what anybody could ask. */

interface FleetCounts {
  readonly devices: number;
  readonly kinds: readonly {
    readonly kind: string;
    readonly shownStates: Readonly<Record<string, number>>;
  }[];
}

/** `fleet     53 twins: car 14 available, 6 rented; ...`. Rejects when HTTP does not answer. */
async function fleetStatus(httpUrl: string): Promise<string> {
  const response = await fetch(`${httpUrl}/v1/fleet`);
  if (!response.ok) throw new Error(`GET /v1/fleet answered ${String(response.status)}`);
  const { devices, kinds } = (await response.json()) as FleetCounts;
  const parts = kinds.map(({ kind, shownStates }) => {
    const counts = Object.entries(shownStates).map(([state, count]) => `${String(count)} ${state}`);
    return `${kind}: ${counts.join(', ')}`;
  });
  return `fleet     ${String(devices)} twins; ${parts.join('; ')}`;
}

/** How often the fleet's state is shown, ms. */
const STATUS_MS = 15_000;

/** Shows now and then how the fleet stands, until the function that it returns is called. */
export function showStatus(httpUrl: string, say: (line: string) => void): () => void {
  const timer = setInterval(() => {
    fleetStatus(httpUrl).then(say, () => undefined);
  }, STATUS_MS);
  return () => clearInterval(timer);
}
