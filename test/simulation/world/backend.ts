/**
 * A backend: asks for documents, commands devices, asks again with the same id, asks the ledger, gives up. It speaks through
 * the production client, now and then to a node over HTTP instead, and believes nothing but what it is told.
 */
import type { TwinDocument } from '../../../src/contract/twin-document.ts';
import { ABANDON, RENEW_IDENTITY } from '../../../machines/common-commands.ts';
import { CorralRefusal, CorralUnreachable } from '../../../src/client/errors.ts';
import type { Requester } from '../../../src/client/requester.ts';
import { TwinClient } from '../../../src/client/twin-client.ts';
import { commandGateway, forgetGateway } from '../../../src/app/hub-command-port.ts';
import type { CommandAnswer } from '../../../src/http/command-port.ts';
import { type MemoryHub, RUNTIME_ACCOUNT } from '../../../src/memory/hub.ts';
import { MemoryLink } from '../../../src/memory/link.ts';
import type { Clock } from '../../../src/runtime/ports.ts';
import { type Acceptance, acceptanceOf } from '../../../src/wire/acceptance.ts';
import { decode, type Encoding } from '../../../src/wire/codec.ts';
import type { WorldRecord } from '../record.ts';
import type { Trace } from '../trace.ts';
import type { Chance } from './chance.ts';
import type { Device } from './device.ts';
import type { Schedule } from './schedule.ts';

export interface BackendOptions {
  readonly name: string;
  readonly schedule: Schedule;
  readonly hub: MemoryHub;
  readonly clock: Clock;
  readonly devices: readonly Device[];
  readonly record: WorldRecord;
  readonly trace: Trace;
  readonly chance: Chance;
  /** Between two of its wishes, ms on average. */
  readonly wishMs: number;
}

/** A command that it wants executed. */
export interface Wish {
  readonly device: string;
  readonly name: string;
  readonly id: string;
  readonly args: Readonly<Record<string, unknown>>;
  readonly waitMs: number;
  readonly deadlineMs?: number;
  readonly ifVersion?: number;
  /** Nobody has used its id before. */
  readonly isFirstUse?: boolean;
}

/** In this part of all calls it commands over HTTP. */
const HTTP_PART = 0.2;
/** No wait is longer at a stretch, ms: the client asks in slices. */
const SLICE_MS = 5_000;

export class Backend {
  readonly name: string;
  /** Its connection to the hub. */
  readonly link: MemoryLink;
  readonly #options: BackendOptions;
  /** One for each encoding. */
  readonly #clients: readonly TwinClient[];
  readonly #http: Chance;
  #isRetired = false;

  constructor(options: BackendOptions) {
    const { name, clock, chance } = options;
    this.name = name;
    this.#options = options;
    this.link = new MemoryLink(clock, {
      delayMs: () => chance.exponential(10),
      isLost: () => {
        const isLost = !this.#isRetired && chance.hits(0.01);
        if (isLost) options.record.count('message-lost');
        return isLost;
      },
    });
    this.#http = chance.fork('http');
    const ports = {
      requester: this.#requester(),
      clock,
      newId: () => chance.uuid(),
      random: () => chance.unit(),
    };
    const encodings: readonly Encoding[] = ['json', 'msgpack'];
    this.#clients = encodings.map((encoding) => new TwinClient(ports, encoding));
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
  async get(device: string): Promise<TwinDocument | null> {
    return this.#unlessUnanswered(this.#client().get(device, { deadlineMs: this.#patienceMs() }));
  }

  /** Gives the command and waits; returns what it concluded (see `Conclusion`). */
  async command(wish: Wish): Promise<string> {
    const { device, name, id, args, waitMs } = wish;
    const { record, schedule } = this.#options;
    const isHttp = this.#http.hits(HTTP_PART);
    const waitsUntil = schedule.now + (isHttp ? waitMs : Math.min(SLICE_MS, waitMs));
    const conclusion = {
      device,
      id,
      name,
      args,
      askedAt: schedule.now,
      waitsUntil,
      concluded: null as string | null,
      concludedAt: null as number | null,
    };
    record.conclusions.push(conclusion);
    const concluded = await (isHttp ? this.#commandOverHttp(wish) : this.#commandByClient(wish));
    conclusion.concluded = concluded;
    conclusion.concludedAt = schedule.now;
    return concluded;
  }

  #commandByClient({ device, name, args, ...options }: Wish): Promise<string> {
    return this.#client()
      .command(device, name, args, { ...options, by: this.name })
      .then(({ outcome }) => outcome, conclusionFrom);
  }

  /** One request, as a node passes it on to the owner. */
  async #commandOverHttp(wish: Wish): Promise<string> {
    const { ifVersion = null, isFirstUse = false, ...order } = wish;
    const gateway = commandGateway(this.#requester(RUNTIME_ACCOUNT));
    const asked = { ...order, ifVersion, by: this.name, traceParent: null };
    return conclusionOverHttp(await gateway.command(asked, this.name), isFirstUse);
  }

  /** As an operator: has a device forgotten. False where nobody said that it is. */
  async forget(device: string): Promise<boolean> {
    const gateway = forgetGateway(this.#requester(RUNTIME_ACCOUNT));
    const answer = await gateway.forget({ device, reason: 'sold', by: null }, this.name);
    return answer.type === 'forgotten';
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
    const holdMs = Math.round(chance.hits(0.5) ? chance.between(1_000, 60_000) : chance.exponential(600_000));
    const args = wordArgs(name, document) ?? this.#argsOf(name, holdMs);
    const isBound = document !== null && chance.hits(0.1);
    await this.#commandUntilContent({
      device: device.name,
      name,
      id: chance.uuid(),
      args,
      waitMs: chance.hits(0.3) ? 0 : chance.integer(0, 60_000),
      deadlineMs: this.#patienceMs(),
      ...(isBound ? { ifVersion: document.version } : {}),
    });
  }

