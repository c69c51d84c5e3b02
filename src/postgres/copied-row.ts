/**
 * Rows as `COPY ... TO STDOUT (FORMAT binary)` sends them: the cheapest form in which Postgres gives away a whole table, and
 * one whose values can be looked at without reading the others. (Postgres documentation, COPY, "Binary Format".)
 */
import type { ClientBase, Connection, Submittable } from 'pg';

/** A field takes four bytes for its length, then its value; this length says null. */
const NULL_LENGTH = -1;
const LENGTH_BYTES = 4;
/** Before the fields of a row stands how many they are; after all rows stands -1 instead. */
const COUNT_BYTES = 2;
const TRAILER = -1;
/** Before the first row: a signature, flags, and the length of nothing. */
const FILE_HEADER_BYTES = 19;
const SIGNATURE_FIRST_BYTE = 0x50;
const TWO_TO_32 = 4_294_967_296;
const POSTGRES_EPOCH_MS = 946_684_800_000;

/** Walks over the fields of a row, in order. */
export class CopiedRow {
  readonly #bytes: Buffer;
  #at: number;

  constructor(bytes: Buffer, from: number) {
    this.#bytes = bytes;
    this.#at = from;
  }

  /** What has not been walked over. */
  get rest(): Buffer {
    return this.#bytes.subarray(this.#at);
  }

  /** Steps over a field; false when it is null. */
  skip(): boolean {
    return this.#step() !== NULL_LENGTH;
  }

  boolean(): boolean {
    return this.#step() === 1 && this.#bytes[this.#at - 1] === 1;
  }

  integer(): number {
    return this.#step() === LENGTH_BYTES ? this.#bytes.readInt32BE(this.#at - LENGTH_BYTES) : NaN;
  }

  bigint(): number | null {
    return this.#step() === NULL_LENGTH ? null : this.#int64();
  }

  /** Exact to the millisecond, ms epoch. */
  time(): number | null {
    return this.#step() === NULL_LENGTH ? null : POSTGRES_EPOCH_MS + this.#int64() / 1000;
  }

  text(): string | null {
    const length = this.#step();
    return length === NULL_LENGTH ? null : this.#bytes.toString('utf8', this.#at - length, this.#at);
  }

  bytes(): Buffer | null {
    const length = this.#step();
    return length === NULL_LENGTH ? null : this.#bytes.subarray(this.#at - length, this.#at);
  }

  #step(): number {
    const length = this.#bytes.readInt32BE(this.#at);
    this.#at += LENGTH_BYTES + Math.max(0, length);
    return length;
  }

  #int64(): number {
    return this.#bytes.readInt32BE(this.#at - 8) * TWO_TO_32 + this.#bytes.readUInt32BE(this.#at - 4);
  }
}

/** Copies the rows of a query out. `onRow` gets each one; its bytes are only valid meanwhile. What it throws, this rejects with. */
export function copyRows(
  client: ClientBase,
  query: { readonly text: string; readonly timeoutMs: number },
  onRow: (row: CopiedRow) => void,
): Promise<void> {
  return new Promise((resolve, reject) => {
    client.query(
      new Copy(query, onRow, (error) => {
        if (error === null) resolve();
        else reject(error);
      }),
    );
  });
}

/** As the driver wants it: it calls the methods as the server's messages come. */
class Copy implements Submittable {
  /** The driver looks for these two, and puts its own function around the second. */
  readonly query_timeout: number;
  callback: (error?: Error) => void;
  readonly #text: string;
  readonly #onRow: (row: CopiedRow) => void;
  #failure: Error | null = null;

  constructor(
    { text, timeoutMs }: { readonly text: string; readonly timeoutMs: number },
    onRow: (row: CopiedRow) => void,
    onEnd: (error: Error | null) => void,
  ) {
    this.#text = `copy (${text}) to stdout (format binary)`;
    this.query_timeout = timeoutMs;
    this.#onRow = onRow;
    this.callback = (error) => onEnd(error ?? null);
  }

  submit(connection: Connection): void {
    connection.query(this.#text);
  }

  /** The server sends each row in a message of its own, the first one with the header before it. */
  handleCopyData({ chunk }: { readonly chunk: Buffer }): void {
    if (this.#failure !== null) return;
    const from = chunk[0] === SIGNATURE_FIRST_BYTE ? FILE_HEADER_BYTES : 0;
    if (chunk.length < from + COUNT_BYTES || chunk.readInt16BE(from) === TRAILER) return;
    try {
      this.#onRow(new CopiedRow(chunk, from + COUNT_BYTES));
    } catch (error) {
      this.#failure = error instanceof Error ? error : new Error(String(error));
    }
  }

  handleError(error: Error): void {
    this.callback(error);
  }

  handleReadyForQuery(): void {
    this.callback(this.#failure ?? undefined);
  }

  handleCommandComplete(): void {
    // What follows says that the server is ready.
  }
}
