/**
 * People who use devices without asking any backend: they come, and after a while they leave.
 */
import type { Chance } from './chance.ts';
import type { Device } from './device.ts';
import type { Schedule } from './schedule.ts';

/** How long somebody stays, ms on average. */
const STAY_MS = 400_000;

export class People {
  readonly #schedule: Schedule;
  readonly #chance: Chance;
  #isOver = false;

  constructor(schedule: Schedule, chance: Chance) {
    this.#schedule = schedule;
    this.#chance = chance;
  }

  /** From now on people come to this device, `meanMs` apart on average. */
  visit(device: Device, meanMs: number): void {
    if (meanMs === Infinity) return;
    this.#schedule.after(this.#chance.exponential(meanMs), () => {
      if (this.#isOver) return;
      if (device.isOn) {
        if (device.hardware.use()) this.#stay(device);
        else device.hardware.leave();
      }
      this.visit(device, meanMs);
    });
  }

  /** Nobody comes any more. */
  end(): void {
    this.#isOver = true;
  }

  #stay(device: Device): void {
    this.#schedule.after(this.#chance.exponential(STAY_MS), () => {
      if (device.isOn) device.hardware.leave();
      else this.#stay(device);
    });
  }
}
