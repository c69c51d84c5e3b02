/** A hub with its streams, and connections in the roles of `nats.conf`: for tests of who may say and hear what. */
import { jetstream, jetstreamManager, type JetStreamManager } from '@nats-io/jetstream';
import type { Msg, NatsConnection } from '@nats-io/nats-core';
import { connectToHub } from '../../src/nats/connect.ts';
import { JOURNAL_API } from '../../src/nats/hub.ts';
import type { Hub, HubUser } from '../../tools/dev/hub.ts';
import { startHub, type Temporary } from './servers.ts';

/** How long a test waits for an answer, ms. */
export const ANSWER_TIMEOUT_MS = 5_000;

/** The hub, the runtime's side of it, and whoever else connects. */
export class HubRoles {
  readonly hub: Hub & Temporary;
  readonly runtime: NatsConnection;
  /** A site, connected directly. */
  readonly depot: NatsConnection;
  readonly streams: JetStreamManager;
  readonly changes: JetStreamManager;
  readonly #open: NatsConnection[] = [];

  /** Starts a hub and makes the streams. */
  static async start(): Promise<HubRoles> {
    const hub = await startHub();
    const connections = (['runtime', 'depot'] as const).map((user) =>
      connectToHub({ url: hub.url(user), name: user }),
    );
    const [runtime, depot] = (await Promise.all(connections)).map(({ nats }) => nats);
    const streams = await jetstreamManager(runtime!);
    const changes = await jetstreamManager(runtime!, { apiPrefix: JOURNAL_API, checkAPI: false });
    await streams.streams.add({ name: 'DEVICES', subjects: ['report.>'], allow_direct: true });
    await streams.streams.add({ name: 'DEADLETTER', subjects: ['deadletter.>'], allow_direct: true });
    await changes.streams.add({
      name: 'CHANGES',
      subjects: ['twin.*.changed', 'twin.*.outcome'],
      allow_direct: true,
    });
    return new HubRoles({ hub, runtime: runtime!, depot: depot!, streams, changes });
  }

  private constructor(parts: Pick<HubRoles, 'hub' | 'runtime' | 'depot' | 'streams' | 'changes'>) {
    this.hub = parts.hub;
    this.runtime = parts.runtime;
    this.depot = parts.depot;
    this.streams = parts.streams;
    this.changes = parts.changes;
    this.#open.push(parts.runtime, parts.depot);
  }

  connectAs(user: HubUser): Promise<NatsConnection> {
    return this.connectTo(this.hub.url(user), user);
  }

  async connectTo(url: string, name: string): Promise<NatsConnection> {
    const { nats } = await connectToHub({ url, name });
    this.#open.push(nats);
    return nats;
  }

  async end(): Promise<void> {
    await Promise.all(this.#open.map((connection) => connection.close()));
    await this.hub.end();
  }

  /** How many messages each stream has ever stored, and how many it holds. */
  async storedCounts(): Promise<Readonly<Record<string, number>>> {
    const [devices, deadLetters, changed] = await Promise.all([
      this.streams.streams.info('DEVICES'),
      this.streams.streams.info('DEADLETTER'),
      this.changes.streams.info('CHANGES'),
    ]);
    return {
      devices: devices.state.last_seq,
      deadLetters: deadLetters.state.last_seq,
      changes: changed.state.last_seq,
      changesHeld: changed.state.messages,
    };
  }

  async publishChanges(devices: readonly string[]): Promise<void> {
    for (const device of devices)
      await jetstream(this.runtime).publish(`twin.${device}.changed`, `changed ${device}`);
  }

  /** Answers what is asked of the owner of one device, until the returned function is called. */
  async answerFor(device: string): Promise<() => Promise<void>> {
    const owner = this.runtime.subscribe(`owner.*.*.*.${device}.>`, {
      queue: 'owner',
      callback: (_error, message) => void message.respond(`heard ${message.subject}`),
    });
    await this.runtime.flush();
    return async () => {
      owner.unsubscribe();
      await this.runtime.flush();
    };
  }

  /**
   * Listens as a device of the depot and as the runtime; the result tells what they heard that nobody should have sent.
   * What is asked about `asked` is not told.
   */
  async watchForStrays(asked: string): Promise<() => Promise<readonly string[]>> {
    const arrived: string[] = [];
    const note = (_error: unknown, message: Msg): void => {
      if (!message.subject.includes(`.${asked}.`)) arrived.push(`${message.subject}: ${message.string()}`);
    };
    const listeners = [
      this.depot.subscribe('device.*.command', { callback: note }),
      this.runtime.subscribe('owner.>', { callback: note }),
    ];
    await Promise.all([this.depot.flush(), this.runtime.flush()]);
    return async () => {
      // The server has handled all that was asked for before; what it sent to these two comes before its answers to them.
      await Promise.all([this.depot.flush(), this.runtime.flush()]);
      for (const listener of listeners) listener.unsubscribe();
      return arrived;
    };
  }
}
