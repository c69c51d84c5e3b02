/** The worlds in which the bus's contract is kept: the hub in memory, and the real one behind a link. */
import { jetstreamManager } from '@nats-io/jetstream';
import { NoRespondersError, RequestError, TimeoutError } from '@nats-io/nats-core';
import { MemoryBus } from '../../src/memory/bus.ts';
import { MemoryHub } from '../../src/memory/hub.ts';
import { MemoryLink } from '../../src/memory/link.ts';
import { type BusNotice, NatsBus } from '../../src/nats/bus.ts';
import { connectToHub, type HubConnection } from '../../src/nats/connect.ts';
import { prepareHub } from '../../src/nats/hub.ts';
import type { StreamMessage } from '../../src/nats/stream-message.ts';
import { StreamReader } from '../../src/nats/stream-reader.ts';
import { streamSource } from '../../src/nats/stream-source.ts';
import type { Bus } from '../../src/runtime/ports.ts';
import { systemClock } from '../../src/system/system-clock.ts';
import { SERVICE_ERROR_HEADERS, type ServiceError } from '../../src/wire/service-error.ts';
import { deviceCommand, STREAMS } from '../../src/wire/subjects.ts';
import type { Hub } from '../../tools/dev/hub.ts';
import { startLink } from '../servers/link.ts';
import { type KeptStore, startHub, type Temporary } from '../servers/servers.ts';

/** What a backend gets for a request. */
export type Answer =
  | { readonly type: 'reply'; readonly payload: Uint8Array; readonly error: ServiceError | null }
  | { readonly type: 'no-responders' }
  | { readonly type: 'timeout' };

/** What a test of the bus can do to the world around it. */
export interface BusWorld {
  readonly bus: Bus & { stop(): void };
  /** Of another node. */
  readonly otherBus: Bus & { stop(): void };
  /** A backend asks. */
  request(subject: string, payload: Uint8Array, timeoutMs?: number): Promise<Answer>;
  /** A device listens in its site; resolves when the hub knows. */
  onCommand(site: 'depot' | 'harbour', device: string, handle: (payload: Uint8Array) => void): Promise<void>;
  /** What a stream holds, in order. */
  stored(
    stream: 'changes' | 'deadLetters',
  ): Promise<readonly { readonly subject: string; readonly text: string }[]>;
  /** Resolves when the hub has taken in everything that the bus handed over before. */
  settled(): Promise<void>;
  /** Takes the hub away from the bus, and gives it back; resolves when the bus knows. */
  cut(): Promise<void>;
  heal(): Promise<void>;
  end(): Promise<void>;
}

const text = (payload: Uint8Array): string => new TextDecoder().decode(payload);

/** In memory. */
export async function memoryWorld(): Promise<BusWorld> {
  const hub = new MemoryHub(systemClock);
  const link = new MemoryLink(systemClock);
  const otherLink = new MemoryLink(systemClock);
  const backendLink = new MemoryLink(systemClock);
  return {
    bus: new MemoryBus({ hub, link, clock: systemClock }),
    otherBus: new MemoryBus({ hub, link: otherLink, clock: systemClock }),
    request: async (subject, payload, timeoutMs = 5_000) => {
      const answer = await hub.request(backendLink, subject, payload, timeoutMs);
      if (answer.type === 'disconnected') throw new Error('the backend is never cut off here');
      return answer;
    },
    onCommand: async (site, device, handle) => void hub.onCommand(site, device, handle),
    stored: async (stream) =>
      hub[stream].messages.map(({ subject, payload }) => ({ subject, text: text(payload) })),
    settled: () => new Promise((resolve) => void link.send('publication', resolve)),
    cut: async () => link.cut(),
    heal: async () => link.heal(),
    end: async () => undefined,
  };
}

/** A world on a real hub, for tests that know more of it than the contract. */
export interface NatsBusWorld extends BusWorld {
  readonly hub: Hub & Temporary & KeptStore;
  readonly runtime: HubConnection;
  readonly backend: HubConnection;
  readonly bus: NatsBus;
  readonly notices: readonly BusNotice[];
}

