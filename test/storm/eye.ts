/**
 * Looks at the servers of a storm past all ways: what the database and the streams hold, in the forms in which the simulation's checkers read
 * them.
 */
import { DeliverPolicy, jetstream, jetstreamManager } from '@nats-io/jetstream';
import type { LedgerEntry } from '../../src/contract/ledger-entry.ts';
import type { Twin } from '../../actors/twin.ts';
import { kinds } from '../../machines/kinds.ts';
import type { StoredMessage } from '../../src/memory/message-stream.ts';
import { connectToHub, type HubConnection } from '../../src/nats/connect.ts';
import { PostgresStore } from '../../src/postgres/store.ts';
import type { HistoryReport, LeaseView } from '../../src/history/ports.ts';
import { deviceOf } from '../../src/runtime/journal-entry.ts';
import { systemClock } from '../../src/system/system-clock.ts';
import { partitionOf } from '../../src/wire/partition.ts';
import { siteStream } from '../../src/wire/subjects.ts';
import type { FinalStore } from '../simulation/world/evidence.ts';
import type { Hub, HubUser } from '../../tools/dev/hub.ts';
import { untilConnected } from './until-connected.ts';

type StreamName = 'CHANGES' | 'DEADLETTER';

/** How far everything was at a time: numbers of journal lines and epochs by partition, and the last sequence of each stream. */
export interface Mark extends Readonly<Record<StreamName, number>> {
  readonly journals: ReadonlyMap<number, number>;
  readonly epochs: ReadonlyMap<number, number>;
}

/** Servers' clocks may differ by this, as nodes take it, ms. */
export const SERVER_ERROR_MS = 50;
const PAGE = 10_000;
const LINES_MAX = 1_000_000;
/** On a busy machine everything may take long, ms. */
const PATIENT_MS = 120_000;
/** The hub is asked for messages so long, ms: it hangs up on nobody here. */
const FETCH_MS = 30_000;

/** See the head of this file. */
export class Eye {
  readonly #store: PostgresStore;
  /** Who may read each of the streams. */
  readonly #readers: Readonly<Record<StreamName, HubConnection>>;

  static async open({ databaseUrl, hub }: { readonly databaseUrl: string; readonly hub: Hub }): Promise<Eye> {
    const store = new PostgresStore({
      connectionString: databaseUrl,
      kinds,
      clock: systemClock,
      serverErrorMs: SERVER_ERROR_MS,
      limits: { connectTimeoutMs: PATIENT_MS, answerTimeoutMs: PATIENT_MS, readTimeoutMs: PATIENT_MS },
    });
    const connect = (user: HubUser): Promise<HubConnection> =>
      untilConnected(() => connectToHub({ url: hub.url(user), name: 'eye' }));
    const readers = { CHANGES: await connect('backend'), DEADLETTER: await connect('operator') };
    return new Eye(store, readers);
  }

  private constructor(store: PostgresStore, readers: Readonly<Record<StreamName, HubConnection>>) {
    this.#store = store;
    this.#readers = readers;
  }

  async close(): Promise<void> {
    for (const reader of Object.values(this.#readers)) await reader.close();
    await this.#store.close();
  }

  leases(): Promise<readonly LeaseView[]> {
    return this.#store.leases();
  }

  /** How many partitions nobody has now. */
  async unowned(): Promise<number> {
    const now = Date.now();
    return (await this.leases()).filter(({ expiresAt }) => expiresAt === null || expiresAt <= now).length;
  }

  twin(device: string): Promise<Twin | null> {
    return this.#store.twin(device).then((found) => found?.twin ?? null);
  }

  /** How far journals and streams are now: what a storm leaves behind comes after it. */
  async mark(): Promise<Mark> {
    const leases = await this.leases();
    const journals = new Map(leases.map(({ partition, journal }) => [partition, journal]));
    const epochs = new Map(leases.map(({ partition, epoch }) => [partition, epoch]));
    return {
      journals,
      epochs,
      CHANGES: await this.#last('CHANGES'),
      DEADLETTER: await this.#last('DEADLETTER'),
    };
  }

  /** The journal of these devices since a mark, by partition. */
  async journal(devices: readonly string[], { journals }: Mark): Promise<FinalStore['journal']> {
    const partitions = [...new Set(devices.map(partitionOf))];
    return Promise.all(
      partitions.map(async (partition) => {
        const lines = await this.#store.journalAfter(partition, journals.get(partition) ?? 0, LINES_MAX);
        return lines.filter((line) => devices.includes(deviceOf(line)));
      }),
    );
  }

  /** What the store holds of these devices, and their journal since a mark. */
  async store(devices: readonly string[], mark: Mark): Promise<FinalStore> {
    const twins = new Map<string, Twin>();
    const reports = new Map<string, readonly HistoryReport[]>();
    const ledger = new Map<string, readonly LedgerEntry[]>();
    for (const device of devices) {
      const twin = await this.twin(device);
      if (twin !== null) twins.set(device, twin);
      reports.set(device, await this.reports(device));
      ledger.set(device, await this.#store.commands(device, { beforeN: null, limit: PAGE }));
    }
    return { twins, reports, ledger, journal: await this.journal(devices, mark) };
  }

  /** What a stream of Corral's own has been given since a mark. */
  async stream(name: StreamName, mark: Mark): Promise<readonly StoredMessage[]> {
    const { nats } = this.#readers[name];
    const first = mark[name] + 1;
    const last = await this.#last(name);
    const messages: StoredMessage[] = [];
    if (last < first) return messages;
    const consumer = await jetstream(nats, { checkAPI: false }).consumers.get(name, {
      deliver_policy: DeliverPolicy.StartSequence,
      opt_start_seq: first,
    });
    for await (const message of await consumer.fetch({ max_messages: last - first + 1, expires: FETCH_MS })) {
      const { seq: sequence, subject, data: payload, info } = message;
      messages.push({ sequence, subject, payload, storedAt: Math.ceil(info.timestampNanos / 1e6) });
    }
    return messages;
  }

  /** Has the hub store no report of the site any more, as when its disk is full; the function that it resolves with undoes that. */
  async refuseReports(): Promise<() => Promise<void>> {
    const { streams } = await jetstreamManager(this.#readers.DEADLETTER.nats, { checkAPI: false });
    const name = siteStream('depot');
    const { state, config } = await streams.info(name);
    await streams.update(name, { max_msgs: state.messages });
    return async () => {
      await streams.update(name, { max_msgs: config.max_msgs });
    };
  }

  async #last(name: StreamName): Promise<number> {
    const manager = await jetstreamManager(this.#readers[name].nats, { checkAPI: false });
    return (await manager.streams.info(name)).state.last_seq;
  }

  /** All reports of a device, in the order of the history. */
  async reports(device: string): Promise<readonly HistoryReport[]> {
    const found: HistoryReport[] = [];
    for (;;) {
      const after = found.at(-1) ?? null;
      const page = { from: null, to: null, after, isNewestFirst: false, limit: PAGE };
      const reports = await this.#store.reports(device, page);
      found.push(...reports);
      if (reports.length < PAGE) return found;
    }
  }
}
