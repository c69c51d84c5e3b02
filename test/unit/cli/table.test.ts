import { expect, test } from 'vitest';
import { ROW_CELL_MAX, rowsTable, VALUE_CELL_MAX, valuesTable } from '../../../tools/cli/table.ts';

const long = 'x'.repeat(5_000);

test('no value widens a table for all others: a long cell is cut, and shows that there is more', () => {
  const lines = rowsTable(
    ['device', 'reason'],
    [
      ['cp-1', 'bad-report'],
      [long, 'bad-device-id'],
    ],
  );
  expect(Math.max(...lines.map((line) => line.length))).toBeLessThan(ROW_CELL_MAX + 40);
  expect(lines.join('\n')).toContain(`${'x'.repeat(ROW_CELL_MAX - 1)}… `);
  expect(lines.join('\n')).toContain('│ cp-1 ');
});

test('nor is a list of values wider than what a person reads, and what fits is whole', () => {
  const whole = 'y'.repeat(VALUE_CELL_MAX);
  const lines = valuesTable([
    ['why', long],
    [long, whole],
  ]);
  expect(Math.max(...lines.map((line) => line.length))).toBeLessThan(ROW_CELL_MAX + VALUE_CELL_MAX + 40);
  expect(lines.join('\n')).toContain(whole);
});

test('a character of two halves is not cut in the middle', () => {
  const lines = rowsTable(['name'], [['🚗'.repeat(ROW_CELL_MAX + 1)]]);
  expect(lines.every((line) => line.isWellFormed())).toBe(true);
  expect(lines.join('')).toContain(`${'🚗'.repeat(ROW_CELL_MAX - 1)}…`);
});
