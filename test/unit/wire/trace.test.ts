import { describe, expect, test } from 'vitest';
import { readTraceParent, writeTraceParent } from '../../../src/wire/trace.ts';

const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';
const parentSpanId = '00f067aa0ba902b7';

describe('a traceparent', () => {
  test('is read as the standard writes it', () => {
    expect(readTraceParent(`00-${traceId}-${parentSpanId}-01`)).toEqual({
      traceId,
      parentSpanId,
      isSampled: true,
    });
    expect(readTraceParent(`00-${traceId}-${parentSpanId}-00`)).toMatchObject({ isSampled: false });
  });

  test('of a later version is read as far as this one goes', () => {
    expect(readTraceParent(`cc-${traceId}-${parentSpanId}-01-what-the-future-will-be-like`)).toMatchObject({
      traceId,
    });
  });

  test.each([
    ['', 'nothing'],
    [`00-${traceId}-${parentSpanId}`, 'no flags'],
    [`00-${traceId}-${parentSpanId}-01-more`, 'more than version 00 has'],
    [`ff-${traceId}-${parentSpanId}-01`, 'a version that cannot be'],
    [`00-${traceId.toUpperCase()}-${parentSpanId}-01`, 'upper case'],
    [`00-${'0'.repeat(32)}-${parentSpanId}-01`, 'no trace id'],
    [`00-${traceId}-${'0'.repeat(16)}-01`, 'no parent'],
    [`00-${traceId.slice(1)}-${parentSpanId}-01`, 'a short trace id'],
    [` 00-${traceId}-${parentSpanId}-01`, 'a space before it'],
    [`00-${traceId}-${parentSpanId}-01\n`, 'a line after it'],
  ])('is ignored: %j (%s)', (text) => {
    expect(readTraceParent(text)).toBeNull();
  });

  test('names this node as the parent of what it sends', () => {
    const trace = { traceId, parentSpanId, spanId: 'b7ad6b7169203331', isSampled: true, state: null };
    expect(writeTraceParent(trace)).toBe(`00-${traceId}-b7ad6b7169203331-01`);
  });
});
