/** The two bits of Markdown that generated documents are made of. */

/** A word as code. */
export function code(text: string): string {
  return `\`${text}\``;
}

/** A table, not laid out: the documents that hold them are generated and checked as they are. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}
