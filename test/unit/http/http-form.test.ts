/** What the contract describes, as HTTP has it. */
import { Type } from '@sinclair/typebox';
import { expect, test } from 'vitest';
import { NumberOrNull, OneOf, Time, TimeOrNull } from '../../../src/contract/schema.ts';
import { httpForm } from '../../../src/http/http-form.ts';

const { schema, write } = httpForm(
  Type.Object({
    at: Time('when it was sent'),
    certainAt: Time('when it is certain', 'up'),
    since: TimeOrNull('since when'),
    ageMs: NumberOrNull('how old it is'),
    word: OneOf(['one', 'another'], 'what is said'),
    all: Type.Array(Type.Object({ until: Time('until when') })),
    hold: Type.Optional(Type.Union([Type.Object({ until: Time('until when') }), Type.Null()])),
  }),
);

test('times of the contract are RFC 3339 on HTTP, wherever they stand', () => {
  const value = { at: 1.7, certainAt: 1.2, since: null, ageMs: 3, word: 'one', all: [{ until: 4 }] } as const;
  expect(write({ ...value, hold: { until: 5 } })).toEqual({
    at: '1970-01-01T00:00:00.001Z',
    certainAt: '1970-01-01T00:00:00.002Z',
    since: null,
    ageMs: 3,
    word: 'one',
    all: [{ until: '1970-01-01T00:00:00.004Z' }],
    hold: { until: '1970-01-01T00:00:00.005Z' },
  });
});

test('what is absent stays absent, and what the schema does not name is left out', () => {
  const value = { at: 1, certainAt: 1, since: 1, ageMs: null, word: 'one', all: [], secret: 1 } as const;
  expect(Object.keys(write(value))).toEqual(['at', 'certainAt', 'since', 'ageMs', 'word', 'all']);
});

test('a schema says so, and what its members mean', () => {
  expect(JSON.parse(JSON.stringify(schema.properties))).toMatchObject({
    at: { type: 'string', format: 'date-time', description: 'when it was sent' },
    since: { anyOf: [{ format: 'date-time' }, { type: 'null' }], description: 'since when' },
    ageMs: { anyOf: [{ type: 'number' }, { type: 'null' }], description: 'how old it is' },
    word: { type: 'string', enum: ['one', 'another'] },
  });
  expect(schema.required).not.toContain('hold');
});
