/**
 * A backend that mixes up its ids: from time to time it asks for one command under the id of another. In a part of the worlds.
 */
import { RENEW_IDENTITY } from '../../../machines/common-commands.ts';
import type { Happenings } from '../plan.ts';
import type { WorldRecord } from '../record.ts';
import type { Backend } from './backend.ts';
import type { Chance } from './chance.ts';
import type { Schedule } from './schedule.ts';

/** Between two mix-ups, ms on average. */
const MEAN_MS = 240_000;
/** Among so many of the last commands it picks the id. */
const LAST = 12;
/** How long it asks, ms. */
const DEADLINE_MS = 10_000;

export class MixUps {
  readonly #schedule: Schedule;
  readonly #chance: Chance;
  readonly #record: WorldRecord;
  readonly #happenings: Happenings;
  readonly #backend: Backend;
  #isOver = false;

  constructor(parts: {
    readonly schedule: Schedule;
    readonly chance: Chance;
    readonly record: WorldRecord;
    readonly happenings: Happenings;
    readonly backend: Backend;
  }) {
    this.#schedule = parts.schedule;
    this.#chance = parts.chance;
    this.#record = parts.record;
    this.#happenings = parts.happenings;
    this.#backend = parts.backend;
  }

  /** From now on ids are mixed up. */
  begin(): void {
    this.#schedule.after(this.#chance.exponential(MEAN_MS), () => {
      if (this.#isOver) return;
      if (this.#happenings.happens('mix-ups')) this.#mixUp();
      this.begin();
    });
  }

  /** Never again. */
  end(): void {
    this.#isOver = true;
    this.#backend.link.heal();
    this.#backend.retire();
  }

  #mixUp(): void {
    const asked = this.#record.conclusions.slice(-LAST);
    if (asked.length === 0) return;
    const { device, id, name } = this.#chance.pick(asked);
    const commands = Object.keys(this.#record.devices.get(device)?.kind.commands ?? {});
    const other = this.#chance.pick(commands.filter((known) => known !== RENEW_IDENTITY));
    const args = other === 'reserve' ? { holdMs: this.#chance.integer(1_000, 60_000) } : {};
    if (other === name && other !== 'reserve') return;
    this.#record.count('id-reused');
    void this.#backend.command({ device, id, name: other, args, waitMs: 0, deadlineMs: DEADLINE_MS });
  }
}
