/**
 * What follows a commit: what was decided is sent, answered, told to those who wait, and published. Nothing of it happens before.
 *
 * Whoever waits for an outcome has a command that was accepted, and is never told otherwise: at the end of the wait how it stands is
 * known from what was committed, because every change of it would have been committed here; where this node is not sure any more that
 * it would have been, it says that and no more.
 */
import type { Effect } from '../../actors/decision.ts';
import type { Forgetting } from '../contract/journal-entry.ts';
import type { LedgerEntry } from '../contract/ledger-entry.ts';
import { encode } from '../wire/codec.ts';
import { encodeFailure, encodeReply } from '../wire/reply.ts';
import type { Batch, WrittenEntry } from './batch.ts';
import { giveUpAnswer } from './given-up.ts';
import type { RuntimeLimits } from './limits.ts';
import type { Bus, Clock } from './ports.ts';
import type { Publisher } from './publisher.ts';
import type { Telemetry } from './telemetry.ts';
import type { Traces } from './traces.ts';
import { type Waited, Waiters } from './waiters.ts';

/** What acting takes. */
export interface EffectsOptions {
  readonly clock: Clock;
  readonly bus: Bus;
  readonly limits: RuntimeLimits;
  readonly telemetry: Telemetry;
  readonly publisher: Publisher;
  readonly traces: Traces;
  /** False once a lease may have run out without having been renewed. */
  readonly mayAnswer: () => boolean;
}

/** Acts for one host. */
export class Effects {
  readonly #options: EffectsOptions;
  readonly #waiters: Waiters;

  constructor(options: EffectsOptions) {
    this.#options = options;
    this.#waiters = new Waiters(options.clock);
  }

  /** Does what is left to do of a batch that is committed. */
  run(batch: Batch): void {
    const { bus, telemetry, mayAnswer, traces } = this.#options;
    for (const after of batch.afterCommit) {
      const isOurs = (after.type === 'effect' && after.restsOnCommit) || mayAnswer();
      if (!isOurs) giveUpAnswer(bus, after);
      else if (after.type === 'effect') this.#perform(after.device, after.effect);
      else after.answer();
    }
    if (this.#waiters.count > 0) for (const entry of batch.ledger) this.#waiters.learn(entry);
    for (const { journalEntry, twin, commandId } of batch.journal) {
      if (journalEntry.type === 'outcome') this.#tellWaiters(journalEntry.entry);
      if (journalEntry.type === 'forgotten') this.#forget(journalEntry.forgetting);
      if (journalEntry.type === 'transition') {
        const { transition } = journalEntry;
        const trace = traces.of(transition.device, commandId);
        telemetry.transition({ kind: twin?.kind ?? 'unknown', transition, trace });
      }
    }
    // Answers and commands leave before documents are made for those who watch.
    queueMicrotask(() => this.#publish(batch.journal));
  }

  /** Nobody will hear more of its commands. */
  #forget(forgetting: Forgetting): void {
    this.#options.telemetry.forgotten(forgetting);
    for (const waited of this.#waiters.takeOf(forgetting.device))
      this.#tellUnreadable(waited, 'the device was forgotten meanwhile');
  }

  #publish(entries: readonly WrittenEntry[]): void {
    const { publisher, traces } = this.#options;
    publisher.publish(entries);
    for (const { journalEntry } of entries)
      if (journalEntry.type === 'outcome') traces.settled(journalEntry.entry);
  }

  #perform(device: string, effect: Effect): void {
    const { bus, telemetry, limits, traces } = this.#options;
    switch (effect.type) {
      case 'send': {
        const { site, command, encoding } = effect;
        const trace = traces.of(device, command.id);
        bus.sendCommand(site, device, encode(command, encoding), trace);
        telemetry.sent({ site, device, command, trace });
        return;
      }
      case 'answer': {
        if (effect.reply.type === 'refused') {
          const { code, id } = effect.reply.refusal;
          telemetry.refused({ device, code, id, trace: traces.of(device, id) });
        }
        const reply = encodeReply(effect.reply, effect.to.encoding);
        bus.reply(effect.to, reply.payload, reply.error);
        return;
      }
      case 'await': {
        const giveUp = (waited: Waited): void => this.#tellNow(waited);
        if (this.#waiters.count >= limits.waitersMax) giveUp(effect);
        else this.#waiters.add({ ...effect, giveUp });
      }
    }
  }

  #tellWaiters(entry: LedgerEntry): void {
    const { telemetry, traces, bus } = this.#options;
    telemetry.outcome({ entry, trace: traces.of(entry.device, entry.id) });
    for (const to of this.#waiters.take(entry)) {
      const reply = encodeReply({ type: 'ledger', entry }, to.encoding);
      bus.reply(to, reply.payload, reply.error);
    }
  }

  /** Tells a requester how its command stands. */
  #tellNow({ entry, to }: Waited): void {
    const { bus, mayAnswer } = this.#options;
    if (!mayAnswer()) {
      this.#tellUnreadable({ entry, to }, 'this node is not sure to own the device any more');
      return;
    }
    const reply = encodeReply({ type: 'ledger', entry }, to.encoding);
    bus.reply(to, reply.payload, reply.error);
  }

  #tellUnreadable({ entry: { id, acceptedAt }, to }: Waited, because: string): void {
    const since = new Date(acceptedAt).toISOString();
    const detail = `the command ${id} was accepted at ${since}, and how it stands is not known here: ${because}; ask again with the same id`;
    const reply = encodeFailure('outcome-unreadable', detail, to.encoding);
    this.#options.bus.reply(to, reply.payload, reply.error);
  }

  /** Keeps nobody waiting any more; they ask again. */
  stop(): void {
    for (const waited of this.#waiters.takeAll())
      this.#tellUnreadable(waited, 'this node gave up the partition of the device');
  }
}
