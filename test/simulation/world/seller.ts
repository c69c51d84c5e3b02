/** An operator who has a device forgotten in the middle of everything, and tries until somebody says that it is. In a part of the worlds. */
import type { WorldRecord } from '../record.ts';
import type { Backend } from './backend.ts';
import type { Chance } from './chance.ts';
import type { Schedule } from './schedule.ts';

/** In this part of all worlds with such a device. */
const PART = 0.4;
/** Between two attempts, ms. */
const AGAIN_MS = 20_000;

interface SellerParts {
  readonly schedule: Schedule;
  readonly chance: Chance;
  readonly record: WorldRecord;
  readonly backend: Backend;
}

export class Seller {
  readonly #parts: SellerParts;

  constructor(parts: SellerParts) {
    this.#parts = parts;
  }

  /** Perhaps sells the device, some time in a storm of this length. */
  begin(device: string, stormMs: number): void {
    const { schedule, chance } = this.#parts;
    if (chance.hits(PART)) schedule.after(chance.between(0.3, 1) * stormMs, () => void this.#attempt(device));
  }

  async #attempt(device: string): Promise<void> {
    const { schedule, record, backend } = this.#parts;
    if (!(await backend.forget(device))) {
      schedule.after(AGAIN_MS, () => void this.#attempt(device));
      return;
    }
    record.forgotten.add(device);
    record.count('device-forgotten');
  }
}
