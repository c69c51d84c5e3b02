/**
 * The bench: the one place where the kit hears a device and speaks to it, over a real NATS server. It stands where the
 * hub's stream would: it answers every publish as the stream does, or, when a rule is about that, as the stream would not.
 *
 * Invariants:
 * I1  `publishes` holds everything that was heard, in the order in which it was heard; nothing is ever taken out.
 * I2  `newest` is the report with the greatest (boot, seq) of the device's present life: a new one begins where a restart
 *     was seen (`beginLife`), because a device that lost its boot count looks old.
 */
import { comparePositions, type Report } from '../../machines/report.ts';
import type { HubConnection } from '../../src/nats/connect.ts';
import { listen } from '../../src/nats/listen.ts';
import type { Encoding } from '../../src/wire/codec.ts';
import { deviceCommand, deviceReport, siteStream } from '../../src/wire/subjects.ts';
import { NotSeen } from './finding.ts';
import { type Answer, positionName, type Publish, readPublish } from './publish.ts';

/** The server does not let the kit do its work. The message says what to do about it. */
export class UnfitServer extends Error {
  override readonly name = 'UnfitServer';
}

/** How long a wait lasts, and what it is for. */
export interface Wait {
  readonly withinMs: number;
  /** What is to be said when it does not come, as in "no report that names n 7 came". */
  readonly what: string;
}

type Subscription = ReturnType<HubConnection['nats']['subscribe']>;

/** See the head of this file. */
export class Bench {
  readonly device: string;
  readonly publishes: Publish[] = [];
  /** Before these indices the kit cut the device off: an ack from before may never have arrived. */
  readonly interruptions: number[] = [];
  /** Decides on the answer to each publish; acknowledges everything by default. */
  answerWith: (publish: Omit<Publish, 'answer' | 'ackNow'>) => Answer = () => 'ack';
  readonly #connection: HubConnection;
  #subscription: Subscription | null = null;
  #newest: { readonly report: Report; readonly publish: Publish } | null = null;
  #isRefused = false;
  #acks = 0;
  #watchers = new Set<() => void>();

  constructor(connection: HubConnection, device: string) {
    this.#connection = connection;
    this.device = device;
  }

  /** The newest report, or `null` before the first. */
  get newest(): Report | null {
    return this.#newest?.report ?? null;
  }

  /** When the newest report was first heard, ms. */
  get newestAt(): number {
    return this.#newest?.publish.at ?? 0;
  }

  /** In what the device wrote its newest report, so in what it is commanded. */
  get encoding(): Encoding {
    return this.#newest?.publish.encoding ?? 'json';
  }

  /** Now, ms on the same clock as {@link Publish.at}. */
  now(): number {
    return performance.now();
  }

  /** Begins to hear the device. Throws {@link UnfitServer} when the server does not allow it, or keeps reports itself. */
  async open(): Promise<void> {
    this.hear();
    await this.#connection.nats.flush();
    if (this.#isRefused) {
      throw new UnfitServer(
        `This server does not let the kit hear ${deviceReport(this.device)}: connect the device and the kit to a plain nats-server, or let the kit serve one.`,
      );
    }
    const stream = await this.#streamInTheWay();
    if (stream !== null) {
      throw new UnfitServer(
        `The stream ${stream} of this server answers the device in the kit's place: connect the device and the kit to a plain nats-server, or let the kit serve one.`,
      );
    }
  }

