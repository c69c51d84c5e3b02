/**
 * A row as an ordered table of its columns: each with its name, its type and what is written into it. Statement and parameters follow
 * from it, so that no place of a column is counted anywhere.
 */
import { type ArrayParameter, type Columns, type ColumnType, openColumns } from './array-parameter.ts';
import type { FilledPart, StatementPart } from './statement.ts';

/** One column of the rows that `Source` is written as; `Context` is what that takes besides. */
export interface Column<Source, Context, Type extends ColumnType = ColumnType> {
  readonly type: Type;
  readonly write: (to: ArrayParameter, source: Source, context: Context, row: number) => void;
}

type ColumnOf<Source, Context> = <Type extends ColumnType>(
  type: Type,
  write: (to: TypedArray<Type>, source: Source, context: Context, row: number) => void,
) => Column<Source, Context, Type>;

/** Makes columns: `columns<Source, Context>()('text', (to, source) => to.text(source.name))`. */
export function columns<Source, Context>(): ColumnOf<Source, Context> {
  return (type, write) => ({ type, write });
}

type TypedArray<Type extends ColumnType> = Columns<{ readonly it: Type }>['it'];

/** The columns of a table that are written, in order. */
export type Table<Source, Context> = Readonly<Record<string, Column<Source, Context>>>;

/** The types of a table's columns. */
export function typesOf<Of extends Readonly<Record<string, { readonly type: ColumnType }>>>(
  table: Of,
): { readonly [Name in keyof Of]: Of[Name]['type'] } {
  const types = Object.entries(table).map(([name, { type }]) => [name, type]);
  return Object.fromEntries(types) as { readonly [Name in keyof Of]: Of[Name]['type'] };
}

/** Fills the part of a statement that writes rows of a table. */
export function fillTable<Source, Context>(
  part: StatementPart,
  table: Table<Source, Context>,
  { rows, context }: { readonly rows: readonly Source[]; readonly context: Context },
): FilledPart {
  const { arrays, finish } = openColumns(part.columns, rows.length);
  // Column by column: the engine then calls one function many times, which is much cheaper than many functions in turn.
  Object.values(table).forEach(({ write }, index) => {
    const to = arrays[index];
    if (to !== undefined)
      for (let row = 0; row < rows.length; row += 1) write(to, rows[row] as Source, context, row);
  });
  return { part, rows: rows.length, values: finish() };
}
