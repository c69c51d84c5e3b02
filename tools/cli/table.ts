/**
 * What people see: tables without lines between rows, and lists of names and values. Programs ask for `--json` and get none
 * of it.
 */
import Table from 'cli-table3';
import { visibleText } from '../../src/telemetry/visible-text.ts';

/** What a cell may hold; nothing known is a dash. */
export type Cell = string | number | boolean | null | undefined;

/** The longest cell of a table with rows, in characters: what is longer is cut. A value of one row must not widen all others; `--json` has it whole. */
export const ROW_CELL_MAX = 200;

/** The same of a table with one value in a line, where long ones are sentences. */
export const VALUE_CELL_MAX = 2_000;

const FRAME = { mid: '', 'left-mid': '', 'mid-mid': '', 'right-mid': '' };

/** The lines of a table with names above. Numbers stand to the right. */
export function rowsTable(names: readonly string[], rows: readonly (readonly Cell[])[]): readonly string[] {
  const table = new Table({
    head: names.map(visibleText),
    colAligns: names.map((_, column) => (isNumeric(rows, column) ? 'right' : 'left')),
    style: { head: [], border: [] },
  });
  for (const row of rows) table.push(row.map((cell) => shownCell(cell, ROW_CELL_MAX)));
  return withoutInnerLines(table.toString().split('\n'), rows.length);
}

/** The lines of a table with names to the left and values to the right. */
export function valuesTable(rows: readonly (readonly [string, Cell])[]): readonly string[] {
  const table = new Table({ style: { head: [], border: [] }, chars: FRAME });
  for (const [name, value] of rows)
    table.push([cut(visibleText(name), ROW_CELL_MAX), shownCell(value, VALUE_CELL_MAX)]);
  return table.toString().split('\n');
}

function isNumeric(rows: readonly (readonly Cell[])[], column: number): boolean {
  return rows.length > 0 && rows.every((row) => row[column] === null || typeof row[column] === 'number');
}

/** Made visible before it is laid out: how wide a column is, and what a row is, is for no value to say. */
function shownCell(cell: Cell, charactersMax: number): string {
  if (cell === null || cell === undefined || cell === '') return '–';
  if (typeof cell === 'number') return cell.toLocaleString('en-GB');
  if (typeof cell === 'boolean') return cell ? 'yes' : 'no';
  return cut(visibleText(cell), charactersMax);
}

/** Says with its last character that there is more. */
function cut(text: string, charactersMax: number): string {
  if (text.length <= charactersMax) return text;
  const characters = Array.from(text);
  return characters.length <= charactersMax ? text : `${characters.slice(0, charactersMax - 1).join('')}…`;
}

/** The library draws a line under the head and under every row, or under neither: only the first one is wanted. */
function withoutInnerLines(lines: readonly string[], rows: number): readonly string[] {
  if (rows === 0) return [...lines.slice(0, 2), ...lines.slice(-1)];
  return lines.filter((line, index) => index <= 2 || !line.startsWith('├'));
}
