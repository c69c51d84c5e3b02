/**
 * Chance, from a seed: the same seed draws the same numbers on every machine. The generator is sfc32 (Chris Doty-Humphrey,
 * PractRand), seeded through splitmix32, so that neighbouring seeds have nothing in common.
 */
import { fnv1a32 } from '../../../src/wire/partition.ts';

/** A source of chance. Drawing from one never changes what another draws. */
export class Chance {
  readonly #seed: number;
  #a: number;
  #b: number;
  #c: number;
  #counter = 1;

  constructor(seed: number) {
    this.#seed = seed >>> 0;
    const mix = splitmix32(this.#seed);
    this.#a = mix();
    this.#b = mix();
    this.#c = mix();
    for (let round = 0; round < 12; round += 1) this.#draw();
  }

  /** A source of its own for one part of the world, so that a change in one part leaves the others' draws alone. */
  fork(name: string): Chance {
    return new Chance(fnv1a32(`${String(this.#seed)} ${name}`));
  }

  /** From 0 to below 1. */
  unit(): number {
    return this.#draw() / 2 ** 32;
  }

  /** True with this probability. */
  hits(probability: number): boolean {
    return this.unit() < probability;
  }

  between(from: number, to: number): number {
    return from + (to - from) * this.unit();
  }

  /** A whole number from `from` to `to`, both included. */
  integer(from: number, to: number): number {
    return Math.floor(this.between(from, to + 1));
  }

  /** Waiting times of things that happen independently of each other, `mean` on average. */
  exponential(mean: number): number {
    return -Math.log(1 - this.unit()) * mean;
  }

  pick<T>(items: readonly T[]): T {
    const item = items[Math.floor(this.unit() * items.length)];
    if (item === undefined) throw new Error('nothing to pick from');
    return item;
  }

  /** One of the keys, as often as its weight says. */
  weighted<Key extends string>(weights: Readonly<Record<Key, number>>): Key {
    const entries = Object.entries<number>(weights);
    let left = this.unit() * entries.reduce((sum, [, weight]) => sum + weight, 0);
    for (const [key, weight] of entries) {
      left -= weight;
      if (left < 0) return key as Key;
    }
    return entries.at(-1)?.[0] as Key;
  }

  /** A UUID, as a backend would make one. */
  uuid(): string {
    const digits = Array.from({ length: 4 }, () => this.#draw().toString(16).padStart(8, '0')).join('');
    return digits.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
  }

  /** 32 bits. */
  #draw(): number {
    const sum = (this.#a + this.#b + this.#counter) >>> 0;
    this.#counter = (this.#counter + 1) >>> 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) >>> 0;
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + sum) >>> 0;
    return sum;
  }
}

function splitmix32(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x9e3779b9) >>> 0;
    let mixed = state ^ (state >>> 16);
    mixed = Math.imul(mixed, 0x21f0aaad);
    mixed ^= mixed >>> 15;
    mixed = Math.imul(mixed, 0x735a2d97);
    return (mixed ^ (mixed >>> 15)) >>> 0;
  };
}
