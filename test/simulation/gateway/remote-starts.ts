/**
 * Remote starts through a gateway, one after the other, on simulated time: the production twin, the production agent, and a station that
 * does not say what becomes of them. What the ledger says in the end, what the device is and what its history shows is held against what
 * the station really did.
 */
import { chargePoint } from '../../../machines/charge-point.ts';
import type { Report } from '../../../machines/report.ts';
import { decide } from '../../../actors/decide.ts';
import type { FiledReport, Input, Reply } from '../../../actors/decision.ts';
import { twinDocument } from '../../../actors/document.ts';
import { isUndecided } from '../../../actors/ledger.ts';
import type { LedgerEntry } from '../../../src/contract/ledger-entry.ts';
import { timelineOf } from '../../../actors/timeline.ts';
import { bornTwin, type Twin } from '../../../actors/twin.ts';
import { nextWakeAt } from '../../../actors/wake.ts';
import { startAgent } from '../../../src/device/agent.ts';
import type { DeviceAgent } from '../../../src/device/device-agent.ts';
import { AGENT_LIMITS } from '../../../src/device/limits.ts';
import { MemoryStorage, StorageMedium } from '../../../src/device/memory-storage.ts';
import type { LinkListener } from '../../../src/device/ports.ts';
import { decode, encode } from '../../../src/wire/codec.ts';
import { Chance } from '../world/chance.ts';
import { Schedule } from '../world/schedule.ts';
import { type RemoteStart, Station } from './station.ts';
import { sentTooEarly, wrongWord } from './start-rules.ts';

/** What happened, in numbers, and every place at which ledger, device and history do not agree. */
export interface Figures {
  readonly starts: number;
  readonly outcomes: Readonly<Record<string, number>>;
  readonly sessions: number;
  readonly unanswered: number;
  /** Starts that were named undecided beyond their `certainAt`. */
  readonly undecided: number;
  /** Other customers who asked for the bay meanwhile, and were refused `pending`. */
  readonly refused: number;
  readonly slowestEffectMs: number;
  readonly hours: number;
  readonly flaws: readonly string[];
}

const BEGINS = Date.UTC(2026, 0, 5, 6);
const WAY_MS = 30;
const LOOK_EVERY_MS = 5_000;
/** An operator gives a start up of which nobody has told anything for so long, ms. */
const ABANDON_AFTER_MS = 900_000;
const SERVER_ERROR_MS = 50;

/** Runs so many remote starts of one charge point, from a seed. */
export async function runRemoteStarts(seed: number, starts: number): Promise<Figures> {
  const gateway = new Gateway(seed);
  const life = { isOver: false };
  void gateway.live(starts).then(() => (life.isOver = true));
  while (!life.isOver) await gateway.schedule.runUntil(gateway.schedule.now + 600_000);
  return gateway.figures();
}

class Gateway {
  readonly schedule = new Schedule(BEGINS);
  readonly #chance: Chance;
  readonly #station: Station;
  readonly #medium = new StorageMedium();
  readonly #ledger = new Map<string, LedgerEntry>();
  readonly #filed: FiledReport[] = [];
  readonly #replies = new Map<string, (reply: Reply) => void>();
  readonly #flaws: string[] = [];
  readonly #undecided = new Set<string>();
  /** When an operator gave starts up, by their ids. */
  readonly #givenUpAt = new Map<string, number>();
  #twin: Twin = bornTwin({ device: 'cp-1', kind: chargePoint, site: 'depot' });
  #agent: DeviceAgent | null = null;
  #listener: LinkListener | null = null;
  #cancelWake: () => void = () => undefined;
  #asked = 0;
  #refused = 0;

  constructor(seed: number) {
    this.#chance = new Chance(seed);
    this.#station = new Station(this.schedule, this.#chance.fork('station'));
    this.#station.reconnect = () => void this.#boot();
  }

  /** Starts and stops, again and again. */
  async live(starts: number): Promise<void> {
    await this.#boot();
    for (let count = 0; count < starts; count += 1) {
      await this.#remoteStart(`start-${count}`);
      while (this.#station.isCharging || this.#document.state === 'charging') {
        await this.#sleep(this.#chance.between(20_000, 90_000));
        await this.#ask('stop', `stop-${count}-${this.#asked}`);
        await this.#sleep(LOOK_EVERY_MS);
      }
      await this.#sleep(this.#chance.between(5_000, 30_000));
    }
    await this.#sleep(120_000);
    this.#cancelWake();
    await this.#agent?.stop();
  }

