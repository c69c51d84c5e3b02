/**
 * One turn: takes one thing from the mailbox, lets its twin decide, and puts the decision into the batch. Synchronous: between
 * the first message of a batch and its commit nothing else happens to these twins.
 */
import { decide } from '../../actors/decide.ts';
import type { Context, Decision, Input } from '../../actors/decision.ts';
import { twinDocument } from '../../actors/document.ts';
import { missing } from '../../actors/sequence.ts';
import type { Twin } from '../../actors/twin.ts';
import { isAwaitingSource, nextWakeAt } from '../../actors/wake.ts';
import type { Kind } from '../../machines/kind.ts';
import { REPORT } from '../../machines/probe.ts';
import type { Report } from '../../machines/report.ts';
import { encodingOf } from '../wire/codec.ts';
import { partitionOf } from '../wire/partition.ts';
import { encodeDocument, encodeFailure, type EncodedReply, encodeUnavailable } from '../wire/reply.ts';
import { readReports } from '../wire/report.ts';
import { readableSensors } from '../wire/sensors.ts';
import type { SetAside } from './backlog-reader.ts';
import type { Batch } from './batch.ts';
import { DeadLetters } from './dead-letters.ts';
import { Deferral, type DeferralOptions } from './deferral.ts';
import { DeviceTwins } from './device-twins.ts';
import { forgetDevice } from './forgetting.ts';
import { type HubClock, hubDateOf, isDatedWrong } from './hub-dates.ts';
import type { RuntimeLimits } from './limits.ts';
import { type DeliveryWork, type PassedOver, replyAddress, type RequestWork, type Work } from './mailbox.ts';
import type { PartitionState } from './partition-state.ts';
import type { Bus, Clock, Delivery, InventoryEntry } from './ports.ts';
import type { RefusedMessages } from './refused-messages.ts';
import { LATE_MAX_MS } from './stall-watch.ts';
import { SourceNews } from './source-news.ts';
import { StreamMoves } from './stream-moves.ts';
import { UnreadStreams } from './unread-streams.ts';
import {
  forgottenReply,
  inputOf,
  isNew,
  ledgerReply,
  replyWithoutTwin,
  unreadReply,
} from './request-replies.ts';
import type { Telemetry } from './telemetry.ts';
import type { Wakeups } from './wakeups.ts';

/** What turns are given. */
export interface DeciderOptions {
  readonly kinds: readonly Kind[];
  readonly clock: Clock;
  readonly bus: Bus;
  readonly limits: RuntimeLimits;
  readonly telemetry: Telemetry;
  readonly wakeups: Wakeups;
  readonly partitions: ReadonlyMap<number, PartitionState>;
  /** See `HostOptions.clockProblem`. */
  readonly clockProblem: () => string | null;
  /** How well the time is known. */
  readonly hubClock: Pick<HubClock, 'uncertainMs'>;
  /** Whether something waits behind what is decided now. */
  readonly isMailboxBusy: () => boolean;
  /** Messages the store refused for good, with what it said. */
  readonly refusedByStore: RefusedMessages;
}

/** Takes one host's turns. */
export class Decider {
  readonly #options: DeciderOptions;
  readonly #devices: DeviceTwins;
  readonly #deferral: Deferral;
  readonly #deadLetters: DeadLetters;
  readonly #moves: StreamMoves;
  readonly #unread = new UnreadStreams();
  readonly #sources: SourceNews;
  #hearingSince: number | null = null;

