/**
 * A device for the conformance kit: the reference agent on a real NATS connection, with a way to spoil what passes through
 * its ports. What it stores outlives its restarts.
 */
import type { Command } from '../../machines/command.ts';
import type { Report } from '../../machines/report.ts';
import { startAgent } from '../../src/device/agent.ts';
import type { AgentOptions, DeviceAgent } from '../../src/device/device-agent.ts';
import { AGENT_LIMITS } from '../../src/device/limits.ts';
import { linesOf, type StoredDevice } from '../../src/device/log-entry.ts';
import { MemoryStorage, StorageMedium } from '../../src/device/memory-storage.ts';
import { deviceLinks } from '../../src/device/nats-link.ts';
import type { DeviceBody, DeviceClock, DeviceLink } from '../../src/device/ports.ts';
import { uptimeClock } from '../../src/device/uptime-clock.ts';
import { connectToHub, type HubConnection } from '../../src/nats/connect.ts';
import { decode, encode, type Encoding } from '../../src/wire/codec.ts';
import { ReferenceBody } from '../../tools/conform/reference-body.ts';

/** What a faulty device does differently. Everything that is not given is as it should be. */
export interface Spoiling {
  readonly options?: Partial<AgentOptions>;
  /** What reaches the agent in place of a command that can be read; `null`: nothing. */
  readonly command?: (command: Command, device: ConformDevice) => Command | null;
  /** What reaches the agent in place of a payload that cannot be read. */
  readonly unreadable?: (payload: Uint8Array) => Uint8Array;
  /** What leaves in place of a report. */
  readonly report?: (report: Report, device: ConformDevice) => object;
  /** What leaves in place of a payload. */
  readonly payload?: (payload: Uint8Array) => Uint8Array;
  /** How a payload is published. */
  readonly publish?: (
    publish: () => Promise<void>,
    payload: Uint8Array,
    device: ConformDevice,
  ) => Promise<void>;
  /** What is found in place of what was stored. */
  readonly stored?: (stored: StoredDevice) => StoredDevice;
  readonly clock?: (clock: DeviceClock) => DeviceClock;
  /** What its own state says to a command, in place of what it should. */
  readonly judge?: DeviceBody['judge'];
}

/** Waits for an ack, and between two tries, that let a test go on. */
const ACK_TIMEOUT_MS = 2_000;
const LIMITS = { ...AGENT_LIMITS, retryFirstMs: 50, retryLongestMs: 200 };

/** See the head of this file. */
export class ConformDevice {
  readonly device: string;
  connection!: HubConnection;
  clock: DeviceClock = uptimeClock();
  agent!: DeviceAgent;
  readonly #url: string;
  readonly #encoding: Encoding;
  readonly #spoiling: Spoiling;
  readonly #medium = new StorageMedium();
  readonly #body = new ReferenceBody(() => void this.#boot());
  #tellBody: () => void = () => undefined;

  constructor(options: {
    readonly device: string;
    readonly url: string;
    readonly encoding: Encoding;
    readonly spoiling?: Spoiling;
  }) {
    this.device = options.device;
    this.#url = options.url;
    this.#encoding = options.encoding;
    this.#spoiling = options.spoiling ?? {};
  }

  async start(): Promise<void> {
    this.connection = await connectToHub({ url: this.#url, name: this.device });
    await this.#boot();
  }

  async stop(): Promise<void> {
    await this.agent.stop();
    await this.connection.close();
  }

  /** As after a power cut, but for what was on its way. */
  restart = async (): Promise<void> => {
    await this.agent.stop();
    await this.#boot();
  };

  /** Makes the agent report, as if its hardware had changed. */
  poke(): void {
    this.#tellBody();
  }

  async #boot(): Promise<void> {
    this.clock = this.#spoiling.clock?.(uptimeClock()) ?? uptimeClock();
    const storage = new MemoryStorage(this.#medium);
    this.agent = await startAgent({
      device: this.device,
      kind: null,
      encoding: this.#encoding,
      order: 'current-first',
      limits: LIMITS,
      clock: this.clock,
      link: this.#link(),
      storage: {
        load: async () => {
          const stored = await storage.load();
          const spoilt = this.#spoiling.stored?.(stored);
          if (spoilt === undefined) return stored;
          // What its firmware makes of it is on its disk from then on.
          this.#medium.wipe();
          for (const line of linesOf(spoilt)) this.#medium.write(line);
          return spoilt;
        },
        append: (entry) => storage.append(entry),
        close: () => storage.close(),
      },
      body: {
        read: (view) => this.#body.read(view),
        judge: (command, view) => (this.#spoiling.judge ?? this.#body.judge.bind(this.#body))(command, view),
        act: (command) => this.#body.act(command),
        restart: () => this.#body.restart(),
        wasExecuted: () => this.#body.wasExecuted(),
        scan: () => this.#body.scan(),
        watch: (changed) => {
          this.#tellBody = () => changed({});
          return this.#body.watch(changed);
        },
      },
      ...this.#spoiling.options,
    });
  }

  #link(): DeviceLink {
    const { connection, device } = this;
    const link = deviceLinks({ connection, ackTimeoutMs: ACK_TIMEOUT_MS }).link(device);
    const publish = this.#spoiling.publish ?? ((send: () => Promise<void>) => send());
    return {
      publish: (payload) => {
        const spoilt = this.#spoiltPayload(payload);
        return publish(() => link.publish(spoilt), spoilt, this);
      },
      listen: (listener) =>
        link.listen({
          ...listener,
          command: (payload) => {
            const spoilt = this.#spoiltCommand(payload);
            if (spoilt !== null) listener.command(spoilt);
          },
        }),
    };
  }

  #spoiltPayload(payload: Uint8Array): Uint8Array {
    const { report: spoil, payload: wrap = (bytes: Uint8Array) => bytes } = this.#spoiling;
    if (spoil === undefined) return wrap(payload);
    const read = decode(payload);
    if (!read.ok) throw new Error(read.detail);
    const spoilt = Array.isArray(read.value)
      ? (read.value as Report[]).map((report) => spoil(report, this))
      : spoil(read.value as Report, this);
    return wrap(encode(spoilt, this.#encoding));
  }

  #spoiltCommand(payload: Uint8Array): Uint8Array | null {
    const read = decode(payload);
    if (!read.ok || Array.isArray(read.value)) return this.#spoiling.unreadable?.(payload) ?? payload;
    const command = this.#spoiling.command;
    if (command === undefined) return payload;
    const spoilt = command(read.value as Command, this);
    return spoilt === null ? null : encode(spoilt, read.encoding);
  }
}
