/**
 * What people see: tables without lines between rows, and lists of names and values. Programs ask for `--json` and get none
 * of it.
 */
import Table from 'cli-table3';
import { visibleText } from '../../src/visible-text.ts';

/** What a cell may hold; nothing known is a dash. */
export type Cell = string | number | boolean | null | undefined;

const FRAME = { mid: '', 'left-mid': '', 'mid-mid': '', 'right-mid': '' };

/** The lines of a table with names above. Numbers stand to the right. */
export function rowsTable(names: readonly string[], rows: readonly (readonly Cell[])[]): readonly string[] {
  const table = new Table({
    head: names.map(visibleText),
    colAligns: names.map((_, column) => (isNumeric(rows, column) ? 'right' : 'left')),
    style: { head: [], border: [] },
  });
  for (const row of rows) table.push(row.map(shownCell));
  return withoutInnerLines(table.toString().split('\n'), rows.length);
}

/** The lines of a table with names to the left and values to the right. */
export function valuesTable(rows: readonly (readonly [string, Cell])[]): readonly string[] {
  const table = new Table({ style: { head: [], border: [] }, chars: FRAME });
  for (const [name, value] of rows) table.push([visibleText(name), shownCell(value)]);
  return table.toString().split('\n');
}

function isNumeric(rows: readonly (readonly Cell[])[], column: number): boolean {
  return rows.length > 0 && rows.every((row) => row[column] === null || typeof row[column] === 'number');
}

/** Made visible before it is laid out: how wide a column is, and what a row is, is for no value to say. */
function shownCell(cell: Cell): string {
  if (cell === null || cell === undefined || cell === '') return '–';
  if (typeof cell === 'number') return cell.toLocaleString('en-GB');
  if (typeof cell === 'boolean') return cell ? 'yes' : 'no';
  return visibleText(cell);
}

/** The library draws a line under the head and under every row, or under neither: only the first one is wanted. */
function withoutInnerLines(lines: readonly string[], rows: number): readonly string[] {
  if (rows === 0) return [...lines.slice(0, 2), ...lines.slice(-1)];
  return lines.filter((line, index) => index <= 2 || !line.startsWith('├'));
}
