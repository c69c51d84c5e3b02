/** What was promised, and what was measured: the table at the end of every bench. */
import Table from 'cli-table3';

/** One target. */
export interface TargetLine {
  readonly what: string;
  /** As it is written in the design: `>= 0.6`. */
  readonly target: string;
  readonly measured: number | string | null;
  /** `null` where nothing was promised, or it could not be measured. */
  readonly isMet: boolean | null;
}

/** The table for people. */
export function targetTable(lines: readonly TargetLine[]): string {
  const table = new Table({
    head: ['', 'target', 'measured', ''],
    colAligns: ['left', 'right', 'right', 'left'],
    style: { head: [], border: [] },
    chars: { mid: '', 'left-mid': '', 'mid-mid': '', 'right-mid': '' },
  });
  for (const { what, target, measured, isMet } of lines) {
    const verdict = isMet === null ? '' : isMet ? 'met' : 'missed';
    table.push([what, target, shown(measured), verdict]);
  }
  return table.toString();
}

function shown(value: number | string | null): string {
  return typeof value === 'number' ? value.toLocaleString('en-GB') : (value ?? '-');
}
