/**
 * Server-sent events as the page reads them.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { EventParser, type StreamEvent } from '../../../src/page/api/event-parser.ts';

const text = [
  ': hello\n\n',
  'event: changed\nid: 7\ndata: {"device":"cp-1"}\n\n',
  'id: 8\r\ndata: {"a":\r\ndata: 1}\r\n\r\n',
  'event: outcome\n\n',
  'data:2\n\n',
].join('');

const events = [
  [{ event: 'changed', data: { device: 'cp-1' } }, '7'],
  [{ event: 'message', data: { a: 1 } }, '8'],
  [{ event: 'message', data: 2 }, '8'],
];

function read(pieces: readonly string[]): readonly [StreamEvent, string | null][] {
  const read: [StreamEvent, string | null][] = [];
  const parser = new EventParser((event, id) => read.push([event, id]));
  for (const piece of pieces) parser.push(piece);
  return read;
}

test('events are read with the last id that was told; comments and events without data are none', () => {
  expect(read([text])).toEqual(events);
});

test('however the network cuts them', () => {
  const cuts = fc.array(fc.nat(text.length), { maxLength: 12 });
  fc.assert(
    fc.property(cuts, (places) => {
      const sorted = [0, ...places.toSorted((a, b) => a - b), text.length];
      const pieces = sorted.slice(1).map((end, index) => text.slice(sorted[index], end));
      expect(read(pieces)).toEqual(events);
    }),
  );
});

test('an event that is not whole yet is not told', () => {
  expect(read(['data: 1\n'])).toEqual([]);
});