  figures(): Figures {
    const starts = [...this.#station.starts.values()];
    const entries = [...this.#ledger.values()].filter(({ name }) => name === 'start');
    const outcomes: Record<string, number> = {};
    for (const { outcome, reason } of entries) {
      const name = outcome === 'unknown' ? `unknown (${String(reason)})` : outcome;
      outcomes[name] = (outcomes[name] ?? 0) + 1;
    }
    const effects = starts.map(({ effectMs }) => effectMs ?? 0);
    return {
      starts: entries.length,
      outcomes,
      sessions: starts.filter(({ sessionAt }) => sessionAt !== null).length,
      unanswered: starts.filter(({ isAnswered }) => !isAnswered).length,
      undecided: this.#undecided.size,
      refused: this.#refused,
      slowestEffectMs: Math.round(Math.max(0, ...effects)),
      hours: (this.schedule.now - BEGINS) / 3_600_000,
      flaws: [
        ...this.#flaws,
        ...entries.flatMap((entry) => wrongAbout(entry, this.#station.starts.get(entry.n) ?? null)),
        ...sentTooEarly(starts, this.#givenUpAt),
        ...this.#endFlaws(),
        ...this.#historyFlaws(starts),
      ],
    };
  }

  // ------------------------------------------------------------------------------------------------------- one start

  async #remoteStart(id: string): Promise<void> {
    let reply = await this.#ask('start', id);
    for (let again = 1; reply.type === 'refused'; again += 1) {
      await this.#sleep(LOOK_EVERY_MS);
      reply = await this.#ask('start', `${id}-${again}`);
    }
    const { id: accepted } = reply.type === 'ledger' ? reply.entry : { id };
    const since = this.schedule.now;
    for (let entry = this.#entry(accepted); entry.closedAt === null; entry = this.#entry(accepted)) {
      await this.#sleep(LOOK_EVERY_MS);
      const now = this.#entry(accepted);
      if (now.outcome !== 'unknown' || !isUndecided(now)) continue;
      if (!this.#undecided.has(accepted)) await this.#otherCustomer(accepted);
      const isHopeless = this.#station.starts.get(now.n)?.without === 'nobody-tells';
      if (isHopeless && this.schedule.now - since > ABANDON_AFTER_MS) await this.#abandon(accepted);
    }
  }

  /** Somebody else wants the bay while nobody knows whether the first one's start will take effect. */
  async #otherCustomer(undecided: string): Promise<void> {
    this.#undecided.add(undecided);
    const reply = await this.#ask('reserve', `other-${undecided}`);
    if (reply.type === 'refused' && reply.refusal.code === 'pending') this.#refused += 1;
    else if (isUndecided(this.#entry(undecided)))
      this.#flaws.push(`while ${undecided} was undecided another customer was told ${JSON.stringify(reply)}`);
  }

  async #abandon(id: string): Promise<void> {
    const args = { command: id, reason: 'nobody tells' };
    this.#givenUpAt.set(id, this.schedule.now);
    await this.#ask('abandon', `abandon-${id}`, args);
  }

  #entry(id: string): LedgerEntry {
    const entry = this.#ledger.get(id);
    if (entry === undefined) throw new Error(`${id} is not in the ledger`);
    return entry;
  }

  #sleep(ms: number): Promise<void> {
    return new Promise((resolve) => void this.schedule.after(ms, resolve));
  }

  // ----------------------------------------------------------------------------------------------------------- twin

  get #now(): number {
    return Math.ceil(this.schedule.now);
  }

  get #document(): ReturnType<typeof twinDocument> {
    return twinDocument({
      twin: this.#twin,
      kind: chargePoint,
      now: this.#now,
      serverErrorMs: SERVER_ERROR_MS,
    });
  }

  #ask(name: string, id: string, args: Readonly<Record<string, unknown>> = {}): Promise<Reply> {
    this.#asked += 1;
    const subject = `_INBOX.${this.#asked}`;
    const request = {
      id,
      name,
      args,
      ifVersion: null,
      by: 'eva',
      asker: 'nats:backend',
      waitUntil: this.#now,
      replyTo: { subject, encoding: 'json' as const },
    };
    return new Promise((resolve) => {
      this.#replies.set(subject, resolve);
      this.#tell({ type: 'command', request, known: null });
    });
  }

