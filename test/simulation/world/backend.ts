/**
 * A backend: asks for documents, commands devices, asks again with the same id, asks the ledger, gives up. It speaks the
 * wire contract and believes nothing but what it is told.
 */
import type { Device } from './device.ts';
import { decode, encode, type Encoding } from '../../../src/wire/codec.ts';
import { twinCommand, twinDesired, twinGet, twinLedger } from '../../../src/wire/subjects.ts';
import type { MemoryHub } from '../../../src/memory/hub.ts';
import { MemoryLink } from '../../../src/memory/link.ts';
import type { Clock } from '../../../src/runtime/ports.ts';
import type { WorldRecord } from '../record.ts';
import type { Trace } from '../trace.ts';
import type { Chance } from './chance.ts';
import type { Schedule } from './schedule.ts';

export interface BackendOptions {
  readonly name: string;
  readonly schedule: Schedule;
  readonly hub: MemoryHub;
  readonly hubClock: Clock;
  readonly devices: readonly Device[];
  readonly record: WorldRecord;
  readonly trace: Trace;
  readonly chance: Chance;
  /** Between two of its wishes, ms on average. */
  readonly wishMs: number;
}

type Body = Readonly<Record<string, unknown>>;

export class Backend {
  readonly name: string;
  /** Its connection to the hub. */
  readonly link: MemoryLink;
  readonly #options: BackendOptions;
  #isRetired = false;

  constructor(options: BackendOptions) {
    const { name, hubClock, chance } = options;
    this.name = name;
    this.#options = options;
    this.link = new MemoryLink(hubClock, {
      delayMs: () => chance.exponential(10),
      isLost: () => !this.#isRetired && chance.hits(0.01),
    });
  }

  /** Begins to wish for things. */
  start(): void {
    const { schedule, chance, wishMs } = this.#options;
    schedule.after(chance.exponential(wishMs), () => {
      if (this.#isRetired) return;
      void this.#wish();
      this.start();
    });
  }

  /** Wishes for nothing new. */
  retire(): void {
    this.#isRetired = true;
  }

  /** The document of a device; `null` when it does not come. */
  async get(device: string): Promise<Body | null> {
    return this.#ask(twinGet(device), {}, 10_000);
  }

  async ledger(device: string, id: string): Promise<Body | null> {
    return this.#ask(twinLedger(device), { id }, 10_000);
  }

  /** A command, and its reply if that comes in time. */
  async command(options: {
    readonly device: string;
    readonly name: string;
    readonly id: string;
    readonly args: Body;
    readonly waitMs: number;
    readonly ifVersion?: number;
  }): Promise<Body | null> {
    const { device, name, id, args, waitMs, ifVersion } = options;
    const body = { id, args, waitMs, by: this.name, ...(ifVersion !== undefined && { ifVersion }) };
    return this.#ask(twinCommand(device, name), body, waitMs + 3_000);
  }

  async #wish(): Promise<void> {
    const { chance, devices } = this.#options;
    const device = chance.pick(devices);
    const document = chance.hits(0.7) ? await this.get(device.name) : null;
    if (document === null && chance.hits(0.3)) return;
    if (chance.hits(0.05)) {
      await this.#desire(device.name);
      return;
    }
    const name = this.#choose(device, document);
    const id = chance.uuid();
    const holdMs = Math.round(chance.hits(0.5) ? chance.between(1_000, 60_000) : chance.exponential(600_000));
    const args = name === 'reserve' && chance.hits(0.8) ? { holdMs: clamped(holdMs, 1_000, 1_800_000) } : {};
    const waitMs = chance.hits(0.3) ? 0 : chance.integer(0, 60_000);
    const version = document?.version;
    const isBound = typeof version === 'number' && chance.hits(0.1);
    const ifVersion = isBound ? { ifVersion: version } : {};
    const request = { device: device.name, name, id, args, waitMs, ...ifVersion };
    await this.#commandUntilContent(request);
  }

  /** Asks again with the same id while it is not content, and gives up some time. */
  async #commandUntilContent(request: Parameters<Backend['command']>[0]): Promise<void> {
    const { chance, schedule } = this.#options;
    for (let attempt = 0; attempt < 6; attempt += 1) {
      const reply = await this.command(request);
      const isFinal =
        reply !== null && ['done', 'rejected', 'expired', 'refused'].includes(String(reply.outcome));
      if (isFinal ? chance.hits(0.85) : chance.hits(0.15)) return;
      await new Promise<void>((resolve) => void schedule.after(chance.exponential(20_000), resolve));
      if (chance.hits(0.4)) await this.ledger(request.device, request.id);
    }
  }

  #choose({ kind }: Device, document: Body | null): string {
    const { chance } = this.#options;
    const allowed = (document?.allowed ?? []) as readonly string[];
    const useful = allowed.filter((name) => name !== 'report');
    if (useful.length > 0 && chance.hits(0.85)) return chance.pick(useful);
    return chance.pick(Object.keys(kind.commands));
  }

  async #desire(device: string): Promise<void> {
    const patch = { limitA: this.#options.chance.integer(6, 32) };
    await this.#ask(twinDesired(device), { patch }, 5_000);
  }

  /** Resolves with the reply, or with `null` when none comes in time. */
  async #ask(subject: string, body: Body, timeoutMs: number): Promise<Body | null> {
    const { hub, chance, record, trace } = this.#options;
    const encoding: Encoding = chance.pick(['json', 'msgpack']);
    trace.line(this.name, () => `asks ${subject} ${JSON.stringify(body)}`);
    record.asked += 1;
    const answer = await hub.request(this.link, subject, encode(body, encoding), timeoutMs);
    if (answer.type !== 'reply') {
      trace.line(this.name, () => `gets ${answer.type} for ${subject} ${JSON.stringify(body)}`);
      return null;
    }
    const decoded = decode(answer.payload);
    if (!decoded.ok || decoded.encoding !== encoding) throw new Error(`a reply that is not ${encoding}`);
    return decoded.value as Body;
  }
}

function clamped(value: number, from: number, to: number): number {
  return Math.min(to, Math.max(from, value));
}
