/**
 * A device as its firmware might be written by somebody who has read the wire contract and has never seen this
 * repository: a plain NATS connection to the site's leaf, JSON or MessagePack, and nothing of `src`.
 */
import type { NatsConnection, Subscription } from '@nats-io/nats-core';
import { Packr } from 'msgpackr';

/** How a device writes its payloads. */
export type RawEncoding = 'json' | 'msgpack';

/** A command as it came: every field that was in it. */
export interface RawCommand {
  readonly n: number;
  readonly epoch: number;
  readonly id: string;
  readonly name: string;
  readonly args: Readonly<Record<string, unknown>>;
  readonly boot?: number;
  readonly notAfterUp?: number;
  readonly holdMs?: number;
}

/** What a device says of itself; whatever is not given stays as it was. */
export type RawReport = Readonly<Record<string, unknown>>;

/** Who the device is, and how it is connected. */
export interface RawDeviceOptions {
  /** To the site's leaf. It stays its maker's to close. */
  readonly nats: NatsConnection;
  readonly device: string;
  readonly encoding?: RawEncoding;
  /** `obeys`: does what it is told, at once. `probes`: answers `report` only. `deaf`: answers nothing. Default `obeys`. */
  readonly manner?: 'obeys' | 'probes' | 'deaf';
  /** For how long it has been on, ms. Default 0. */
  readonly upMs?: number;
}

/** The ack of the hub's stream. */
export interface RawAck {
  readonly stream: string;
  readonly seq: number;
}

interface Waiter {
  readonly wants: (command: RawCommand) => boolean;
  readonly resolve: (command: RawCommand) => void;
}

const RING_SIZE = 8;
/** Who waits in vain says so before the test is ended, ms. */
const ACK_TIMEOUT_MS = 60_000;
const COMMAND_TIMEOUT_MS = 200_000;

const packr = new Packr({ useRecords: false });

/** A charge point, by hand. */
export class RawDevice {
  readonly device: string;
  manner: NonNullable<RawDeviceOptions['manner']>;
  encoding: RawEncoding;
  boot = 1;
  seq = 0;
  /** What it says of itself beside boot, seq and up. */
  body: RawReport = { state: 'available', sensors: { meterWh: 0 }, since: {}, firmware: '1.0' };
  /** Its ring of outcomes, newest first. */
  ring: readonly { readonly n: number; readonly outcome: string; readonly reason?: string }[] = [];
  /** What its clock makes of the time for which it has been on, ms. */
  clock: (upMs: number) => number = (upMs) => upMs;
  /** Every command that ever reached it, in order, repetitions and probes too. */
  readonly heard: RawCommand[] = [];
  readonly #nats: NatsConnection;
  readonly #subscription: Subscription;
  #bootedAt: number;
  #waiters: Waiter[] = [];

  /** Switches a device on: it listens, and has not said anything yet. */
  static async start(options: RawDeviceOptions): Promise<RawDevice> {
    const device = new RawDevice(options);
    // The leaf has taken the subscription in.
    await options.nats.flush();
    return device;
  }