  constructor(options: DeciderOptions) {
    this.#options = options;
    this.#devices = new DeviceTwins(options);
    const known: DeferralOptions['known'] = (partition, device) => this.#devices.known(partition, device);
    this.#deadLetters = new DeadLetters(options);
    this.#moves = new StreamMoves(options);
    this.#sources = new SourceNews({
      ...options,
      decideOn: (device, input, batch) => this.#decideOn(device, input, batch),
    });
    this.#deferral = new Deferral({ ...options, known });
  }

  /** Since when the node hears all that the stream holds, or `null`. */
  get hearingSince(): number | null {
    return this.#hearingSince;
  }

  /** Decides on one thing. */
  decide(work: Work, batch: Batch): void {
    switch (work.type) {
      case 'delivery':
        this.#deliver(work, batch);
        return;
      case 'passed-over':
        this.#passOver(work, batch);
        return;
      case 'set-aside':
        this.#catchUp(work, batch);
        return;
      case 'wake':
        if (this.#options.clock.monotonic() - work.at > LATE_MAX_MS) this.#hearAnew();
        this.#decideOn(work.device, { type: 'wake' }, batch);
        return;
      case 'settle':
        this.#moves.settle(work.stream, batch);
        return;
      case 'caught-up':
        this.#hear(work.isHearing);
        return;
      case 'process-stalled':
        this.#hearAnew();
        return;
      case 'gap':
        this.#moves.skip(work.range, batch);
        return;
      case 'stream-identified':
        this.#moves.read(work, batch);
        return;
      case 'opens':
        this.#unread.open(work.streams, this.#options.clock.now());
        return;
      case 'read-through':
        this.#unread.readThrough(work.stream, this.#options.clock.now());
        return;
      case 'registered':
        this.#register(work.entries, batch);
        return;
      case 'sources':
        this.#sources.learn(work, batch);
        return;
      default:
        this.#request(work, batch);
    }
  }

  /** Sets the wake-up of every twin: after loading, and whenever hearing begins. */
  armAll(): void {
    const { partitions, wakeups } = this.#options;
    const together = new Set([...partitions.values()].map(({ twins }) => twins));
    for (const twins of together) {
      twins.forEachWakeTime(this.#hearingSince, (device, at) => wakeups.arm(device, at));
    }
  }

  /** Partitions without messages of their own follow; before each commit. */
  follow(batch: Batch, lagMax: number): void {
    this.#moves.follow(batch, lagMax);
  }

  /** All partitions stand where the streams were read to. */
  settleAll(batch: Batch): void {
    this.#moves.settleAll(batch);
  }

  /** Writes what is only counted so far: nothing more will come. */
  finish(batch: Batch): void {
    this.#deadLetters.tellAll(batch);
  }

  #hear(isHearing: boolean): void {
    if (isHearing === (this.#hearingSince !== null)) return;
    this.#hearingSince = isHearing ? this.#options.clock.now() : null;
    this.#options.telemetry.hearing(isHearing);
    if (isHearing) this.armAll();
  }

  /**
   * Time in which nothing was decided, because the process stood still or the store was away, is no time in which anybody
   * was heard: silence is counted from now.
   */
  #hearAnew(): void {
    const now = this.#options.clock.now();
    if (this.#hearingSince === null || this.#hearingSince > now - LATE_MAX_MS) return;
    this.#hearingSince = now;
    this.armAll();
  }

  #deliver(work: DeliveryWork, batch: Batch): void {
    const { delivery } = work;
    const partition = this.#options.partitions.get(delivery.partition);
    const { stream, sequence } = delivery;
    this.#moves.take(stream, sequence);
    if (partition === undefined || sequence <= partition.positions.of(stream)) return;
    partition.positions.move(stream, sequence, hubDateOf(delivery), isDatedWrong(delivery));
    batch.touch(partition);
    this.#deadLetters.sweep(delivery.receivedAt, batch);
    if (this.#deferral.waits(partition, work)) {
      const { site, device } = delivery;
      partition.backlog.setAside({ stream, site, device, from: sequence, to: sequence, messages: 1 });
    } else {
      partition.backlog.pass(delivery, delivery.receivedAt);
      this.#open(partition, delivery, batch);
    }
  }

  /** What is above the rates. Ranges of a partition lie beside each other, so all are set aside before its position moves. */
  #passOver({ ranges }: PassedOver, batch: Batch): void {
    for (const { partition: number, range } of ranges.values()) {
      const partition = this.#options.partitions.get(number);
      if (partition === undefined || range.to <= partition.positions.of(range.stream)) continue;
      partition.backlog.passOver(range);
      this.#options.telemetry.passedOver(range);
    }
    for (const { partition: number, range, storedAt, isDatedWrong: isWrong } of ranges.values()) {
      const { stream, to } = range;
      const partition = this.#options.partitions.get(number);
      this.#moves.take(stream, to);
      if (partition === undefined || to <= partition.positions.of(stream)) continue;
      partition.positions.pass(stream, to, storedAt, isWrong);
      if (partition.positions.isDue) batch.touch(partition);
    }
  }

  /** Decides on what was set aside; unless the stream was made anew meanwhile, and the backlog with it. */
  #catchUp({ partition: number, range, through, delivery }: SetAside, batch: Batch): void {
    const partition = this.#options.partitions.get(number);
    if (partition?.backlog.has(range) !== true) return;
    const message = delivery?.partition === number ? delivery : null;
    const { stream, from } = range;
    const messages = partition.backlog.read(range, { through, isMessage: message !== null });
    batch.touch(partition);
    if (messages > 0) this.#options.telemetry.streamGone({ stream, from, to: through, messages });
    if (message !== null) this.#open(partition, message, batch);
  }

  #open(partition: PartitionState, delivery: Delivery, batch: Batch): void {
    const { stream, sequence, receivedAt, storedAt = receivedAt } = delivery;
    batch.messages.push({ stream, sequence, receivedAt, storedAt });
    batch.bytes += delivery.payload.length;
    if (delivery.receivedAt < batch.oldestReceivedAt) batch.oldestReceivedAt = delivery.receivedAt;
    const refused = this.#options.refusedByStore.get(delivery);
    if (refused !== undefined) {
      this.#deadLetter(partition, delivery, 'refused-by-store', refused, batch);
      return;
    }
    const read = readReports(delivery.device, delivery.payload);
    if (!read.ok) {
      this.#deadLetter(partition, delivery, read.reason, read.detail, batch);
      return;
    }
    for (const { reason, detail, index } of read.problems) {
      this.#deadLetter(partition, delivery, reason, `report ${String(index)} of the frame: ${detail}`, batch);
    }
    for (const report of read.reports) this.#report(partition, delivery, report, batch);
  }

  #report(partition: PartitionState, delivery: Delivery, said: Report, batch: Batch): void {
    const { telemetry } = this.#options;
    const found = this.#devices.speaking(partition, delivery, said);
    if (!found.ok) {
      this.#deadLetter(partition, delivery, found.reason, found.detail, batch);
      return;
    }
    const { receivedAt, payload } = delivery;
    const report = readableSensors(found.kind, said);
    if (report.unreadable !== undefined)
      telemetry.unreadable({ device: delivery.device, names: report.unreadable });
    const input: Input = { type: 'report', report, receivedAt, encoding: encodingOf(payload) ?? 'msgpack' };
    const decision = this.#decide(partition, found.kind, found.twin, input, batch);
    if (decision instanceof Error)
      this.#deadLetter(partition, delivery, 'quarantined', decision.message, batch);
    else {
      this.#count(decision, found.twin, report);
      if (found.isStranger && decision.twin !== found.twin)
        partition.unregistered.add({ site: delivery.site, isRegistered: false });
    }
    batch.reportsDecided += 1;
  }

  #count({ disposition, twin, crossed }: Decision, before: Twin, report: Report): void {
    const { telemetry } = this.#options;
    if (disposition !== null) telemetry.report(disposition, twin.device, report);
    const change = twin === before ? 0 : missing(twin.sequence) - missing(before.sequence);
    if (change !== 0) telemetry.missing(change);
    if (crossed === null) return;
    telemetry.clockOutOfBounds({ device: twin.device, boot: crossed.boot, times: crossed.crossings });
  }

  /** Lets the twin of a device decide, if it has one here. */
  #decideOn(device: string, input: Input, batch: Batch): void {
    const partition = this.#options.partitions.get(partitionOf(device));
    if (partition?.twins.has(device) !== true) return;
    const twin = this.#devices.known(partition, device);
    const kind = this.#devices.kindOf(twin);
    if (twin === undefined || twin instanceof Error || kind === undefined) return;
    this.#decide(partition, kind, twin, input, batch);
  }

  /** Who has no twin gets one as registered; who has one keeps it, and follows to another site and kind, if this node has that kind. */
  #register(entries: readonly InventoryEntry[], batch: Batch): void {
    this.#devices.register(entries);
    for (const { device, site, kind: registered } of entries) {
      const partition = this.#options.partitions.get(partitionOf(device));
      if (partition?.twins.has(device) !== true) continue;
      const twin = this.#devices.known(partition, device);
      if (twin === undefined || twin instanceof Error) continue;
      const kind = this.#devices.kindNamed(registered);
      if (kind !== undefined && kind.name !== twin.kind)
        this.#decide(partition, kind, twin, { type: 'other-kind' }, batch);
      if (twin.site !== site) this.#decideOn(device, { type: 'moved', site }, batch);
    }
  }

  #request(work: RequestWork, batch: Batch): void {
    batch.requests.push(work);
    const partition = this.#options.partitions.get(partitionOf(work.device));
    const replyTo = replyAddress(work);
    if (partition === undefined) {
      const because = 'this node no longer owns the device';
      const reply = encodeUnavailable(work.type, because, replyTo.encoding);
      this.#answerAfterCommit(batch, work, () => reply);
      return;
    }
    const twin = this.#devices.known(partition, work.device);
    if (work.type === 'forget') {
      const now = this.#options.clock.now();
      const reply = forgetDevice(work, { partition, twin, batch, now });
      this.#answerAfterCommit(batch, work, () => reply);
      return;
    }
    const forgotten = partition.forgotten.get(work.device);
    if (forgotten !== undefined) {
      const reply = forgottenReply(work, forgotten);
      this.#answerAfterCommit(batch, work, () => reply);
      return;
    }
    const unread = unreadReply(work, twin instanceof Error ? undefined : twin);
    if (unread !== null) {
      this.#answerAfterCommit(batch, work, () => unread);
      return;
    }
    if (work.type === 'ledger') {
      const reply = ledgerReply(work, twin instanceof Error ? undefined : twin);
      this.#answerAfterCommit(batch, work, () => reply);
      return;
    }
    if (twin instanceof Error) {
      this.#answerUndecided(batch, work);
      return;
    }
    const kind = this.#devices.kindOf(twin);
    if (twin === undefined || kind === undefined) {
      this.#answerAfterCommit(batch, work, () => replyWithoutTwin(work));
      return;
    }
    if (work.type === 'get') {
      // How old the state is follows from when it is said, which may be long after: a commit waits for the store.
      const { clock, limits } = this.#options;
      this.#answerAfterCommit(batch, work, () => {
        const document = twinDocument({ twin, kind, now: clock.now(), serverErrorMs: limits.serverErrorMs });
        // What a node refuses before it asks the twin is not allowed, whatever the twin says.
        const allowed = document.allowed.filter((name) => this.#objectionTo(name, twin) === null);
        return encodeDocument({ ...document, allowed }, replyTo.encoding);
      });
      return;
    }
    const problem =
      work.type === 'command' && isNew(work, twin) ? this.#objectionTo(work.request.name, twin) : null;
    if (problem !== null) {
      const reply = encodeUnavailable(work.type, problem, replyTo.encoding);
      this.#answerAfterCommit(batch, work, () => reply);
      return;
    }
    const decision = this.#decide(partition, kind, twin, inputOf(work), batch);
    if (decision instanceof Error) this.#answerUndecided(batch, work);
  }

  /** Why this node does not even ask the twin about a new command, as a sentence. `report` changes nothing, and may tell what is missing. */
  #objectionTo(name: string, twin: Twin): string | null {
    const ofClock = this.#options.clockProblem();
    if (ofClock !== null) return `${ofClock}, so it commands nothing`;
    const unread = name === REPORT ? null : this.#unread.problemWith(twin.site);
    return unread && `${unread}, so it accepts nothing but ${REPORT}`;
  }

  #answerUndecided(batch: Batch, work: RequestWork): void {
    const { encoding } = replyAddress(work);
    const reply = encodeFailure('internal', 'the twin could not decide; see the log', encoding);
    this.#answerAfterCommit(batch, work, () => reply);
  }

  /** Answers with what has been read: once everything it rests on is committed. */
  #answerAfterCommit(batch: Batch, work: RequestWork, makeReply: () => EncodedReply): void {
    const { bus } = this.#options;
    const to = replyAddress(work);
    batch.afterCommit.push({
      type: 'read',
      work,
      answer: () => {
        const reply = makeReply();
        bus.reply(to, reply.payload, reply.error);
      },
    });
  }

  /** Lets the twin decide. A twin that throws is left as it was, and reported. */
  #decide(partition: PartitionState, kind: Kind, twin: Twin, input: Input, batch: Batch): Decision | Error {
    const now = this.#options.clock.now();
    const hearingSince = this.#hearingSinceOf(partition, twin, now);
    const sourceId = (input.type === 'report' ? input.report.via?.id : undefined) ?? twin.via?.id;
    const context: Context = {
      now,
      hearingSince,
      readThroughAt: this.#unread.readThroughAt(twin.site),
      epoch: partition.epoch,
      serverErrorMs: this.#options.limits.serverErrorMs,
      uncertainMs: this.#options.hubClock.uncertainMs,
      source: sourceId === undefined ? null : partition.sources.of(twin, sourceId, now),
    };
    try {
      const decision = decide(kind, twin, input, context);
      batch.add(partition, twin, decision);
      this.#options.wakeups.arm(twin.device, nextWakeAt(kind, decision.twin, hearingSince, context));
      if (twin.via !== null || decision.twin.via !== null) {
        const isAwaiting = isAwaitingSource(kind, decision.twin, hearingSince, context);
        this.#sources.follow(partition, { before: twin, decision, isAwaiting }, batch);
      }
      return decision;
    } catch (error) {
      return this.#devices.quarantined(twin.device, error);
    }
  }

  /** A device of which something is set aside is not silent: silence is counted as if hearing had begun just now. */
  #hearingSinceOf({ backlog }: PartitionState, twin: Twin, now: number): number | null {
    return this.#hearingSince !== null && backlog.mayHoldOf(twin) ? now : this.#hearingSince;
  }

  #deadLetter(
    partition: PartitionState,
    delivery: Delivery,
    reason: string,
    detail: string,
    batch: Batch,
  ): void {
    this.#deadLetters.keep({ partition, delivery, batch }, { reason, detail });
  }
}
