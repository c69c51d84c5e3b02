/**
 * Seeded chance. A draw is a function of the seed, of who draws, and of how often that one has drawn before, so that a life
 * that is interrupted and goes on, or is lived twice, meets the same accidents.
 */
import { fnv1a32 } from '../../src/wire/partition.ts';

/** A sequence of draws that can be taken up again where it was left. */
export class Dice {
  readonly #key: number;
  #draws: number;

  /** `who` and `seed` choose the sequence; `draws` is how many of it have been taken. */
  constructor(options: { readonly seed: number; readonly who: string; readonly draws: number }) {
    this.#key = fnv1a32(`${options.seed}/${options.who}`);
    this.#draws = options.draws;
  }

  get draws(): number {
    return this.#draws;
  }

  /** The next draw: 0 <= draw < 1. */
  draw(): number {
    this.#draws += 1;
    return scattered(this.#key, this.#draws);
  }

  /** True in `probability` of all cases. */
  happens(probability: number): boolean {
    return this.draw() < probability;
  }

  /** A number from `low` (inclusive) to `high` (exclusive), all alike. */
  between(low: number, high: number): number {
    return low + (high - low) * this.draw();
  }

  /** One of these, all alike. */
  oneOf<T>(choices: readonly [T, ...T[]]): T {
    return choices[Math.floor(this.draw() * choices.length)] ?? choices[0];
  }

  /** A waiting time with this mean, where nothing remembers how long it has already waited. */
  waiting(mean: number): number {
    return -mean * Math.log(1 - this.draw());
  }
}

/** A number from 0 to 1 that looks like chance: the draw of number `index` under `key`. */
export function scattered(key: number, index: number): number {
  let bits = (Math.imul(index ^ (index >>> 16), 0x9e3779b1) ^ key) >>> 0;
  bits = Math.imul(bits ^ (bits >>> 16), 0x85ebca6b) >>> 0;
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35) >>> 0;
  return ((bits ^ (bits >>> 16)) >>> 0) / 2 ** 32;
}
