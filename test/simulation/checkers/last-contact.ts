import type { Evidence } from '../world/evidence.ts';
import { WORLD_BEGINS } from '../world/world.ts';
import type { Checker, Flaw } from './checker.ts';
import { parseReportSubject } from '../../../src/wire/subjects.ts';

/** Streams stamp to the ms, and documents hold whole ms. */
const WHOLE_MS = 2;

/** When a device was heard last is when the hub heard it, and not when somebody came to decide on that. */
export const lastContact: Checker = {
  name: 'last-contact',
  sentence:
    'what a document calls the last contact is a time at which the hub stored something of the device',
  check: (evidence) => {
    const { record, serverClocks, hubOffsetMs, weather } = evidence;
    const heard = storedByDevice(evidence);
    const mostMs = weather.limits.serverErrorMs + WHOLE_MS;
    return record.said.flatMap(({ request, body, at, node, atServer }): Flaw[] => {
      if (request.operation !== 'get' || body.outcome !== undefined || body.lastContact === null) return [];
      const { device } = request;
      const told = Number(body.lastContact);
      const offMs = nearest(heard.get(device) ?? [], told) - told;
      // A node whose clock is behind calls nothing later than its own time (`wrong-clock` judges it).
      const isClockRight = serverClocks
        .get(node)
        ?.offsetsBetween(WORLD_BEGINS, at)
        .every((offset) => Math.abs(offset - hubOffsetMs) <= mostMs);
      if (Math.abs(offMs) <= mostMs || isClockRight !== true) return [];
      const text = `${node} says at ${atServer} that it was heard last at ${told}; what the hub stored nearest is ${offMs} ms off`;
      return [{ at, device, text }];
    });
  },
};

/** When the hub stored something of each device, in order. */
function storedByDevice({ streams, record }: Evidence): ReadonlyMap<string, readonly number[]> {
  const times = new Map<string, number[]>();
  const lost = record.hubLosses.flatMap(({ reports }) => reports);
  for (const { subject, storedAt } of [...streams.reports, ...lost]) {
    const device = parseReportSubject(subject)?.device ?? '';
    const known = times.get(device);
    if (known === undefined) times.set(device, [storedAt]);
    else known.push(storedAt);
  }
  for (const known of times.values()) known.sort((a, b) => a - b);
  return times;
}

/** The nearest of some numbers in order; `Infinity` where there is none. */
function nearest(sorted: readonly number[], to: number): number {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (sorted[middle]! < to) low = middle + 1;
    else high = middle;
  }
  const [before, after] = [sorted[low - 1] ?? Infinity, sorted[low] ?? Infinity];
  return Math.abs(before - to) < Math.abs(after - to) ? before : after;
}
