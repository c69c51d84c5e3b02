import { describe, expect, test } from 'vitest';
import { Backlog, type OpenRange, type StreamOrigin } from '../../../src/runtime/backlog.ts';
import type { BacklogRange } from '../../../src/runtime/ports.ts';

const cp1 = { stream: 'DEVICES-depot', site: 'depot', device: 'cp-1' };
const cp2 = { stream: 'DEVICES-depot', site: 'depot', device: 'cp-2' };

function range(origin: StreamOrigin, from: number, to = from, messages = 1): BacklogRange {
  return { ...origin, from, to, messages };
}

function firstOf(backlog: Backlog): OpenRange {
  const [[first] = []] = [...backlog.byDevice()].map((ranges) => [...ranges]);
  if (first === undefined) throw new Error('nothing is set aside');
  return first;
}

describe('what is set aside of a device', () => {
  test('is one range as long as nothing of it is decided in between, whatever others say', () => {
    const backlog = new Backlog([]);
    for (const sequence of [3, 5, 9]) backlog.setAside(range(cp1, sequence));
    backlog.pass(cp2, 0);
    backlog.setAside(range(cp1, 10, 400, 300));
    expect(backlog.toRanges()).toEqual([range(cp1, 3, 400, 303)]);
    expect(backlog).toMatchObject({ size: 1, messages: 303 });
  });

  test('ends where the stream was cut: what was lost is told, and what the device says next is another range', () => {
    const backlog = new Backlog([]);
    backlog.setAside(range(cp1, 3, 10, 5));
    backlog.setAside(range(cp2, 8, 9, 2));
    backlog.setAside(range({ ...cp2, stream: 'DEVICES-harbour' }, 8));
    expect(backlog.cut('DEVICES-depot', 7)).toEqual([range(cp1, 8, 10, 1), range(cp2, 8, 9, 2)]);
    backlog.setAside(range(cp1, 8));
    const left = [range(cp1, 3, 7, 4), range(cp1, 8), range({ ...cp2, stream: 'DEVICES-harbour' }, 8)];
    expect(backlog.toRanges()).toEqual(left);
    expect(backlog).toMatchObject({ size: 3, messages: 6 });
  });

  test('is another range behind what of it is decided', () => {
    const backlog = new Backlog([]);
    backlog.setAside(range(cp1, 3, 7, 2));
    backlog.pass(cp1, 0);
    backlog.setAside(range(cp1, 9));
    expect(backlog.toRanges()).toEqual([range(cp1, 3, 7, 2), range(cp1, 9)]);
    expect(backlog.rangesOf(cp1)).toBe(2);
  });

  test('is never added to a range that was found: the owner before decided nobody knows what behind it', () => {
    const backlog = new Backlog([range(cp1, 3, 7, 2)]);
    expect(backlog.isGrowing(cp1)).toBe(false);
    backlog.setAside(range(cp1, 9));
    expect(backlog.toRanges()).toEqual([range(cp1, 3, 7, 2), range(cp1, 9)]);
  });

  test('is told apart by the site it was heard from', () => {
    const backlog = new Backlog([]);
    backlog.setAside(range(cp1, 3));
    backlog.setAside(range({ ...cp1, site: 'harbour' }, 4));
    expect(backlog.size).toBe(2);
    expect(backlog.mayHoldOf({ ...cp1, site: 'elsewhere' })).toBe(false);
  });

  test('begins behind what of it was read, and goes with its last message', () => {
    const backlog = new Backlog([range(cp1, 3, 9, 3)]);
    const open = firstOf(backlog);
    expect(backlog.read(open, { through: 3, isMessage: true })).toBe(0);
    expect(backlog.toRanges()).toEqual([range(cp1, 4, 9, 2)]);
    backlog.read(open, { through: 7, isMessage: true });
    expect(backlog.mayHoldOf(cp1)).toBe(true);
    expect(backlog.read(open, { through: 9, isMessage: true })).toBe(0);
    expect(backlog).toMatchObject({ size: 0, messages: 0 });
    expect(backlog.mayHoldOf(cp1)).toBe(false);
    expect(backlog.has(open)).toBe(false);
  });

  test('and is gone from the stream is counted when its range ends', () => {
    const backlog = new Backlog([range(cp1, 3, 9, 3)]);
    const open = firstOf(backlog);
    backlog.read(open, { through: 7, isMessage: true });
    expect(backlog.read(open, { through: 9, isMessage: false })).toBe(2);
    expect(backlog).toMatchObject({ size: 0, messages: 0 });
  });

  test('goes on growing while it is read, and begins anew once it was read to its end', () => {
    const backlog = new Backlog([]);
    backlog.setAside(range(cp1, 3));
    const open = firstOf(backlog);
    backlog.setAside(range(cp1, 5));
    backlog.read(open, { through: 3, isMessage: true });
    expect(backlog.toRanges()).toEqual([range(cp1, 4, 5)]);
    backlog.read(open, { through: 5, isMessage: true });
    backlog.setAside(range(cp1, 8));
    expect(backlog.toRanges()).toEqual([range(cp1, 8)]);
    expect(backlog.has(open)).toBe(false);
  });

  test('of nobody knows whom may be of anybody', () => {
    const backlog = new Backlog([range({ stream: 'DEVICES', site: '', device: '' }, 3)]);
    expect(backlog.mayHoldOf(cp1)).toBe(true);
    backlog.read(firstOf(backlog), { through: 3, isMessage: true });
    expect(backlog.mayHoldOf(cp1)).toBe(false);
  });

  test('is another range where the site got a stream of its own meanwhile: sequences count in one stream', () => {
    const backlog = new Backlog([]);
    const before = { ...cp1, stream: 'DEVICES' };
    backlog.setAside(range(before, 700));
    expect(backlog.isGrowing(cp1)).toBe(false);
    backlog.setAside(range(cp1, 3));
    expect(backlog.toRanges()).toEqual([range(before, 700), range(cp1, 3)]);
    expect(backlog.mayHoldOf(cp1)).toBe(true);
  });

  test('is committed as it was then, whatever happens to it while the commit is under way', () => {
    const backlog = new Backlog([range(cp1, 3, 9, 3)]);
    backlog.setAside(range(cp2, 12));
    const committed = backlog.takeChanged();
    backlog.read(firstOf(backlog), { through: 3, isMessage: true });
    expect(committed).toEqual([range(cp1, 3, 9, 3), range(cp2, 12)]);
  });

  test('is written only with a commit that changes it', () => {
    const backlog = new Backlog([range(cp1, 3, 9, 3)]);
    expect(backlog.takeChanged()).toBeNull();
    backlog.pass(cp1, 7);
    expect(backlog.takeChanged()).toBeNull();
    backlog.setAside(range(cp2, 12));
    expect(backlog.takeChanged()).toEqual([range(cp1, 3, 9, 3), range(cp2, 12)]);
    expect(backlog.takeChanged()).toBeNull();
    backlog.read(firstOf(backlog), { through: 3, isMessage: true });
    expect(backlog.takeChanged()).toEqual([range(cp1, 4, 9, 2), range(cp2, 12)]);
    backlog.clear(cp1.stream);
    expect(backlog.takeChanged()).toEqual([]);
    expect(backlog.takeChanged()).toBeNull();
  });

  test('is forgotten with the stream it was in', () => {
    const old = range({ ...cp1, stream: 'DEVICES' }, 5, 6, 2);
    const backlog = new Backlog([range(cp1, 3, 9, 3), range(cp2, 4), old]);
    const open = firstOf(backlog);
    expect(backlog.clear('DEVICES-depot')).toEqual([range(cp1, 3, 9, 3), range(cp2, 4)]);
    expect(backlog).toMatchObject({ size: 1, messages: 2 });
    expect(backlog.has(open)).toBe(false);
    expect(backlog.toRanges()).toEqual([old]);
  });
});
