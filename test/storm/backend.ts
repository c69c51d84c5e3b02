/**
 * A backend of a storm: it reads, commands, asks again under the same id and asks the ledger, through the production client over NATS and over HTTP
 * through either node, and writes down what it was told.
 */
import type { TwinDocument } from '../../src/contract/twin-document.ts';
import { type Corral, connectCorral, CorralRefusal, CorralUnreachable } from '../../src/client/corral.ts';
import type { Acceptance } from '../../src/wire/acceptance.ts';
import type { Chance } from '../simulation/world/chance.ts';
import type { Conclusion, Heard } from '../simulation/record.ts';
import type { ExamAnswer } from '../simulation/world/evidence.ts';
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
  /** Only at this version of the twin; `null`: at any. */
  readonly ifVersion: number | null;
}

/** Between two wishes, ms on average. */
const WISH_MS = 60;
/** Before it asks again, ms on average. */
const AGAIN_MS = 120;
/** It asks for one command so often at most. */
const ATTEMPTS_MAX = 5;
const HTTP_PART = 0.3;
/** For so long it asks for a document, ms. */
const LOOK_MS = [50, 1_000] as const;
/** In this part of all wishes it has looked before, and wants what it wants of that version alone. */
const BOUND_PART = 0.35;
/** The twin is at another version than it was asked for: nothing is known of the command but that. */
const OUTDATED = 'outdated';
const FINAL: readonly string[] = ['done', 'rejected', 'expired', 'refused', OUTDATED];
const NAMES = ['reserve', 'release', 'start', 'stop', 'report'] as const;
/** Asked last of all, whether or not its document allows it: twice what is allowed once. */
const EXAM = ['report', 'release', 'stop', 'reserve', 'reserve', 'release'] as const;
const EXAM_WAIT_MS = 5_000;

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

  /** Tells a device to do one thing after the other, and asks until it has an answer that is final. Resolves with those that it may. */
  async examine(device: string): Promise<readonly ExamAnswer[]> {
    const answers: ExamAnswer[] = [];
    for (const name of EXAM) {
      let [isAllowed, concluded] = [false, OUTDATED];
      // A client that is closed is not asked again: it would answer at once, for ever.
      while (concluded === OUTDATED && !this.#isClosed) {
        const document = await this.#documentIfAnswered(device, EXAM_WAIT_MS);
        if (document === null) continue;
        const { allowed, version } = document;
        isAllowed = name === 'report' || allowed.includes(name);
        concluded = await this.#commandUntilFinal({ ...this.#examWish(device, name), ifVersion: version });
      }
      if (isAllowed) answers.push({ device, name, concluded });
    }
    return answers;
  }

  #examWish(device: string, name: string): Wish {
    const common = { waitMs: EXAM_WAIT_MS, deadlineMs: EXAM_WAIT_MS, ifVersion: null };
    return { ...common, device, name, id: this.#options.chance.uuid(), args: {} };
  }

  async #commandUntilFinal(wish: Wish): Promise<string> {
    let concluded = await this.#command(wish);
    while (!FINAL.includes(concluded) && !this.#isClosed) concluded = await this.#command(wish);
    return concluded;
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
    const isBound = chance.hits(BOUND_PART);
    const document = isBound ? await this.#documentIfAnswered(device, chance.pick(LOOK_MS)) : null;
    const wish: Wish = {
      device,
      name: this.#choose(document),
      id: chance.uuid(),
      args: {},
      ifVersion: document?.version ?? null,
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

  /** Mostly what is allowed, where that is known. */
  #choose(document: TwinDocument | null): string {
    const { chance } = this.#options;
    const useful = NAMES.filter((name) => document?.allowed.includes(name));
    return useful.length > 0 && chance.hits(0.8) ? chance.pick(useful) : chance.pick(NAMES);
  }

  async #look(device: string): Promise<void> {
    const { chance, record } = this.#options;
    if (!chance.hits(HTTP_PART)) {
      await this.#documentIfAnswered(device, chance.pick(LOOK_MS));
      return;
    }
    const askedAt = Date.now();
    const version = await this.#versionOverHttp(device);
    if (version !== null) record.versions.push({ device, version, by: 'http', askedAt, at: Date.now() });
  }

  async #documentIfAnswered(device: string, deadlineMs: number): Promise<TwinDocument | null> {
    try {
      return await this.#document(device, deadlineMs);
    } catch (error) {
      if (!(error instanceof CorralRefusal || error instanceof CorralUnreachable)) throw error;
      this.#options.record.note(this.#options.name, `get ${device}: ${error.message}`);
      return null;
    }
  }

  async #document(device: string, deadlineMs: number): Promise<TwinDocument> {
    const { record } = this.#options;
    const askedAt = Date.now();
    const request = { ...heard(device, askedAt), operation: 'get' as const };
    const document = await this.corral.get(device, { deadlineMs });
    const at = Date.now();
    record.said.push({ node: 'nats', request, at, atServer: at, body: { ...document } });
    record.versions.push({ device, version: document.version, by: 'nats', askedAt, at });
    return document;
  }

  async #versionOverHttp(device: string): Promise<number | null> {
    const answer = await ask(`${this.#httpUrl()}/v1/devices/${device}`);
    return answer?.status === 200 ? (answer.body.version as number) : null;
  }

  async #command(wish: Wish): Promise<string> {
    const { device, name, args, ifVersion, ...options } = wish;
    const { record } = this.#options;
    const conclusion = this.#asked(wish);
    const { askedAt: at, id } = conclusion;
    const request = { ...heard(device, at), operation: 'command' as const, name, args, id, ifVersion };
    const said = (body: Readonly<Record<string, unknown>>): void => {
      const at = Date.now();
      record.said.push({ node: 'nats', request, at, atServer: at, body });
    };
    try {
      const bound = ifVersion === null ? options : { ...options, ifVersion };
      const result = await this.corral.command(device, name, args, { ...bound, by: this.#options.name });
      said({ ...result });
      return this.#concluded(conclusion, result.outcome);
    } catch (error) {
      if (error instanceof CorralRefusal) {
        const { code, state, allowed } = error;
        said({ outcome: 'refused', code, state, allowed });
        this.#concluded(conclusion, 'refused', error.message);
        return code === 'version-mismatch' ? OUTDATED : 'refused';
      }
      if (error instanceof CorralUnreachable)
        return this.#concluded(conclusion, CONCLUSIONS[error.acceptance], error.message);
      record.fault(`the client threw what it does not promise: ${String(error)}`);
      return this.#concluded(conclusion, 'maybe');
    }
  }

  async #commandOverHttp(wish: Wish): Promise<string> {
    const { device, name, id, args, waitMs, ifVersion } = wish;
    const conclusion = this.#asked(wish);
    const order = { id, name, args, by: this.#options.name, ...(ifVersion !== null && { ifVersion }) };
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
      device,
      id,
      name,
      args,
      askedAt,
      waitsUntil: askedAt + waitMs,
      concluded: null,
      concludedAt: null,
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
    const request = { ...heard(device, askedAt), operation: 'ledger' as const, name, args, id };
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

/** A request without anything of its own. */
function heard(device: string, at: number): Omit<Heard, 'operation'> {
  return { device, name: null, args: {}, id: null, ifVersion: null, at };
}

/** What `docs/http.md` lets a caller conclude. */
function conclusionOf(answer: HttpAnswer | null): string {
  if (answer === null) return 'maybe';
  const { status, body } = answer;
  if (status === 200 || status === 202) return String(body.outcome);
  return CONCLUSIONS[(body.acceptance as Acceptance | undefined) ?? 'maybe'];
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => void setTimeout(resolve, ms));
}