  private constructor(options: RawDeviceOptions) {
    const { nats, device, encoding = 'json', manner = 'obeys', upMs = 0 } = options;
    this.#bootedAt = performance.now() - upMs;
    this.device = device;
    this.manner = manner;
    this.encoding = encoding;
    this.#nats = nats;
    this.#subscription = nats.subscribe(`device.${device}.command`, {
      callback: (error, message) => {
        if (error === null) this.#hear(message.data);
      },
    });
  }

  /** Its own monotonic uptime, ms. */
  get up(): number {
    return Math.floor(this.clock(performance.now() - this.#bootedAt));
  }

  /** Numbers of the commands it was told to execute, each once; probes are not among them. */
  get told(): readonly number[] {
    return [...new Set(this.heard.filter(({ id }) => !id.startsWith('probe-')).map(({ n }) => n))];
  }

  /** Makes its next report. */
  make(changes: RawReport = {}): RawReport {
    this.body = { ...this.body, ...changes };
    this.seq += 1;
    const { boot, seq, up, ring } = this;
    return { boot, seq, up, at: Date.now(), ...this.body, commands: ring };
  }

  /** Reports, as it is now; resolves with the hub's ack. */
  report(changes: RawReport = {}): Promise<RawAck> {
    return this.publish(this.make(changes));
  }

  /** Publishes a report, or a frame of them, whatever is in it. */
  async publish(payload: RawReport | readonly RawReport[]): Promise<RawAck> {
    const bytes =
      this.encoding === 'json' ? new TextEncoder().encode(JSON.stringify(payload)) : packr.pack(payload);
    const ack = await this.#nats.request(`device.${this.device}.report`, bytes, { timeout: ACK_TIMEOUT_MS });
    return ack.json<RawAck>();
  }

  /** It loses power and starts again; `wipes`: its storage is gone as well. It has not said anything yet. */
  restart({ wipes = false }: { readonly wipes?: boolean } = {}): void {
    this.boot = wipes ? 1 : this.boot + 1;
    this.seq = 0;
    this.#bootedAt = performance.now();
    if (!wipes) return;
    this.ring = [];
    this.body = { ...this.body, hold: null, state: 'available' };
  }

  /** Resolves with a command of this name that has been or will be heard; the error says what was heard instead. */
  command(name: string, after = 0): Promise<RawCommand> {
    const wants = (command: RawCommand): boolean =>
      command.name === name && command.n > after && !command.id.startsWith('probe-');
    const heard = this.heard.find(wants);
    if (heard !== undefined) return Promise.resolve(heard);
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        const names = this.heard.map((command) => `${command.name} ${command.n}`).join(', ');
        const waited = `${this.device} waited ${COMMAND_TIMEOUT_MS} ms for ${name}`;
        reject(new Error(`${waited}; it heard: ${names}`));
      }, COMMAND_TIMEOUT_MS);
      const taken = (command: RawCommand): void => {
        clearTimeout(timer);
        resolve(command);
      };
      this.#waiters.push({ wants, resolve: taken });
    });
  }

  /** Names a command in its ring, changes as told, and reports. */
  answer(
    { n }: Pick<RawCommand, 'n'>,
    outcome: { readonly outcome: string; readonly reason?: string } = { outcome: 'done' },
    changes: RawReport = {},
  ): Promise<RawAck> {
    this.remember({ n, ...outcome });
    return this.report(changes);
  }

  /** Takes an outcome into its ring, without a word. */
  remember(entry: { readonly n: number; readonly outcome: string; readonly reason?: string }): void {
    this.ring = [entry, ...this.ring.filter(({ n }) => n !== entry.n)].slice(0, RING_SIZE);
  }

  /** Does what it is told, and says so. */
  execute(command: RawCommand): Promise<RawAck> {
    return this.answer(command, { outcome: 'done' }, changesBy(command));
  }

  /** It hears nothing any more. */
  stop(): void {
    this.#subscription.unsubscribe();
  }

  #hear(payload: Uint8Array): void {
    const command = (
      payload[0] === 0x7b ? JSON.parse(new TextDecoder().decode(payload)) : packr.unpack(payload)
    ) as RawCommand;
    const isRepeated = this.ring.some(({ n }) => n === command.n);
    this.heard.push(command);
    const taken = this.#waiters.filter(({ wants }) => wants(command));
    this.#waiters = this.#waiters.filter((waiter) => !taken.includes(waiter));
    for (const { resolve } of taken) resolve(command);
    const answers = this.manner === 'obeys' || (this.manner === 'probes' && command.name === 'report');
    if (!answers) return;
    // Nobody waits for this report: when it is lost, the next one says the same.
    (isRepeated ? this.report() : this.execute(command)).catch(() => undefined);
  }
}

function changesBy({ name, id, holdMs = 0 }: RawCommand): RawReport {
  switch (name) {
    case 'reserve':
      return { state: 'reserved', hold: { id, leftMs: holdMs } };
    case 'release':
      return { state: 'available', hold: null };
    case 'start':
      return { state: 'charging', hold: null };
    case 'stop':
      return { state: 'available' };
    default:
      return {};
  }
}
