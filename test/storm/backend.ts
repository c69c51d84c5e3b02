/**
 * A backend of a storm: it reads, commands, asks again under the same id and asks the ledger, through the production client over NATS and over HTTP
 * through either node, and writes down what it was told.
 */
import { type Corral, connectCorral, CorralRefusal, CorralUnreachable } from '../../src/client/corral.ts';
import type { Acceptance } from '../../src/wire/acceptance.ts';
import type { Chance } from '../simulation/world/chance.ts';
import type { Conclusion } from '../simulation/record.ts';
import { ask, type HttpAnswer } from './http.ts';
import type { StormRecord } from './record.ts';

/** What a backend is made of. */
export interface StormBackendOptions {
  readonly name: string;
  /** Of the hub, by its way. */
  readonly url: string;
  /** Of each node, by its way. */
  readonly httpUrls: () => readonly string[];
  readonly devices: readonly string[];
  readonly chance: Chance;
  readonly record: StormRecord;
}

/** A command that it wants executed. */
interface Wish {
  readonly device: string;
  readonly name: string;
  readonly id: string;
  readonly args: Readonly<Record<string, unknown>>;
  readonly waitMs: number;
  readonly deadlineMs: number;
}

/** Between two wishes, ms on average. */
const WISH_MS = 60;
/** Before it asks again, ms on average. */
const AGAIN_MS = 120;
/** It asks for one command so often at most. */
const ATTEMPTS_MAX = 5;
const HTTP_PART = 0.3;
const FINAL: readonly string[] = ['done', 'rejected', 'expired', 'refused'];
const NAMES = ['reserve', 'release', 'start', 'stop', 'report'] as const;
/** Only of these it wants what is asked last of all. */
const EXAM = ['report', 'release', 'stop', 'reserve', 'release'] as const;
const EXAM_WAIT_MS = 5_000;
/** Nothing is wrong any more then: whoever is not answered for so long never will be, ms. */
const EXAM_PATIENCE_MS = 240_000;

const CONCLUSIONS: Readonly<Record<Acceptance, string>> = {
  no: 'not-accepted',
  'not-this-copy': 'not-this-copy',
  maybe: 'maybe',
  yes: 'accepted',
};

/** See the head of this file. */
export class StormBackend {
  readonly corral: Corral;
  readonly #options: StormBackendOptions;
  #isOn = true;
  #isClosed = false;
  #wishes: Promise<void> = Promise.resolve();

  static async connect(options: StormBackendOptions): Promise<StormBackend> {
    const { url, name, chance } = options;
    const encoding = chance.pick(['json', 'msgpack'] as const);
    return new StormBackend(await connectCorral({ url, name, encoding }), options);
  }

  private constructor(corral: Corral, options: StormBackendOptions) {
    this.corral = corral;
    this.#options = options;
  }

  /** Begins to wish for things, until `retire`. */
  begin(): void {
    this.#wishes = this.#wish();
  }

  /** Wishes for nothing more; resolves when everything that it asked for was answered or given up. */
  async retire(): Promise<void> {
    this.#isOn = false;
    await this.#wishes;
  }

  /** Ends it, whatever it is still asking. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.corral.close();
  }

  /** Tells a device to do something, and asks until it has an answer that is final. Resolves with that. */
  async examine(device: string): Promise<readonly { readonly name: string; readonly concluded: string }[]> {
    const answers: { name: string; concluded: string }[] = [];
    for (const name of EXAM) {
      const document = await this.corral.get(device, { deadlineMs: EXAM_PATIENCE_MS });
      if (name !== 'report' && !document.allowed.includes(name)) continue;
      const id = this.#options.chance.uuid();
      const wish = { device, name, id, args: {}, waitMs: EXAM_WAIT_MS, deadlineMs: EXAM_WAIT_MS };
      let concluded = await this.#command(wish);
      // A client that is closed is not asked again: it would answer at once, for ever.
      while (!FINAL.includes(concluded) && !this.#isClosed) concluded = await this.#command(wish);
      answers.push({ name, concluded });
    }
    return answers;
  }

  async #wish(): Promise<void> {
    const { chance, devices } = this.#options;
    while (this.#isOn) {
      await pause(chance.exponential(WISH_MS));
      const device = chance.pick(devices);
      if (chance.hits(0.3)) await this.#look(device);
      else await this.#want(device);
    }
  }

