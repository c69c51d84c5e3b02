/**
 * Follows what becomes of the good devices' reports, as a backend sees it: each report is another state, so each is answered by a
 * `twin.<id>.changed` once it is committed.
 */
import { createHistogram, type RecordableHistogram } from 'node:perf_hooks';
import { connectToHub, type HubConnection } from '../../../src/nats/connect.ts';
import { listen } from '../../../src/nats/listen.ts';
import { decode } from '../../../src/wire/codec.ts';
import { twinChanged } from '../../../src/wire/subjects.ts';
import type { DueReport } from '../live-load.ts';
import { monotonicMicros } from '../node-process.ts';

/** From when a report was due until its change was heard, ms. */
export interface GoodTimes {
  /** Reports whose change was heard. */
  readonly heard: number;
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

/** See the head of this file. */
export class GoodWatch {
  readonly #connection: HubConnection;
  readonly #dueMicros = new Map<string, number>();
  #latencies: RecordableHistogram = createHistogram();

  /** Connects to the hub as a backend. */
  static async connect(backendUrl: string): Promise<GoodWatch> {
    const watch = new GoodWatch(await connectToHub({ url: backendUrl, name: 'bench abuse: good' }));
    await watch.#connection.nats.flush();
    return watch;
  }

  private constructor(connection: HubConnection) {
    this.#connection = connection;
    listen(connection, { subject: twinChanged('*'), handle: ({ payload }) => this.#hear(payload) });
  }

  /** A report is on its way. */
  published({ device, seq, dueMicros }: DueReport): void {
    this.#dueMicros.set(`${device} ${String(seq)}`, dueMicros);
  }

  /** What was heard since it was asked last. */
  take(): GoodTimes {
    const latencies = this.#latencies;
    this.#latencies = createHistogram();
    this.#dueMicros.clear();
    const { count } = latencies;
    const at = (percentile: number): number =>
      count === 0 ? 0 : Math.round(latencies.percentile(percentile) / 100) / 10;
    return { heard: count, p50: at(50), p99: at(99), max: at(100) };
  }

  close(): Promise<void> {
    return this.#connection.close();
  }

  #hear(payload: Uint8Array): void {
    const read = decode(payload);
    if (!read.ok) return;
    // The report that caused the transition.
    const { device, seq } = read.value as { readonly device?: string; readonly seq?: number };
    const key = `${String(device)} ${String(seq)}`;
    const dueMicros = this.#dueMicros.get(key);
    if (dueMicros === undefined) return;
    this.#dueMicros.delete(key);
    this.#latencies.record(Math.max(1, monotonicMicros() - dueMicros));
  }
}
