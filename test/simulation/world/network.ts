/**
 * The network between the parties of the world: devices, the hub, nodes, the store, backends. Any link may be cut, also
 * in one direction alone, lose, double, reorder and delay; nobody is told.
 */
import type { WorldRecord } from '../record.ts';
import type { Chance } from './chance.ts';
import type { Cancel, Schedule } from './schedule.ts';

/** How a link behaves while it is not cut. */
export interface Quality {
  /** Most messages take about this long, ms. */
  readonly usualMs: number;
  /** This part of them takes `longMs` instead, on average: buffers, dead spots, retransmission. */
  readonly longPart: number;
  readonly longMs: number;
  readonly lossPart: number;
  readonly doublePart: number;
}

/** A link on a good day. */
export const GOOD: Quality = { usualMs: 20, longPart: 0, longMs: 0, lossPart: 0, doublePart: 0 };

/** No message is under way for longer than this, ms. */
const UNDER_WAY_MAX_MS = 6 * 3_600_000;
/** After the network has healed, everything arrives within this, ms. */
const HEALED_WITHIN_MS = 30_000;

/** The way between two parties, in both directions. */
export interface Link {
  readonly ends: readonly [string, string];
  /** Whose messages do not pass: both parties' where it is cut, one's where it is cut in one direction. */
  readonly silenced: Set<string>;
  quality: Quality;
  /** While it is cut it keeps some of the messages: a site's leaf does, a client that knows its business does not. */
  keeps: boolean;
}

/** The other side did not answer: what was asked may or may not have been done. */
export class NoAnswer extends Error {
  override readonly name = 'NoAnswer';
}

interface Message {
  readonly deliver: () => void;
  readonly cancel: Cancel;
  readonly at: number;
}

export class Network {
  readonly #schedule: Schedule;
  readonly #chance: Chance;
  readonly #record: WorldRecord;
  readonly #links = new Map<string, Link>();
  readonly #underWay = new Set<Message>();
  /** When the last of what was sent so far arrives, by direction. */
  readonly #lastArrivals = new Map<string, number>();
  /** Messages that a cut link keeps in a buffer until it is whole again. */
  readonly #kept = new Map<Link, (() => void)[]>();

  constructor(schedule: Schedule, chance: Chance, record: WorldRecord) {
    this.#schedule = schedule;
    this.#chance = chance;
    this.#record = record;
  }

  link(one: string, other: string): Link {
    const name = one < other ? `${one} ${other}` : `${other} ${one}`;
    let link = this.#links.get(name);
    if (link === undefined) {
      link = { ends: [one, other], silenced: new Set(), quality: GOOD, keeps: false };
      this.#links.set(name, link);
    }
    return link;
  }

  /** Sends a message that may be lost, doubled, delayed and overtaken. */
  send(from: string, to: string, deliver: () => void): void {
    const link = this.link(from, to);
    if (link.silenced.has(from)) {
      if (link.keeps && this.#chance.hits(0.2)) this.#keep(link, deliver);
      return;
    }
    if (this.#chance.hits(link.quality.lossPart)) {
      this.#record.count('message-lost');
      return;
    }
    const delayMs = this.#delayOn(link);
    this.#noteOrder(`${from} ${to}`, delayMs);
    this.#carry(delayMs, deliver);
    if (!this.#chance.hits(link.quality.doublePart)) return;
    this.#record.count('message-doubled');
    this.#carry(this.#delayOn(link) * 3, deliver);
  }

  /** Sends a message at an exact time, unless the link is cut: the worst moment is as likely as any other. */
  sendAt(from: string, to: string, at: number, deliver: () => void): void {
    if (this.link(from, to).silenced.has(from)) return;
    this.#record.count('command-at-its-deadline');
    this.#carry(at - this.#schedule.now, deliver);
  }

  /**
   * Asks over a connection and waits for the answer. A link that is cut on the way there or back, or is being cut meanwhile, or an answer that takes
   * longer than `timeoutMs` leads to {@link NoAnswer}.
   */
  ask<T>(from: string, to: string, timeoutMs: number, answer: () => Promise<T>): Promise<T> {
    const link = this.link(from, to);
    return new Promise((resolve, reject) => {
      const fail = (why: string): void => reject(new NoAnswer(`${to} does not answer: ${why}`));
      const cancel = this.#schedule.after(timeoutMs, () => fail('timeout'));
      const end = (use: () => void): void => {
        cancel();
        use();
      };
      const across = (by: string, work: () => void): void => {
        if (link.silenced.has(by)) return;
        this.#carry(this.#latency(link), () => {
          if (!link.silenced.has(by)) work();
        });
      };
      across(from, () => {
        answer().then(
          (value) => across(to, () => end(() => resolve(value))),
          (error: unknown) => across(to, () => end(() => reject(asError(error)))),
        );
      });
    });
  }

  /** Cuts a link, for what both parties send or one of them; what is under way on it arrives or not, like rain on a roof. */
  cut(link: Link, by: readonly string[] = link.ends): void {
    for (const party of by) link.silenced.add(party);
  }

  /** Makes a link whole again, and lets go of what waited for it. */
  mend(link: Link): void {
    link.silenced.clear();
    for (const deliver of this.#kept.get(link) ?? []) this.#carry(this.#delayOn(link), deliver);
    this.#kept.delete(link);
  }

  /** From now on every link is good, and whatever is under way arrives soon. */
  heal(): void {
    for (const link of this.#links.values()) {
      link.quality = GOOD;
      this.mend(link);
    }
    const latest = this.#schedule.now + HEALED_WITHIN_MS;
    for (const message of [...this.#underWay]) {
      if (message.at <= latest) continue;
      message.cancel();
      this.#underWay.delete(message);
      this.#carry(this.#chance.between(0, HEALED_WITHIN_MS), message.deliver);
    }
  }

  #noteOrder(direction: string, delayMs: number): void {
    const at = this.#schedule.now + delayMs;
    const last = this.#lastArrivals.get(direction) ?? -Infinity;
    if (at < last) this.#record.count('message-overtaken');
    this.#lastArrivals.set(direction, Math.max(at, last));
  }

  #keep(link: Link, deliver: () => void): void {
    this.#record.count('message-kept-by-a-cut-link');
    const kept = this.#kept.get(link);
    if (kept === undefined) this.#kept.set(link, [deliver]);
    else kept.push(deliver);
  }

  #carry(delayMs: number, deliver: () => void): void {
    const at = this.#schedule.now + Math.min(delayMs, UNDER_WAY_MAX_MS);
    const cancel = this.#schedule.at(at, () => {
      this.#underWay.delete(message);
      deliver();
    });
    const message: Message = { deliver, cancel, at };
    this.#underWay.add(message);
  }

  #delayOn({ quality }: Link): number {
    if (this.#chance.hits(quality.longPart)) {
      this.#record.count('message-late');
      return this.#chance.exponential(quality.longMs);
    }
    return this.#latency({ quality });
  }

  /** Now and then there is next to none: bounds that are only right with a few ms to spare are wrong. */
  #latency({ quality }: Pick<Link, 'quality'>): number {
    return this.#chance.hits(0.1) ? 0.01 : this.#chance.exponential(quality.usualMs);
  }
}

function asError(cause: unknown): Error {
  return cause instanceof Error ? cause : new Error(String(cause));
}
