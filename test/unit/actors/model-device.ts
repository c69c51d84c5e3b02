/**
 * A device as the wire contract (design 2.1, 2.2) has it, on a clock of its own: small enough to be seen through, so that
 * what twins conclude about it can be judged by what it really did.
 */
import type { Command } from '../../../machines/command.ts';
import { RING_SIZE_MAX, type Report, type RingEntry } from '../../../machines/report.ts';

/** Something the device executed, in true time (server time, ms epoch). */
export interface Execution {
  readonly id: string;
  readonly n: number;
  readonly name: string;
  readonly at: number;
}

/** A hold as the device really granted it, in true time; `until` is `null` while it lasts. */
export interface Grant {
  readonly id: string;
  readonly from: number;
  until: number | null;
}

interface DeviceHold {
  readonly grant: Grant;
  readonly endsUp: number;
}

export interface ModelDeviceOptions {
  /** True time of its first start. */
  readonly startsAt: number;
  /** Device milliseconds per true millisecond. */
  readonly pace?: number;
  /** What its ring lets go of first: what it handled first, or what has the lowest number. */
  readonly ring?: 'handled' | 'number';
}

/** A charge point. Methods take the true time; it never falls from call to call. */
export class ModelDevice {
  readonly executed: Execution[] = [];
  readonly grants: Grant[] = [];
  boot = 1;
  seq = 0;
  state = 'available';
  ring: RingEntry[] = [];
  highestN = 0;
  highestEpoch = 0;
  #bootedAt: number;
  readonly #pace: number;
  readonly #ringOrder: 'handled' | 'number';
  #hold: DeviceHold | null = null;
  #carriedMs = 0;

  constructor(options: ModelDeviceOptions) {
    this.#bootedAt = options.startsAt;
    this.#pace = options.pace ?? 1;
    this.#ringOrder = options.ring ?? 'handled';
  }

  /** Uptime at a true time, whole ms. */
  up(at: number): number {
    return Math.floor((at - this.#bootedAt) * this.#pace);
  }

  /** The hold that lasts at a true time, or `null`. */
  holdAt(at: number): string | null {
    this.#passTime(at);
    return this.#hold?.grant.id ?? null;
  }

  /** Its whole state, measured at a true time. */
  report(at: number, given: Partial<Report> = {}): Report {
    this.#passTime(at);
    const up = this.up(at);
    this.seq += 1;
    const hold = this.#hold && { id: this.#hold.grant.id, leftMs: this.#hold.endsUp - up };
    return {
      boot: this.boot,
      seq: this.seq,
      up,
      state: this.state,
      sensors: {},
      commands: this.ring.map((entry) => ({ ...entry })),
      ...(hold !== null && { hold }),
      ...given,
    };
  }

  /** Handles a command that arrives at a true time, in the contract's order. */
  receive(command: Command, at: number): void {
    this.#passTime(at);
    if (this.ring.some(({ n }) => n === command.n)) return;
    const reason = this.#refusal(command, at);
    if (reason === null) this.#execute(command, at);
    const outcome = reason === null ? { outcome: 'done' } : { outcome: 'rejected', reason };
    const ring = [{ n: command.n, ...outcome }, ...this.ring];
    if (this.#ringOrder === 'number') ring.sort((a, b) => b.n - a.n);
    this.ring = ring.slice(0, RING_SIZE_MAX);
    this.highestN = Math.max(this.highestN, command.n);
    this.highestEpoch = Math.max(this.highestEpoch, command.epoch);
    if (command.name === 'reboot' && reason === null) this.reboot(at, 'everything');
  }

  /** Somebody uses it on the spot: the hold ends if it is the holder. */
  use(at: number, isHolder: boolean): void {
    this.#passTime(at);
    this.state = 'charging';
    if (isHolder) this.#endHold(at);
  }

  /** Whoever used it leaves. */
  leave(at: number): void {
    this.#passTime(at);
    this.state = this.#hold === null ? 'available' : 'reserved';
  }

  /** Starts again. `keeps` is what its storage kept besides the boot count. */
  reboot(at: number, keeps: 'everything' | 'nothing'): void {
    this.#passTime(at);
    const leftMs = this.#hold === null ? 0 : this.#hold.endsUp - this.up(at);
    if (keeps === 'nothing') {
      this.#endHold(at);
      this.ring = [];
      this.highestN = 0;
      this.highestEpoch = 0;
    } else if (this.#hold !== null) {
      this.#hold = { ...this.#hold, endsUp: leftMs };
    }
    this.state = this.#hold === null ? 'available' : 'reserved';
    this.boot += 1;
    this.seq = 0;
    this.#bootedAt = at;
  }

  /** Comes back from repair with its storage wiped: the boots count from 1 again. */
  wipe(at: number): void {
    this.reboot(at, 'nothing');
    this.boot = 1;
  }

  #refusal(command: Command, at: number): string | null {
    if (command.n <= this.highestN) return 'superseded';
    if (command.epoch < this.highestEpoch) return 'stale-epoch';
    if (command.boot !== undefined && command.boot !== this.boot) return 'other-boot';
    if (command.notAfterUp !== undefined && this.up(at) > command.notAfterUp) return 'too-late';
    return this.#objection(command);
  }

  /** What its own state says. */
  #objection({ name }: Command): string | null {
    switch (name) {
      case 'report':
        return null;
      case 'reserve':
        return this.state === 'available' && this.#hold === null ? null : 'busy';
      case 'release':
        return this.#hold === null ? 'no-hold' : null;
      case 'start':
        return this.state === 'charging' ? 'busy' : null;
      case 'stop':
        return this.state === 'charging' ? null : 'not-charging';
      case 'reboot':
        return this.state === 'charging' ? 'busy' : null;
      default:
        return 'unknown-command';
    }
  }

  #execute(command: Command, at: number): void {
    const { id, n, name } = command;
    this.executed.push({ id, n, name, at });
    if (name === 'reserve') {
      const grant: Grant = { id, from: at, until: null };
      this.grants.push(grant);
      this.#hold = { grant, endsUp: this.up(at) + (command.holdMs ?? 0) };
      this.state = 'reserved';
    }
    if (name === 'release' || name === 'start') this.#endHold(at);
    if (name === 'release') this.state = 'available';
    if (name === 'start') this.state = 'charging';
    if (name === 'stop') this.leave(at);
  }

  /** Lets go of a hold that has ended by its own clock. */
  #passTime(at: number): void {
    if (at < this.#carriedMs) throw new Error('the model device was asked about its past');
    this.#carriedMs = at;
    if (this.#hold === null || this.up(at) < this.#hold.endsUp) return;
    this.#endHold(this.#bootedAt + this.#hold.endsUp / this.#pace);
    if (this.state === 'reserved') this.state = 'available';
  }

  #endHold(at: number): void {
    if (this.#hold === null) return;
    this.#hold.grant.until = at;
    this.#hold = null;
    if (this.state === 'reserved') this.state = 'available';
  }
}