/** On a real hub, which the bus reaches through a link that can be cut. */
export async function natsWorld(): Promise<NatsBusWorld> {
  const hub = await startHub();
  const link = await startLink();
  link.leadTo(`127.0.0.1:${String(hub.ports.client)}`);
  const runtime = await connectToHub({ url: `nats://runtime:runtime@${link.address}`, name: 'runtime' });
  await prepareHub(runtime);
  const other = await connectToHub({ url: hub.url('runtime'), name: 'another node' });
  const backend = await connectToHub({ url: hub.url('backend'), name: 'backend' });
  const sites = {
    depot: await connectToHub({ url: hub.url('depot'), name: 'depot' }),
    harbour: await connectToHub({ url: hub.url('harbour'), name: 'harbour' }),
  };
  const notices: BusNotice[] = [];
  const onNotice = (notice: BusNotice): void => void notices.push(notice);
  const bus = new NatsBus({ hub: runtime, requests: runtime, onNotice });
  const otherBus = new NatsBus({ hub: other, requests: other, onNotice });
  return {
    hub,
    runtime,
    backend,
    notices,
    bus,
    otherBus,
    request: (subject, payload, timeoutMs) => requestOver(backend, subject, payload, timeoutMs),
    onCommand: async (site, device, handle) => {
      sites[site].nats.subscribe(deviceCommand(device), { callback: (_error, { data }) => handle(data) });
      await sites[site].nats.flush();
    },
    stored: (stream) => everythingIn(stream === 'changes' ? backend : other, STREAMS[stream]),
    settled: () => runtime.nats.flush(),
    cut: () => changed(runtime, false, () => link.cut()),
    heal: () => changed(runtime, true, () => link.heal()),
    end: async () => {
      bus.stop();
      otherBus.stop();
      await Promise.all(
        [runtime, other, backend, sites.depot, sites.harbour].map((connection) => connection.close()),
      );
      await hub.end();
      await link.close();
    },
  };
}

async function everythingIn(
  hub: HubConnection,
  { name, subjects }: { readonly name: string; readonly subjects: readonly string[] },
): Promise<readonly { readonly subject: string; readonly text: string }[]> {
  const manager = await jetstreamManager(hub.nats, { checkAPI: false });
  const { last_seq: last } = (await manager.streams.info(name)).state;
  const messages: StreamMessage[] = [];
  let reader: StreamReader | undefined;
  await new Promise<void>((resolve, reject) => {
    if (last === 0) resolve();
    const sink = {
      deliver: async (batch: readonly StreamMessage[]) => {
        messages.push(...batch);
        if (messages.at(-1)?.sequence === last) resolve();
      },
      hearing: () => undefined,
      gone: () => undefined,
      reads: () => undefined,
      ended: reject,
    };
    const onNotice = (notice: unknown): void => reject(new Error(JSON.stringify(notice)));
    StreamReader.open({
      source: streamSource(hub),
      stream: name,
      subjects,
      isWholeStream: true,
      after: 0,
      sink,
      onNotice,
    }).then((opened) => {
      reader = opened;
    }, reject);
  });
  await reader?.stop();
  return messages.map(({ subject, payload }) => ({ subject, text: text(payload) }));
}

async function requestOver(
  { nats }: HubConnection,
  subject: string,
  payload: Uint8Array,
  timeout = 5_000,
): Promise<Answer> {
  try {
    const { data, headers } = await nats.request(subject, payload, { timeout });
    const code = headers?.get(SERVICE_ERROR_HEADERS.code) ?? '';
    const error =
      code === '' ? null : { code: Number(code), text: headers?.get(SERVICE_ERROR_HEADERS.text) ?? '' };
    return { type: 'reply', payload: data, error };
  } catch (error) {
    if (error instanceof RequestError && error.cause instanceof NoRespondersError)
      return { type: 'no-responders' };
    if (error instanceof TimeoutError) return { type: 'timeout' };
    throw error;
  }
}

/** Does something to the link and waits until the connection knows. */
async function changed(hub: HubConnection, isConnected: boolean, act: () => void): Promise<void> {
  if (hub.isConnected() === isConnected) {
    act();
    return;
  }
  const known = new Promise<void>((resolve, reject) => {
    const timer = setTimeout(() => {
      reject(new Error(`waited for the connection to be ${isConnected ? 'up' : 'down'}`));
    }, 20_000);
    const unlisten = hub.onChange((now) => {
      if (now !== isConnected) return;
      clearTimeout(timer);
      unlisten();
      resolve();
    });
  });
  act();
  await known;
}
