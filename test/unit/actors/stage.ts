/**
 * A stage for one twin: it has the time, says to the twin what a test wants it to hear, and keeps what it decided.
 */
import type { Command } from '../../../machines/command.ts';
import { chargePoint } from '../../../machines/charge-point.ts';
import type { Kind } from '../../../machines/kind.ts';
import type { Report } from '../../../machines/report.ts';
import { decide } from '../../../actors/decide.ts';
import type { Decision, Input, Reply } from '../../../actors/decision.ts';
import { twinDocument } from '../../../actors/document.ts';
import type { LedgerEntry } from '../../../src/contract/ledger-entry.ts';
import type { TwinDocument } from '../../../src/contract/twin-document.ts';
import type { Source } from '../../../actors/known-source.ts';
import { bornTwin, type CommandRequest, type Twin } from '../../../actors/twin.ts';
import { nextWakeAt } from '../../../actors/wake.ts';

/** Where stages begin: some afternoon, ms epoch. */
export const T0 = 1_750_000_000_000;

export interface StageOptions {
  readonly kind?: Kind;
  readonly epoch?: number;
  readonly serverErrorMs?: number;
}

/** What a test gives of a request; the rest is unremarkable. */
export type Asking = Partial<Omit<CommandRequest, 'replyTo' | 'name'>> & { readonly waitMs?: number };

export class Stage {
  readonly kind: Kind;
  readonly serverErrorMs: number;
  readonly decisions: Decision[] = [];
  /** The ledger as the store would hold it: every entry as it was last written. */
  readonly ledger = new Map<string, LedgerEntry>();
  readonly commands: Command[] = [];
  /** Reply subjects of all requests. */
  readonly addresses: string[] = [];
  readonly replies: { readonly to: string; readonly reply: Reply }[] = [];
  twin: Twin;
  now = T0;
  /** It may be later than `now` by so much, ms. */
  uncertainMs = 0;
  epoch: number;
  hearingSince: number | null = T0;
  readThroughAt: number | null = T0;
  /** What is known of who speaks for it. */
  source: Source | null = null;
  #asked = 0;

  constructor(options: StageOptions = {}) {
    this.kind = options.kind ?? chargePoint;
    this.epoch = options.epoch ?? 1;
    this.serverErrorMs = options.serverErrorMs ?? 0;
    this.twin = bornTwin({ device: 'cp-1', kind: this.kind, site: 'depot' });
  }

  /** The twin hears a report, received now unless said otherwise. */
  hear(report: Report, receivedAt = this.now): Decision {
    return this.tell({ type: 'report', report, receivedAt, encoding: 'json' });
  }

  /** A backend asks for a command. */
  ask(name: string, given: Asking = {}, known: LedgerEntry | null = null): Decision {
    this.#asked += 1;
    const { waitMs, ...rest } = given;
    const request: CommandRequest = {
      id: `request-${String(this.#asked)}`,
      name,
      args: {},
      ifVersion: null,
      by: null,
      asker: 'nats:backend',

      waitUntil: this.now + (waitMs ?? 0),
      replyTo: { subject: `_INBOX.${this.#asked}`, encoding: 'json' },
      ...rest,
    };
    this.addresses.push(request.replyTo.subject);
    return this.tell({ type: 'command', request, known });
  }

  /** Time passes, and the twin is woken whenever it asked to be. */
  pass(ms: number): readonly Decision[] {
    const end = this.now + ms;
    const woken: Decision[] = [];
    for (let at = this.wakeAt(); at <= end; at = this.wakeAt()) {
      this.now = Math.max(this.now, at);
      woken.push(this.wake());
      if (woken.length > 10_000) throw new Error(`the twin is woken for ever at ${this.now}`);
    }
    this.now = end;
    return woken;
  }

  /** The twin is woken now. */
  wake(): Decision {
    return this.tell({ type: 'wake' });
  }

  wakeAt(): number {
    const { now, source } = this;
    return nextWakeAt(this.kind, this.twin, this.hearingSince, { now, source });
  }

  tell(input: Input): Decision {
    const { now, hearingSince, readThroughAt, epoch, serverErrorMs, uncertainMs, source } = this;
    const context = { now, hearingSince, readThroughAt, epoch, serverErrorMs, uncertainMs, source };
    const decision = decide(this.kind, this.twin, input, context);
    this.twin = decision.twin;
    this.decisions.push(decision);
    for (const entry of decision.ledger) this.ledger.set(entry.id, entry);
    for (const effect of decision.effects) {
      if (effect.type === 'send') this.commands.push(effect.command);
      if (effect.type === 'answer') this.replies.push({ to: effect.to.subject, reply: effect.reply });
    }
    return decision;
  }

  get document(): TwinDocument {
    const { twin, kind, now, serverErrorMs } = this;
    return twinDocument({ twin, kind, now, serverErrorMs });
  }

  /** The last command sent to the device. */
  get sent(): Command {
    const command = this.commands.at(-1);
    if (command === undefined) throw new Error('nothing was sent');
    return command;
  }

  /** Codes of the refusals so far. */
  get refusals(): readonly string[] {
    return this.replies.flatMap(({ reply }) => (reply.type === 'refused' ? [reply.refusal.code] : []));
  }

  /** The journal so far, as `from > to`. */
  get journal(): readonly string[] {
    return this.decisions.flatMap(({ transitions }) => transitions.map(({ from, to }) => `${from} > ${to}`));
  }

  get reasons(): readonly string[] {
    return this.twin.suspicions.map(({ reason }) => reason);
  }
}