  /** Takes what the device publishes. */
  hear(): void {
    this.#subscription ??= listen(this.#connection, {
      subject: deviceReport(this.device),
      handle: ({ payload, reply }) => this.#take(payload, reply ?? ''),
      refused: () => {
        this.#isRefused = true;
      },
    });
  }

  /** Hears nothing until `hear`: the server then tells the device that nobody is there. */
  async turnAway(): Promise<void> {
    this.#subscription?.unsubscribe();
    this.#subscription = null;
    await this.#connection.nats.flush();
  }

  /** Sends the device a payload. */
  send(payload: Uint8Array): void {
    this.#connection.nats.publish(deviceCommand(this.device), payload);
  }

  /** True while the kit is connected. */
  isConnected(): boolean {
    return this.#connection.isConnected();
  }

  /** From now on only reports of the restarted device count for `newest` (I2): those since `mark` that are of its life. */
  beginLife(mark: number, isOfIt: (report: Report) => boolean): void {
    this.#newest = null;
    for (const publish of this.publishes.slice(mark)) {
      for (const report of publish.reports.filter(isOfIt)) this.#takeNewest(report, publish);
    }
  }

  /** The device is about to be cut off by the kit itself. */
  noteInterruption(): void {
    this.interruptions.push(this.publishes.length);
  }

  /** Waits until `find` finds something; it is asked again after each publish. Throws {@link NotSeen}. */
  async until<T>(find: () => T | null, { withinMs, what }: Wait): Promise<T> {
    const mark = this.publishes.length;
    const found = find();
    if (found !== null) return found;
    return new Promise<T>((resolve, reject) => {
      const look = (): void => {
        const seen = find();
        if (seen !== null) settle(() => resolve(seen));
      };
      const timer = setTimeout(() => {
        settle(() => reject(new NotSeen(`${what} within ${seconds(withinMs)}; ${this.#seenSince(mark)}`)));
      }, withinMs);
      const settle = (end: () => void): void => {
        clearTimeout(timer);
        this.#watchers.delete(look);
        end();
      };
      this.#watchers.add(look);
    });
  }

  /** Listens for a while, whatever comes. */
  async listen(forMs: number): Promise<void> {
    await new Promise<void>((resolve) => setTimeout(resolve, forMs));
  }

  async close(): Promise<void> {
    await this.turnAway();
  }

  #take(payload: Uint8Array, reply: string): void {
    const ackNow = (): void => {
      if (reply === '') return;
      this.#acks += 1;
      this.#connection.nats.publish(reply, JSON.stringify(ack(this.#acks)));
    };
    const heard = {
      index: this.publishes.length,
      at: this.now(),
      asksForAck: reply !== '',
      ...readPublish(this.device, payload),
    };
    const answer = this.answerWith(heard);
    const publish: Publish = { ...heard, answer, ackNow };
    this.publishes.push(publish);
    for (const report of publish.reports) this.#takeNewest(report, publish);
    if (answer === 'ack') ackNow();
    if (answer === 'refusal' && reply !== '') this.#connection.nats.publish(reply, JSON.stringify(REFUSAL));
    for (const look of [...this.#watchers]) look();
  }

  #takeNewest(report: Report, publish: Publish): void {
    if (this.newest === null || comparePositions(report, this.newest) > 0) this.#newest = { report, publish };
  }

  #seenSince(mark: number): string {
    const reports = this.publishes.slice(mark).flatMap((publish) => publish.reports);
    const last = reports.at(-1);
    if (last === undefined) return 'nothing was heard meanwhile';
    return `${count(reports.length, 'report')} came meanwhile, the last one ${positionName(last)}, naming ${ringName(last)}`;
  }

  /** The stream of this server that stores the device's reports, or `null`: it would acknowledge what the kit does not. */
  async #streamInTheWay(): Promise<string | null> {
    try {
      const request = JSON.stringify({ subject: deviceReport(this.device) });
      const answer = await this.#connection.nats.request('$JS.API.STREAM.NAMES', request, { timeout: 2_000 });
      const { streams } = answer.json<{ readonly streams?: readonly string[] | null }>();
      return streams?.[0] ?? null;
    } catch {
      // No JetStream here, or none that the kit may ask: then none answers the device either.
      return null;
    }
  }
}

/** What a report says of commands, for people: `7 done, 6 rejected busy`. */
export function ringName({ commands }: Report): string {
  if (commands === undefined) return 'no commands';
  if (commands.length === 0) return 'none';
  return commands.map(({ n, outcome, reason }) => [n, outcome, reason].filter(Boolean).join(' ')).join(', ');
}

/** `1 report`, `2 reports`. */
export function count(number: number, noun: string): string {
  return `${String(number)} ${noun}${number === 1 ? '' : 's'}`;
}

/** A duration for people: `1.5 s`. */
export function seconds(ms: number): string {
  return `${String(Math.round(ms / 100) / 10)} s`;
}

/** The PubAck of the hub's stream, as it comes back through a site. */
export function ack(seq: number): object {
  return { stream: siteStream('depot'), seq, domain: 'hub' };
}

/** What the hub's stream answers when it cannot store. */
export const REFUSAL = {
  error: { code: 503, err_code: 10_077, description: 'maximum messages exceeded' },
  stream: siteStream('depot'),
  seq: 0,
} as const;
