import { PassThrough } from 'node:stream';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { openLog } from '../../../src/telemetry/node-log.ts';
import { visibleText } from '../../../src/telemetry/visible-text.ts';
import { changingLine } from '../../../tools/cli/print.ts';
import { rowsTable, valuesTable } from '../../../tools/cli/table.ts';

/** What a terminal obeys, or a reader does not see: nothing of it may be in a line. */
const HOSTILE = /(?! )[\p{C}\p{Z}\p{Default_Ignorable_Code_Point}]/u;

const anyText = fc.string({ unit: 'binary' });
/** Text of what makes terminals do things, and halves of surrogate pairs. */
const nastyText = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        '\u001b]52;c;ZXZpbA==\u0007',
        '\u001b]0;title\u0007',
        '\u009b2J',
        '\u007f',
        '\u202e',
        '\u2066',
      ),
      fc.constantFrom(
        '\n',
        '\r',
        '\t',
        '\b',
        '\u200b',
        '\ufeff',
        '\u2028',
        '\u00a0',
        '\u{e0041}',
        '\ud800',
        '\udc00',
      ),
      fc.string({ maxLength: 3 }),
    ),
  )
  .map((parts) => parts.join(''));

describe('text that strangers wrote', () => {
  test('is shown with nothing in it that a terminal obeys or a reader cannot see', () => {
    fc.assert(
      fc.property(fc.oneof(anyText, nastyText), (text) => {
        expect(visibleText(text)).not.toMatch(HOSTILE);
      }),
    );
  });

  test.each([
    ['a title', '\u001b]0;all is well\u0007', '\\u001b]0;all is well\\u0007'],
    ['the clipboard', '\u001b]52;c;cm0=\u0007', '\\u001b]52;c;cm0=\\u0007'],
    ['a control sequence in one byte', '\u009b2J', '\\u009b2J'],
    ['a text that reads backwards', 'a\u202eb', 'a\\u202eb'],
    ['a second line', 'ok\nready', 'ok\\nready'],
    ['a line over this one', 'bad\rgood', 'bad\\rgood'],
    ['half a character', '\ud83d', '\\ud83d'],
    ['a tag that nobody sees', '\u{e0041}', '\\udb40\\udc41'],
    ['a blank that is none', 'cp-1\u00a0', 'cp-1\\u00a0'],
  ])('shows %s as what it is', (_what, text, seen) => {
    expect(visibleText(text)).toBe(seen);
  });

  test.each(['4.11.2', 'Zürich – 30 °C ± 1', 'ラック 3', '😀', '┌ table ┐'])('stays as it is: %s', (text) => {
    expect(visibleText(text)).toBe(text);
  });

  test('is, as JSON, the JSON that it was', () => {
    fc.assert(
      fc.property(fc.oneof(anyText, nastyText), (text) => {
        const line = visibleText(JSON.stringify({ [text]: text }));
        expect(line).not.toMatch(HOSTILE);
        expect(JSON.parse(line)).toEqual({ [text]: text });
      }),
    );
  });

  test('makes no row, no column and no line of a table', () => {
    const text = 'x\n│ cp-999 │ fresh │\u001b[2K';
    const rows = rowsTable([text, 'state'], [[text, 'available']]);
    expect(rows).toHaveLength(rowsTable(['name', 'state'], [['cp-1', 'available']]).length);
    expect(valuesTable([[text, text]])).toHaveLength(3);
    for (const line of [...rows, ...valuesTable([[text, text]])]) expect(line).not.toMatch(HOSTILE);
  });
});

describe('progress', () => {
  test('writes over its own line alone, whatever it says', () => {
    const terminal = Object.assign(new PassThrough(), { isTTY: true }) as unknown as NodeJS.WriteStream;
    const line = changingLine(terminal);
    line.show('cp-1\u001b[31m');
    line.keep('cp-2\nready');
    const written = String((terminal as unknown as PassThrough).read());
    expect(written).toBe('cp-1\\u001b[31m\r\u001b[Kcp-2\\nready\n');
  });
});

describe('the log', () => {
  test('is one line of JSON for each entry, with nothing in it that a terminal obeys', () => {
    const lines: string[] = [];
    const log = openLog({ level: 'info' }, { write: (line) => void lines.push(line) });
    const device = '\u001b]0;x\u0007\u009b2J\u202e\u007f\n';
    log.warn({ device, err: new Error(device) }, device);
    const [line = ''] = lines;
    expect(lines).toHaveLength(1);
    expect(line).toMatch(/^\{.*\}\n$/);
    expect(line.trimEnd()).not.toMatch(HOSTILE);
    expect(JSON.parse(line)).toMatchObject({ device, msg: device });
  });
});
