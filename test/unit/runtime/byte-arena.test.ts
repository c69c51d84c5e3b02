import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ByteArena, type Place } from '../../../src/runtime/byte-arena.ts';

function bytesOf(size: number, seed: number): Buffer {
  return Buffer.from(Array.from({ length: size }, (_, index) => (seed + index * 7) % 256));
}

const sizes = fc.oneof(fc.integer({ min: 0, max: 300 }), fc.integer({ min: 8_000, max: 20_000 }));

describe('a byte arena', () => {
  test('gives back what was written, whatever is freed and written meanwhile', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(sizes, fc.boolean()), { maxLength: 400 }), (steps) => {
        const arena = new ByteArena();
        const kept = new Map<Place, Buffer>();
        for (const [step, [size, isFreed]] of steps.entries()) {
          const place = arena.allocate(size);
          expect(place).not.toBe(0);
          expect(kept.has(place)).toBe(false);
          const bytes = bytesOf(size, step);
          arena.at(place).set(bytes);
          kept.set(place, bytes);
          const [oldest] = kept.keys();
          if (isFreed && oldest !== undefined) {
            arena.free(oldest);
            kept.delete(oldest);
          }
        }
        for (const [place, bytes] of kept) expect(arena.at(place).equals(bytes)).toBe(true);
      }),
    );
  });

  test('uses a freed place again for a record of the same size', () => {
    const arena = new ByteArena();
    const place = arena.allocate(100);
    arena.free(place);
    expect(arena.allocate(100)).toBe(place);
  });
});
