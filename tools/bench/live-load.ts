/**
 * Devices that report live, through their site's leaf: each publishes, waits until the hub has stored it, and goes on. A report
 * carries the time at which it was due, so that one that waited behind others is measured with its wait.
 */
import type { HubConnection } from '../../src/nats/connect.ts';
import { listen } from '../../src/nats/listen.ts';
import { encode } from '../../src/wire/codec.ts';
import { deviceReport } from '../../src/wire/subjects.ts';
import { mixedReport } from '../fleet/report-mix.ts';
import { type FleetMix, mixOptions } from './fleet-mix.ts';
import { monotonicMicros, SENT_FIELD } from './node-process.ts';

/** How many publish at once at most. */
const IN_FLIGHT_MAX = 1_000;
/** How often it is looked whether reports are due, ms. */
const TICK_MS = 2;
const ACK_TIMEOUT_MS = 15_000;

/** A report that is published: whose it is, and when it was due by the machine's monotonic clock, µs. */
export interface DueReport {
  readonly device: string;
  readonly seq: number;
  readonly dueMicros: number;
}

/** See the head of this file. */
export class LiveLoad {
  readonly #connection: HubConnection;
  readonly #fleet: FleetMix;
  readonly #onPublish: (report: DueReport) => void;
  readonly #inbox: string;
  #published = 0;
  #acknowledged = 0;
  #problem: string | null = null;
  #onAck: () => void = () => undefined;

  /** On a connection to the site, for devices that have reported once. */
  constructor(
    connection: HubConnection,
    fleet: FleetMix,
    onPublish: (report: DueReport) => void = () => undefined,
  ) {
    this.#connection = connection;
    this.#fleet = fleet;
    this.#onPublish = onPublish;
    this.#inbox = connection.newInbox();
    listen(connection, {
      subject: this.#inbox,
      handle: ({ payload }) => {
        const text = Buffer.from(payload).toString();
        if (!text.includes('"seq"')) this.#problem = text;
        this.#acknowledged += 1;
        this.#onAck();
      },
    });
  }

  /** Reports for so long, so many a second, or as fast as they are stored; resolves with how many when all are stored. */
  async run(perSecond: number | 'max', seconds: number): Promise<number> {
    const before = this.#published;
    const startedAt = monotonicMicros();
    const until = startedAt + seconds * 1e6;
    await new Promise<void>((resolve) => {
      const go = (): void => {
        const now = monotonicMicros();
        const due = perSecond === 'max' ? Infinity : ((Math.min(now, until) - startedAt) * perSecond) / 1e6;
        while (
          now < until &&
          this.#published - before < due &&
          this.#published - this.#acknowledged < IN_FLIGHT_MAX
        ) {
          const number = this.#published - before;
          this.#publish(perSecond === 'max' ? now : startedAt + Math.round((number * 1e6) / perSecond));
        }
        if (now < until && this.#problem === null) return;
        clearInterval(timer);
        this.#onAck = () => undefined;
        resolve();
      };
      const timer = setInterval(go, TICK_MS);
      if (perSecond === 'max') this.#onAck = go;
    });
    await this.#stored();
    return this.#published - before;
  }

  #publish(sentMicros: number): void {
    const { devices, encoding } = this.#fleet;
    const number = this.#published;
    const step = 1 + Math.floor(number / devices);
    const { device, report } = mixedReport(mixOptions(this.#fleet), number % devices, step);
    const payload = encode({ ...report, [SENT_FIELD]: sentMicros }, encoding);
    this.#onPublish({ device, seq: report.seq, dueMicros: sentMicros });
    this.#connection.nats.publish(deviceReport(device), payload, { reply: this.#inbox });
    this.#published += 1;
  }

  async #stored(): Promise<void> {
    const giveUpAt = performance.now() + ACK_TIMEOUT_MS;
    while (this.#acknowledged < this.#published) {
      if (this.#problem !== null) throw new Error(`the hub did not store a report: ${this.#problem}`);
      if (performance.now() > giveUpAt) throw new Error('the hub does not acknowledge reports');
      await new Promise((resolve) => setTimeout(resolve, TICK_MS));
    }
  }
}