  #tell(input: Input): void {
    const [now, serverErrorMs] = [this.#now, SERVER_ERROR_MS];
    const context = { now, hearingSince: BEGINS, readThroughAt: BEGINS, epoch: 1, serverErrorMs };
    const { twin, filed, ledger, effects } = decide(chargePoint, this.#twin, input, context);
    this.#twin = twin;
    if (filed !== null) this.#filed.push(filed);
    for (const entry of ledger) this.#ledger.set(entry.id, entry);
    for (const effect of effects) {
      if (effect.type === 'send') {
        const payload = encode(effect.command, 'json');
        this.schedule.after(WAY_MS, () => this.#listener?.command(payload));
      } else if (effect.type === 'answer') {
        this.#replies.get(effect.to.subject)?.(effect.reply);
        this.#replies.delete(effect.to.subject);
      }
    }
    this.#cancelWake();
    const wakeAt = nextWakeAt(chargePoint, this.#twin, BEGINS);
    if (wakeAt < Infinity) this.#cancelWake = this.schedule.at(wakeAt, () => this.#tell({ type: 'wake' }));
  }

  // ---------------------------------------------------------------------------------------------------------- agent

  /** A session with the station begins: a boot of its agent. */
  async #boot(): Promise<void> {
    await this.#agent?.stop();
    const { schedule } = this;
    const begunAt = schedule.now;
    this.#agent = await startAgent({
      device: 'cp-1',
      kind: 'charge-point',
      encoding: 'json',
      order: 'current-first',
      limits: AGENT_LIMITS,
      clock: {
        uptime: () => Math.floor(schedule.now - begunAt),
        wall: () => null,
        after: (delayMs, work) => schedule.after(delayMs, work),
      },
      storage: new MemoryStorage(this.#medium),
      link: {
        publish: (payload) => this.#publish(payload),
        listen: (listener) => {
          this.#listener = listener;
          return async () => {
            this.#listener = null;
          };
        },
      },
      body: this.#station,
    });
  }

  #publish(payload: Uint8Array): Promise<void> {
    return new Promise((resolve) => {
      this.schedule.after(WAY_MS, () => {
        const decoded = decode(payload);
        const value = decoded.ok ? decoded.value : [];
        for (const report of (Array.isArray(value) ? value : [value]) as Report[])
          this.#tell({ type: 'report', report, receivedAt: this.#now, encoding: 'json' });
        this.schedule.after(WAY_MS, resolve);
      });
    });
  }

  // ------------------------------------------------------------------------------------------------------- judgement

  #endFlaws(): readonly string[] {
    const { state, suspicions, pending } = this.#document;
    const left = [...suspicions.map(({ detail }) => detail), ...pending.map(({ id }) => `${id} is open`)];
    const truth = this.#station.isCharging ? 'charging' : 'available';
    return [...left, ...(state === truth ? [] : [`the device is ${truth}, and its twin says ${state}`])];
  }

  /** The history shows exactly the sessions that there were, from when they began on. */
  #historyFlaws(starts: readonly RemoteStart[]): readonly string[] {
    const reports = [...this.#filed]
      .map(({ incarnation, report, measuredAt, errorMs }) => {
        const { boot, seq, state } = report;
        return { incarnation, boot, seq, state, measuredAt, errorMs };
      })
      .sort((a, b) => a.boot - b.boot || a.seq - b.seq);
    const end = { until: this.#now, silenceMs: chargePoint.limits.silenceMs };
    const charging = timelineOf(reports, end).filter(({ state }) => state === 'charging');
    const sessions = starts.filter(({ sessionAt }) => sessionAt !== null);
    if (charging.length !== sessions.length)
      return [`there were ${sessions.length} sessions, and the history shows ${charging.length}`];
    return sessions.flatMap(({ id, sessionAt, isAnswered }, index) => {
      const { from = 0, errorMs = null } = charging[index] ?? {};
      // While a call is waited for nothing is reported.
      const mostMs = (errorMs ?? 1_000) + 2 * WAY_MS + (isAnswered ? 0 : AGENT_LIMITS.actMs);
      const offMs = from - (sessionAt ?? 0);
      return Math.abs(offMs) <= mostMs
        ? []
        : [`the session of ${id} began ${offMs} ms away from where history has it`];
    });
  }
}

function wrongAbout(entry: LedgerEntry, start: RemoteStart | null): readonly string[] {
  const { id, outcome, reason } = entry;
  const wrong =
    wrongWord(entry, start) ?? (outcome === 'pending' ? 'it is open' : wrongUnknown(entry, start));
  return wrong === null ? [] : [`${id} is ${outcome} (${String(reason)}) in the end, and ${wrong}`];
}

/** Nothing is ever lost here: what anybody can know is known. */
function wrongUnknown({ outcome, reason }: LedgerEntry, start: RemoteStart | null): string | null {
  if (outcome !== 'unknown') return null;
  const isRight = reason === 'abandoned' ? start?.without === 'nobody-tells' : reason === 'interrupted';
  return isRight ? null : 'it could have been told';
}