  #argsOf(name: string, holdMs: number): Wish['args'] {
    const isTimed = name === 'reserve' && this.#options.chance.hits(0.8);
    return isTimed ? { holdMs: clamped(holdMs, 1_000, 1_800_000) } : {};
  }

  /** Asks again with the same id while it is not content, and gives up some time. */
  async #commandUntilContent(wish: Wish): Promise<void> {
    const { chance, schedule } = this.#options;
    for (let attempt = 0; attempt < 6; attempt += 1) {
      const concluded = await this.command({ ...wish, isFirstUse: attempt === 0 });
      const isFinal = ['done', 'rejected', 'expired', 'refused'].includes(concluded);
      if (isFinal ? chance.hits(0.85) : chance.hits(0.15)) return;
      await new Promise<void>((resolve) => void schedule.after(chance.exponential(20_000), resolve));
      const question = { deadlineMs: this.#patienceMs() };
      if (chance.hits(0.4)) await this.#askLedger(wish, question);
    }
  }

  async #askLedger({ device, id }: Wish, question: { readonly deadlineMs: number }): Promise<void> {
    const { record, schedule } = this.#options;
    const askedAt = schedule.now;
    const asked = this.#client().ledger(device, id, question);
    asked.catch((error: unknown) => {
      const isUnknown = error instanceof CorralRefusal && error.code === 'unknown-id';
      if (isUnknown) record.unknownIds.push({ device, id, askedAt });
    });
    await this.#unlessUnanswered(asked);
  }

  #choose({ kind }: Device, document: TwinDocument | null): string {
    const { chance } = this.#options;
    const useful = (document?.allowed ?? []).filter(
      (name) =>
        name !== RENEW_IDENTITY &&
        name !== 'report' &&
        (name !== 'reboot' || chance.hits(0.1)) &&
        // Mostly it is waited for whoever can tell.
        (name !== ABANDON || chance.hits(0.05)),
    );
    if (useful.length > 0 && chance.hits(0.85)) return chance.pick(useful);
    const words = [RENEW_IDENTITY, ABANDON];
    return chance.pick(Object.keys(kind.commands).filter((name) => !words.includes(name)));
  }

  async #desire(device: string): Promise<void> {
    const patch = { limitA: this.#options.chance.integer(6, 32) };
    await this.#unlessUnanswered(this.#client().desired(device, patch, { deadlineMs: this.#patienceMs() }));
  }

  #client(): TwinClient {
    return this.#options.chance.pick(this.#clients);
  }

  /** For how long a question is asked again, ms. */
  #patienceMs(): number {
    return this.#options.chance.pick([1_000, 10_000, 60_000]);
  }

  /** `null` where the client says that there was no answer, or none but a refusal. */
  async #unlessUnanswered<T>(answer: Promise<T>): Promise<T | null> {
    try {
      return await answer;
    } catch (error) {
      conclusionFrom(error);
      return null;
    }
  }

  /** The hub over its link, traced. */
  #requester(account?: string): Requester {
    const { hub, record, trace } = this.#options;
    return {
      request: async ({ subject, payload, timeoutMs }) => {
        trace.line(this.name, () => `asks ${subject} ${textOf(payload)}`);
        record.asked += 1;
        const answer = await hub.request(this.link, subject, payload, timeoutMs, account);
        if (answer.type !== 'reply')
          trace.line(this.name, () => `gets ${answer.type} for ${subject} ${textOf(payload)}`);
        return answer;
      },
    };
  }
}

/** What follows from an error of the client; anything that it does not promise to throw is thrown on. */
function conclusionFrom(error: unknown): string {
  if (error instanceof CorralRefusal) return 'refused';
  if (error instanceof CorralUnreachable) return CONCLUSIONS[error.acceptance];
  throw error;
}

const CONCLUSIONS: Readonly<Record<Acceptance, string>> = {
  no: 'not-accepted',
  'not-this-copy': 'not-this-copy',
  maybe: 'maybe',
  yes: 'accepted',
};

/** The codes in which a node answers, and what each of them means. */
const CODES = {
  'no-owner': 'no-owner',
  'hub-away': 'hub-unavailable',
  'outcome-unreadable': 'outcome-unreadable',
  unanswered: 'no-answer',
} as const;

function conclusionOverHttp(answer: CommandAnswer, isFirstUse: boolean): string {
  if (answer.type === 'accepted') return answer.outcome.outcome;
  if (answer.type === 'refused') return 'refused';
  const acceptance = acceptanceOf(CODES[answer.type]);
  return CONCLUSIONS[isFirstUse && acceptance === 'not-this-copy' ? 'no' : acceptance];
}

function textOf(payload: Uint8Array): string {
  const decoded = decode(payload);
  return decoded.ok ? JSON.stringify(decoded.value) : decoded.detail;
}

function clamped(value: number, from: number, to: number): number {
  return Math.min(to, Math.max(from, value));
}

/** The arguments of a person's word; `null` for any other command. */
export function wordArgs(name: string, document: TwinDocument | null): Wish['args'] | null {
  const reason = 'looked at it';
  if (name === 'clear') return { reason };
  if (name !== ABANDON) return null;
  const known = document?.pending.find(({ undecided }) => undecided)?.id;
  return { reason, command: known ?? forgottenNumber(document) ?? 'none' };
}

/** The number of a command that the ledger does not know, and that the device names undecided; a person reads it in the doubt. */
function forgottenNumber(document: TwinDocument | null): string | undefined {
  const doubt = document?.suspicions.find(({ reason }) => reason === 'forgotten-command');
  return / \(n (\d+)\) /.exec(doubt?.detail ?? '')?.[1];
}
