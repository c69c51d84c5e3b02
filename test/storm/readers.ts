/**
 * Who follows what becomes known in a storm: `watch` of the client and server-sent events. Each goes on where it was, whatever breaks, and writes
 * down what it was told.
 */
import type { Corral, Watch, WatchEvent } from '../../src/client/corral.ts';
import { readPlace } from '../../src/wire/change-place.ts';
import { readEvents, type ServerSent } from './http.ts';
import type { ReaderRecord, StormRecord } from './record.ts';

/** A reader at work. */
export interface StormReader {
  /** Goes away, and comes back for what it has not been told. */
  leave(): void;
  stop(): Promise<void>;
}

/** What a reader is made of. */
interface ReaderOptions {
  readonly name: string;
  readonly devices: readonly string[] | null;
  readonly record: StormRecord;
}

/** Follows with `watch`. It is there when this resolves. */
export async function startWatching(
  corral: Corral,
  { name, devices, record }: ReaderOptions,
): Promise<StormReader> {
  const reader: ReaderRecord = { name, devices, from: 0, told: [], words: [] };
  record.readers.push(reader);
  let place: string | null = null;
  let hasStopped = false;
  const isStopped = (): boolean => hasStopped;
  const open = (): Promise<Watch> =>
    corral.watch({ ...(devices === null ? {} : { devices }), ...(place === null ? {} : { after: place }) });
  let watch = await open();
  const follow = async (): Promise<void> => {
    // The client promises to go on by itself, through whatever happens to its connection.
    while (!isStopped()) {
      for await (const event of watch) {
        place = event.place;
        tell(reader, event, record);
        if (isStopped()) return;
      }
      if (isStopped()) return;
      record.note(name, `comes back for what is after ${String(place)}`);
      // A place needs no hub to be watched from: only who has none asks it where now is.
      watch = await open();
    }
  };
  const following = follow().catch((error: unknown) =>
    record.fault(`${name} ended: ${String(error)}, ${String((error as Error).cause)}`),
  );
  return {
    leave: () => {
      // Where it has been told nothing yet, there is no place to come back to.
      if (place !== null) void watch.stop();
    },
    stop: async () => {
      hasStopped = true;
      await watch.stop();
      await following;
    },
  };
}

function tell(reader: ReaderRecord, event: WatchEvent, record: StormRecord): void {
  const at = Date.now();
  if (event.type === 'gone') {
    reader.words.push({ at, text: `gone from ${event.from} to ${event.to}` });
    return;
  }
  const { type, device, partition, no, sequence } = event;
  reader.told.push({ at, type, device, partition, no, sequence });
  if (type !== 'changed') return;
  const { version } = event.twin;
  record.versions.push({ device, version, by: reader.name, askedAt: Infinity, at });
}

/** What reading server-sent events takes besides. */
export interface EventReaderOptions extends ReaderOptions {
  /** Of each node, by its way. */
  readonly httpUrls: () => readonly string[];
}

/** Before it comes back, ms. */
const AGAIN_MS = 100;

/** Follows with server-sent events of one node after the other. It is there when this resolves. */
export async function startReadingEvents(options: EventReaderOptions): Promise<StormReader> {
  const { name, devices, record, httpUrls } = options;
  const reader: ReaderRecord = { name, devices, from: null, told: [], words: [] };
  record.readers.push(reader);
  const path = devices === null ? '/v1/events' : `/v1/devices/${devices[0]!}/events`;
  let lastId: string | null = null;
  let hasStopped = false;
  const isStopped = (): boolean => hasStopped;
  let leaving = new AbortController();
  let isThere: () => void = () => undefined;
  const there = new Promise<void>((resolve) => (isThere = resolve));
  const take = ({ id, event, data }: ServerSent): void => {
    lastId = id ?? lastId;
    const at = Date.now();
    if (event === 'open') {
      reader.from ??= sequenceOf(id);
      isThere();
    }
    if (event === 'gone') reader.words.push({ at, text: `gone ${JSON.stringify(data)}` });
    if (!['open', 'gone', 'slow'].includes(event)) {
      const { device, partition, no } = data as { device: string; partition: number; no: number };
      reader.told.push({ at, type: event, device, partition, no, sequence: sequenceOf(id) });
    }
  };
  const follow = async (): Promise<void> => {
    for (let turn = 0; !isStopped(); turn += 1) {
      const urls = httpUrls();
      const url = `${urls[turn % urls.length]!}${path}`;
      const why = await readEvents(url, { lastId, signal: leaving.signal }, take);
      record.note(name, `comes back after ${String(lastId)}: ${why}`);
      leaving = new AbortController();
      if (!isStopped()) await new Promise((resolve) => void setTimeout(resolve, AGAIN_MS));
    }
  };
  const following = follow();
  await there;
  return {
    leave: () => leaving.abort(),
    stop: async () => {
      hasStopped = true;
      leaving.abort();
      await following;
    },
  };
}

/** Where in the stream an id is. */
function sequenceOf(id: string | null): number {
  return readPlace(id ?? '')?.sequence ?? NaN;
}