  async #want(device: string): Promise<void> {
    const { chance } = this.#options;
    const wish: Wish = {
      ...{ device, name: chance.pick(NAMES), id: chance.uuid(), args: {} },
      waitMs: chance.pick([0, 100, 1_000]),
      deadlineMs: chance.pick([50, 400, 1_500]),
    };
    for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt += 1) {
      const concluded = await (chance.hits(HTTP_PART) ? this.#commandOverHttp(wish) : this.#command(wish));
      if (chance.hits(FINAL.includes(concluded) ? 0.85 : 0.15)) return;
      await pause(chance.exponential(AGAIN_MS));
      if (chance.hits(0.3)) await this.#askLedger(wish);
    }
  }

  async #look(device: string): Promise<void> {
    const { chance, record } = this.#options;
    const isHttp = chance.hits(HTTP_PART);
    const askedAt = Date.now();
    const version = isHttp ? await this.#versionOverHttp(device) : await this.#version(device);
    if (version === null) return;
    record.versions.push({ device, version, by: isHttp ? 'http' : 'nats', askedAt, at: Date.now() });
  }

  async #version(device: string): Promise<number | null> {
    const { record, chance } = this.#options;
    const request = { device, operation: 'get' as const, name: null, args: {}, id: null, at: Date.now() };
    const document = await unlessUnanswered(
      this.corral.get(device, { deadlineMs: chance.pick([50, 1_000]) }),
    );
    if (document === null) return null;
    const at = Date.now();
    record.said.push({ node: 'nats', request, at, atServer: at, body: { ...document } });
    return document.version;
  }

  async #versionOverHttp(device: string): Promise<number | null> {
    const answer = await ask(`${this.#httpUrl()}/v1/devices/${device}`);
    return answer?.status === 200 ? (answer.body.version as number) : null;
  }

  async #command(wish: Wish): Promise<string> {
    const { device, name, args, ...options } = wish;
    const { record } = this.#options;
    const conclusion = this.#asked(wish);
    const request = {
      device,
      operation: 'command' as const,
      name,
      args,
      id: wish.id,
      at: conclusion.askedAt,
    };
    const said = (body: Readonly<Record<string, unknown>>): void => {
      const at = Date.now();
      record.said.push({ node: 'nats', request, at, atServer: at, body });
    };
    try {
      const result = await this.corral.command(device, name, args, { ...options, by: this.#options.name });
      said({ ...result });
      return this.#concluded(conclusion, result.outcome);
    } catch (error) {
      if (error instanceof CorralRefusal) {
        said({ outcome: 'refused', code: error.code });
        return this.#concluded(conclusion, 'refused', error.message);
      }
      if (error instanceof CorralUnreachable)
        return this.#concluded(conclusion, CONCLUSIONS[error.acceptance], error.message);
      record.fault(`the client threw what it does not promise: ${String(error)}`);
      return this.#concluded(conclusion, 'maybe');
    }
  }

  async #commandOverHttp(wish: Wish): Promise<string> {
    const { device, name, id, args, waitMs } = wish;
    const conclusion = this.#asked(wish);
    const order = { id, name, args, by: this.#options.name };
    const answer = await ask(
      `${this.#httpUrl()}/v1/devices/${device}/commands?waitMs=${String(waitMs)}`,
      order,
    );
    return this.#concluded(conclusion, conclusionOf(answer), JSON.stringify(answer));
  }

  #httpUrl(): string {
    return this.#options.chance.pick(this.#options.httpUrls());
  }

  #asked({ device, id, name, args, waitMs }: Wish): Conclusion {
    const { record } = this.#options;
    const askedAt = Date.now();
    const conclusion: Conclusion = {
      ...{ device, id, name, args, askedAt, waitsUntil: askedAt + waitMs },
      ...{ concluded: null, concludedAt: null },
    };
    record.conclusions.push(conclusion);
    record.asked += 1;
    return conclusion;
  }

  #concluded(conclusion: Conclusion, concluded: string, detail = ''): string {
    conclusion.concluded = concluded;
    conclusion.concludedAt = Date.now();
    const { name, device, id } = conclusion;
    this.#options.record.note(this.#options.name, `${name} ${device} ${id}: ${concluded} ${detail}`);
    return concluded;
  }

  async #askLedger({ device, id, name, args }: Wish): Promise<void> {
    const { record, chance } = this.#options;
    const askedAt = Date.now();
    const request = { device, operation: 'ledger' as const, name, args, id, at: askedAt };
    try {
      const result = await this.corral.ledger(device, id, { deadlineMs: chance.pick([50, 1_000]) });
      const at = Date.now();
      record.said.push({ node: 'nats', request, at, atServer: at, body: { ...result } });
    } catch (error) {
      if (error instanceof CorralRefusal && error.code === 'unknown-id')
        record.unknownIds.push({ device, id, askedAt });
      else if (!(error instanceof CorralRefusal || error instanceof CorralUnreachable))
        record.fault(`the client threw what it does not promise: ${String(error)}`);
    }
  }
}

/** What `docs/http.md` lets a caller conclude. */
function conclusionOf(answer: HttpAnswer | null): string {
  if (answer === null) return 'maybe';
  const { status, body } = answer;
  if (status === 200 || status === 202) return String(body.outcome);
  return CONCLUSIONS[(body.acceptance as Acceptance | undefined) ?? 'maybe'];
}

async function unlessUnanswered<T>(answer: Promise<T>): Promise<T | null> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof CorralRefusal || error instanceof CorralUnreachable) return null;
    throw error;
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => void setTimeout(resolve, ms));
}
