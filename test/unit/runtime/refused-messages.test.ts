/**
 * Messages of a batch that the store refuses are suspected, each by itself, until it is known which of them is refused.
 */
import { expect, test } from 'vitest';
import type { Delivery } from '../../../src/runtime/ports.ts';
import type { Work } from '../../../src/runtime/mailbox.ts';
import { isDecidedAlone, RefusedMessages } from '../../../src/runtime/refused-messages.ts';

const delivery: Delivery = {
  partition: 3,
  stream: 'SITE_depot',
  sequence: 7,
  receivedAt: 1_750_000_000_000,
  site: 'depot',
  device: 'cp-1',
  payload: new Uint8Array(),
};
const heard = (change: Partial<Delivery> = {}): Work => ({
  type: 'delivery',
  delivery: { ...delivery, ...change },
  isAboveRate: false,
});
const setAside = (of: Delivery | null): Work => ({
  type: 'set-aside',
  partition: 3,
  through: 9,
  delivery: of,
  range: { from: 7, to: 9, device: 'cp-1', site: 'depot', stream: 'SITE_depot' } as never,
});

test('a message under suspicion is decided alone, also where it was set aside, and no other of the same number', () => {
  const refused = new RefusedMessages();
  refused.suspect([delivery]);
  expect(isDecidedAlone(heard(), refused)).toBe(true);
  expect(isDecidedAlone(setAside(delivery), refused)).toBe(true);
  expect(isDecidedAlone(setAside(null), refused)).toBe(false);
  expect(isDecidedAlone(heard({ stream: 'SITE_annex' }), refused)).toBe(false);
  expect(isDecidedAlone(heard({ sequence: 8 }), refused)).toBe(false);
});

test('what nothing is held against is decided with others, but for the erasing of a device', () => {
  const refused = new RefusedMessages();
  expect(isDecidedAlone(heard(), refused)).toBe(false);
  expect(isDecidedAlone({ type: 'process-stalled' }, refused)).toBe(false);
  const word = { asker: 'http:eva', by: 'eva', reason: 'sold' };
  const replyTo = { subject: '_INBOX.1', encoding: 'json' } as never;
  expect(isDecidedAlone({ type: 'forget', device: 'cp-1', word, replyTo }, refused)).toBe(true);
});

test('a suspicion ends when the store takes the message, and when it refuses it', () => {
  const refused = new RefusedMessages();
  const other = { ...delivery, sequence: 8 };
  refused.suspect([delivery, other]);
  refused.clear([delivery]);
  expect([refused.isSuspect(delivery), refused.isSuspect(other)]).toEqual([false, true]);
  refused.add(other, 'it has no room for it');
  expect(refused.isSuspect(other)).toBe(false);
  expect(refused.get(other)).toBe('it has no room for it');
  expect(refused.get(delivery)).toBeUndefined();
  expect(refused.get({ ...other, stream: 'SITE_annex' })).toBeUndefined();
});

test('no more are suspected than the last ten thousand', () => {
  const refused = new RefusedMessages();
  const places = Array.from({ length: 10_001 }, (_, sequence) => ({ ...delivery, sequence }));
  refused.suspect(places);
  expect([0, 1, 10_000].map((at) => refused.isSuspect(places[at] ?? delivery))).toEqual([false, true, true]);
});

test('nothing is held against another message that has got the place of a refused one, in a stream that has lost its tail', () => {
  const refused = new RefusedMessages();
  refused.suspect([delivery]);
  const later = { ...delivery, receivedAt: delivery.receivedAt + 60_000 };
  expect(refused.isSuspect(later)).toBe(false);
  refused.add(delivery, 'it has no room for it');
  expect(refused.get(later)).toBeUndefined();
});

test('a message is the same one where another node reads it at another time, while the clock of the hub is wrong', () => {
  const refused = new RefusedMessages();
  const storedAt = delivery.receivedAt + 3_600_000;
  refused.add({ ...delivery, storedAt }, 'it has no room for it');
  expect(refused.get({ ...delivery, receivedAt: delivery.receivedAt + 5, storedAt })).toBeDefined();
});
