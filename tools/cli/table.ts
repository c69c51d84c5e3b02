/**
 * What people see: tables without lines between rows, and lists of names and values. Programs ask for `--json` and get none
 * of it.
 */
import Table from 'cli-table3';

/** What a cell may hold; nothing known is a dash. */
export type Cell = string | number | boolean | null | undefined;

const FRAME = { mid: '', 'left-mid': '', 'mid-mid': '', 'right-mid': '' };

/** A table with a line of names above. Numbers stand to the right. */
export function rowsTable(names: readonly string[], rows: readonly (readonly Cell[])[]): string {
  const table = new Table({
    head: [...names],
    colAligns: names.map((_, column) => (isNumeric(rows, column) ? 'right' : 'left')),
    style: { head: [], border: [] },
  });
  for (const row of rows) table.push(row.map(shownCell));
  return withoutInnerLines(table.toString(), rows.length);
}

/** Names to the left, values to the right. */
export function valuesTable(rows: readonly (readonly [string, Cell])[]): string {
  const table = new Table({ style: { head: [], border: [] }, chars: FRAME });
  for (const [name, value] of rows) table.push([name, shownCell(value)]);
  return table.toString();
}

function isNumeric(rows: readonly (readonly Cell[])[], column: number): boolean {
  return rows.length > 0 && rows.every((row) => row[column] === null || typeof row[column] === 'number');
}

function shownCell(cell: Cell): string {
  if (cell === null || cell === undefined || cell === '') return '–';
  if (typeof cell === 'number') return cell.toLocaleString('en-GB');
  if (typeof cell === 'boolean') return cell ? 'yes' : 'no';
  return cell;
}

/** The library draws a line under the head and under every row, or under neither: only the first one is wanted. */
function withoutInnerLines(text: string, rows: number): string {
  const lines = text.split('\n');
  if (rows === 0) return lines.slice(0, 2).concat(lines.slice(-1)).join('\n');
  return lines.filter((line, index) => index <= 2 || !line.startsWith('├')).join('\n');
}
