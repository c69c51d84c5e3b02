/**
 * A file of charging sessions as an operator publishes it: comma-separated values, perhaps gzipped, one session a line. Here
 * lines become records; what is wrong with a record is judged elsewhere.
 */
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { CsvError, parse } from 'csv-parse/sync';
import { CommandLineError } from '../cli/command-line-error.ts';

/** A line of the file, as text. What the file leaves out is empty. */
export interface SessionRecord {
  /** In the file, from 1; the header is line 1. */
  readonly line: number;
  /** Local minute: `2019-03-01T07:21`. */
  readonly start: string;
  readonly end: string;
  readonly chargePoint: string;
  readonly connector: string;
  readonly kwh: string;
  /** Where it stands, in the operator's words. */
  readonly site: string;
  readonly model: string;
}

/** What a file held. */
export interface SessionFile {
  readonly records: readonly SessionRecord[];
  /** Lines that are no record at all, such as one with an open quote. */
  readonly brokenLines: readonly number[];
}

/** Columns without which there is no session. */
const NEEDED = ['start', 'end', 'charge_point', 'connector', 'kwh'];

const GZIP_MAGIC = [0x1f, 0x8b];

/** Reads a file, gzipped or not. Throws {@link CommandLineError} when it cannot be read or is no such file. */
export async function readSessionFile(path: string): Promise<SessionFile> {
  try {
    const bytes = await readFile(path);
    return readSessions(path, isGzip(bytes) ? await promisify(gunzip)(bytes) : bytes);
  } catch (error) {
    throw explained(path, error);
  }
}

/** Reads comma-separated values; `name` is how errors call them. Throws as {@link readSessionFile} does. */
export function readSessions(name: string, text: string | Uint8Array): SessionFile {
  const brokenLines: number[] = [];
  const rows = parse<CsvRow>(text, {
    bom: true,
    trim: true,
    info: true,
    skip_empty_lines: true,
    relax_column_count: true,
    skip_records_with_error: true,
    on_skip: (error) => {
      brokenLines.push(Number(error?.lines));
      return undefined;
    },
    columns: (header: string[]) => checkedHeader(name, header),
  });
  if (rows.length + brokenLines.length === 0) throw new CommandLineError(`${name} holds no sessions.`);
  return { records: rows.map(recordOf), brokenLines };
}

/** What the parser gives for a line. */
interface CsvRow {
  readonly info: { readonly lines: number };
  readonly record: Readonly<Record<string, string | undefined>>;
}

function checkedHeader(path: string, header: string[]): string[] {
  const absent = NEEDED.filter((name) => !header.includes(name));
  if (absent.length > 0) {
    throw new CommandLineError(
      `${path} is no file of charging sessions: its first line has no ${absent.join(', ')}; needed are ${NEEDED.join(', ')}.`,
    );
  }
  return header;
}

function recordOf({ info, record }: CsvRow): SessionRecord {
  return {
    line: info.lines,
    start: record.start ?? '',
    end: record.end ?? '',
    chargePoint: record.charge_point ?? '',
    connector: record.connector ?? '',
    kwh: record.kwh ?? '',
    site: record.site ?? '',
    model: record.model ?? '',
  };
}

function isGzip(bytes: Uint8Array): boolean {
  return bytes[0] === GZIP_MAGIC[0] && bytes[1] === GZIP_MAGIC[1];
}

function explained(path: string, error: unknown): Error {
  if (error instanceof CommandLineError || !(error instanceof Error)) return error as Error;
  const { code } = error as NodeJS.ErrnoException;
  if (code === 'ENOENT') return new CommandLineError(`There is no file ${path}.`, { cause: error });
  if (code === 'EISDIR')
    return new CommandLineError(`${path} is a folder, not a file of sessions.`, { cause: error });
  if (error instanceof CsvError || code !== undefined) {
    return new CommandLineError(`${path} cannot be read: ${error.message}.`, { cause: error });
  }
  return error;
}
