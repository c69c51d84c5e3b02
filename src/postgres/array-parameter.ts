/**
 * Array parameters in Postgres' binary format, one per column: how many rows travel in one statement. Text arrays would have
 * to be quoted here and parsed there, which costs more than the rest of the way.
 *
 * A value that its column cannot hold throws a TypeError: nothing has been sent by then.
 */

/** Column types that are sent, with their object ids (fixed in Postgres' catalogue, pg_type.dat). */
const OID = {
  boolean: 16,
  bytea: 17,
  bigint: 20,
  smallint: 21,
  integer: 23,
  text: 25,
  json: 114,
  'double precision': 701,
  timestamptz: 1184,
} as const;
export type ColumnType = keyof typeof OID;

/** Postgres counts microseconds from here, ms epoch. */
const POSTGRES_EPOCH_MS = 946_684_800_000;

/**
 * What a timestamptz shows of a time: from the first one Postgres holds (4713 BC) to the last one a JavaScript Date does
 * (275760 AD). Uptimes of devices may be absurd, and so are times computed from them: they are kept as the nearer end.
 */
const TIME_MIN_MS = -210_866_803_200_000;
const TIME_MAX_MS = 8_640_000_000_000_000;

const HEADER_BYTES = 20;
const TWO_TO_32 = 4_294_967_296;
const INTEGER_MAX = 2_147_483_647;

/** A growing array of one type. */
abstract class ArrayParameter<Value> {
  readonly #oid: number;
  #bytes: Buffer;
  #length = HEADER_BYTES;
  #count = 0;
  #hasNull = false;

  constructor(type: ColumnType, expectedBytes: number) {
    this.#oid = OID[type];
    this.#bytes = Buffer.allocUnsafe(HEADER_BYTES + expectedBytes);
  }

  push(value: Value | null): void {
    this.#count += 1;
    if (value !== null) {
      this.write(value);
      return;
    }
    this.#hasNull = true;
    const at = this.claim(4);
    this.#bytes.writeInt32BE(-1, at);
  }

  /** The parameter. Nothing can be pushed after it. */
  finish(): Buffer {
    const bytes = this.#bytes;
    bytes.writeInt32BE(1, 0);
    bytes.writeInt32BE(this.#hasNull ? 1 : 0, 4);
    bytes.writeInt32BE(this.#oid, 8);
    bytes.writeInt32BE(this.#count, 12);
    bytes.writeInt32BE(1, 16);
    return bytes.subarray(0, this.#length);
  }

  protected abstract write(value: Value): void;

  protected get bytes(): Buffer {
    return this.#bytes;
  }

  /** Makes room for `size` bytes at the end; returns where they begin. */
  protected claim(size: number): number {
    const at = this.#length;
    this.reserve(size);
    this.#length += size;
    return at;
  }

  /** Makes sure that `size` bytes could be claimed. */
  protected reserve(size: number): number {
    const needed = this.#length + size;
    if (needed > this.#bytes.length) {
      const grown = Buffer.allocUnsafe(Math.max(this.#bytes.length * 2, needed));
      this.#bytes.copy(grown, 0, 0, this.#length);
      this.#bytes = grown;
    }
    return this.#length;
  }

  protected writeInt64(value: number): void {
    const at = this.claim(12);
    const high = Math.floor(value / TWO_TO_32);
    this.#bytes.writeInt32BE(8, at);
    this.#bytes.writeInt32BE(high, at + 4);
    this.#bytes.writeUInt32BE(value - high * TWO_TO_32, at + 8);
  }
}

class BooleanArray extends ArrayParameter<boolean> {
  protected write(value: boolean): void {
    const at = this.claim(5);
    this.bytes.writeInt32BE(1, at);
    this.bytes[at + 4] = value ? 1 : 0;
  }
}

class SmallintArray extends ArrayParameter<number> {
  protected write(value: number): void {
    const at = this.claim(6);
    this.bytes.writeInt32BE(2, at);
    this.bytes.writeInt16BE(value, at + 4);
  }
}

class IntegerArray extends ArrayParameter<number> {
  protected write(value: number): void {
    if (!Number.isInteger(value) || Math.abs(value) > INTEGER_MAX) {
      throw new TypeError(`${String(value)} is no integer of 32 bits`);
    }
    const at = this.claim(8);
    this.bytes.writeInt32BE(4, at);
    this.bytes.writeInt32BE(value, at + 4);
  }
}

class BigintArray extends ArrayParameter<number> {
  protected write(value: number): void {
    if (!Number.isSafeInteger(value)) throw new TypeError(`${String(value)} is no integer of 53 bits`);
    this.writeInt64(value);
  }
}

class DoubleArray extends ArrayParameter<number> {
  protected write(value: number): void {
    const at = this.claim(12);
    this.bytes.writeInt32BE(8, at);
    this.bytes.writeDoubleBE(value, at + 4);
  }
}

/** Takes ms epoch. */
class TimeArray extends ArrayParameter<number> {
  protected write(value: number): void {
    if (Number.isNaN(value)) throw new TypeError('a time is a number');
    const ms = Math.min(Math.max(value, TIME_MIN_MS), TIME_MAX_MS);
    this.writeInt64(Math.round((ms - POSTGRES_EPOCH_MS) * 1000));
  }
}

/** Takes text; for a json column, JSON. */
class TextArray extends ArrayParameter<string> {
  protected write(value: string): void {
    // No character takes more than three bytes a UTF-16 unit.
    const at = this.reserve(4 + value.length * 3);
    const size = this.bytes.write(value, at + 4, 'utf8');
    this.bytes.writeInt32BE(size, at);
    this.claim(4 + size);
  }
}

class BytesArray extends ArrayParameter<Uint8Array> {
  protected write(value: Uint8Array): void {
    const at = this.claim(4 + value.length);
    this.bytes.writeInt32BE(value.length, at);
    this.bytes.set(value, at + 4);
  }
}

const MAKERS = {
  boolean: (rows: number) => new BooleanArray('boolean', rows * 5),
  bytea: (rows: number) => new BytesArray('bytea', rows * 256),
  bigint: (rows: number) => new BigintArray('bigint', rows * 12),
  smallint: (rows: number) => new SmallintArray('smallint', rows * 6),
  integer: (rows: number) => new IntegerArray('integer', rows * 8),
  text: (rows: number) => new TextArray('text', rows * 32),
  json: (rows: number) => new TextArray('json', rows * 512),
  'double precision': (rows: number) => new DoubleArray('double precision', rows * 12),
  timestamptz: (rows: number) => new TimeArray('timestamptz', rows * 12),
} satisfies Record<ColumnType, (rows: number) => ArrayParameter<never>>;

/** Names and types of columns, in the order of their parameters. */
export type ColumnTypes = Readonly<Record<string, ColumnType>>;

/** An array to push values into, for each column. */
export type Columns<Types extends ColumnTypes> = {
  readonly [Name in keyof Types]: ReturnType<(typeof MAKERS)[Types[Name]]>;
};

/** Empty columns with room for about `rows` rows. */
export function openColumns<Types extends ColumnTypes>(types: Types, rows: number): Columns<Types> {
  const entries = Object.entries(types).map(([name, type]) => [name, MAKERS[type](rows)] as const);
  return Object.fromEntries(entries) as unknown as Columns<Types>;
}

/** The parameters of columns, in the order of their types. */
export function finishColumns(columns: Columns<ColumnTypes>): readonly Buffer[] {
  return Object.values(columns).map((column) => column.finish());
}
