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
    'what a document calls the last contact is a time at which the hub stored something of the device, or heard by a node since where the hub dated it wrong, and never in the future',
  check: (evidence) => {
    const { record, serverClocks, hubOffsetMs, weather } = evidence;
    const heard = storedByDevice(evidence);
    const mostMs = weather.limits.serverErrorMs + WHOLE_MS;
    return record.said.flatMap(({ request, body, at, node, atServer }): Flaw[] => {
      if (request.operation !== 'get' || body.outcome !== undefined || body.lastContact === null) return [];
      const { device } = request;
      const told = Number(body.lastContact);
      // A node whose clock is behind calls nothing later than its own time (`wrong-clock` judges it).
      const isClockRight = serverClocks
        .get(node)
        ?.offsetsBetween(WORLD_BEGINS, at)
        .every((offset) => Math.abs(offset - hubOffsetMs) <= mostMs);
      if (isClockRight !== true) return [];
      const what = `${node} says at ${atServer} that it was heard last at ${told}`;
      const aheadMs = told - (at + hubOffsetMs);
      if (aheadMs > mostMs) return [{ at, device, text: `${what}, which is ${aheadMs} ms later than now` }];
      const stored = heard.get(device) ?? { times: [], wrongFrom: Infinity };
      const offMs = nearest(stored.times, told) - told;
      if (Math.abs(offMs) <= mostMs || told >= stored.wrongFrom - mostMs) return [];
      return [{ at, device, text: `${what}; what the hub stored nearest is ${offMs} ms off` }];
    });
  },
};

/** What the hub stored of a device, by a clock that is right. */
interface Stored {
  /** In order. */
  readonly times: number[];
  /** From here on it is dated wrong: it counts from when a node hears it. */
  wrongFrom: number;
}

function storedByDevice({ streams, record, hubOffsetMs }: Evidence): ReadonlyMap<string, Stored> {
  const all = new Map<string, Stored>();
  const lost = record.hubLosses.flatMap(({ reports }) => reports);
  for (const message of [...streams.reports, ...lost]) {
    const device = parseReportSubject(message.subject)?.device ?? '';
    const time = (record.storedAt.get(message) ?? NaN) + hubOffsetMs;
    const stored = all.get(device) ?? { times: [], wrongFrom: Infinity };
    all.set(device, stored);
    stored.times.push(time);
    if (Math.abs(message.storedAt - time) > WHOLE_MS) stored.wrongFrom = Math.min(stored.wrongFrom, time);
  }
  for (const { times } of all.values()) times.sort((a, b) => a - b);
  return all;
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
