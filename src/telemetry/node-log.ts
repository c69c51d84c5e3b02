/**
 * The log of a node: one JSON object a line. People read it in terminals (`tail -f`, `docker logs`), and much of it was written by
 * strangers, so a line shows whatever has no shape of its own as an escape. pino does that for C0 alone; U+009B is the start of a
 * control sequence as well.
 */
import pino, { type DestinationStream, type Level, type Logger } from 'pino';
import { visibleText } from './visible-text.ts';

/** Opens a log that is written to `destination`; `fields` are on every line. */
export function openLog(
  options: { readonly level: Level | 'silent'; readonly fields?: Readonly<Record<string, unknown>> },
  destination: DestinationStream = pino.destination(1),
): Logger {
  const { level, fields } = options;
  return pino(
    { level, ...(fields === undefined ? {} : { base: fields }) },
    // pino gives one line at a time, with its end.
    { write: (line) => destination.write(`${visibleText(line.trimEnd())}\n`) },
  );
}
