/**
 * Array parameters in Postgres' binary format, one per column: how many rows travel in one statement. Text arrays would have
 * to be quoted here and parsed there, which costs more than the rest of the way.
 *
 * One class for all types, and bytes set one by one: this runs for some thirty values of every report, and that is what keeps it
 * at a few nanoseconds each.
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

/** How many bytes a value of the type takes, about; what is more makes the array grow. */
const EXPECTED_BYTES: Readonly<Record<ColumnType, number>> = {
  boolean: 5,
  bytea: 160,
  bigint: 12,
  smallint: 6,
  integer: 8,
  text: 20,
  json: 512,
  'double precision': 12,
  timestamptz: 12,
};

/** Postgres counts microseconds from here, ms epoch. */
const POSTGRES_EPOCH_MS = 946_684_800_000;

/**
 * What a timestamptz shows of a time: from the first one Postgres holds (4713 BC) to the last one a JavaScript Date does
 * (275760 AD). Uptimes of devices may be absurd, and so are times computed from them: they are kept as the nearer end.
 */
const TIME_MIN_MS = -210_866_803_200_000;
const TIME_MAX_MS = 8_640_000_000_000_000;

const HEADER_BYTES = 20;
const NULL_LENGTH = -1;
const TWO_TO_32 = 4_294_967_296;
const SHORT_TEXT = 32;

/** A growing array. Each method is for columns of one type; `null` is a value of each. */
export class ArrayParameter {
  readonly #oid: number;
  #bytes: Buffer;
  #end = HEADER_BYTES;
  #count = 0;
  #hasNull = false;

  constructor(type: ColumnType, rows: number) {
    this.#oid = OID[type];
    this.#bytes = Buffer.allocUnsafe(HEADER_BYTES + rows * EXPECTED_BYTES[type]);
  }

  boolean(value: boolean | null): void {
    if (value === null) {
      this.#null();
      return;
    }
    const at = this.#begin(1);
    this.#bytes[at] = value ? 1 : 0;
  }

  /** Throws a TypeError for what is no integer of 16 bits. */
  smallint(value: number | null): void {
    if (value === null) {
      this.#null();
      return;
    }
    if ((value << 16) >> 16 !== value) throw new TypeError(`${String(value)} is no integer of 16 bits`);
    const at = this.#begin(2);
    this.#bytes[at] = value >>> 8;
    this.#bytes[at + 1] = value;
  }

  /** Throws a TypeError for what is no integer of 32 bits. */
  integer(value: number | null): void {
    if (value === null) {
      this.#null();
      return;
    }
    if ((value | 0) !== value) throw new TypeError(`${String(value)} is no integer of 32 bits`);
    // The bytes are asked for after the place: making room may replace them.
    const at = this.#begin(4);
    setInt32(this.#bytes, at, value);
  }

  /** Throws a TypeError for what is no safe integer. */
  bigint(value: number | null): void {
    if (value === null) {
      this.#null();
      return;
    }
    if (!Number.isSafeInteger(value)) throw new TypeError(`${String(value)} is no integer of 53 bits`);
    this.#int64(value);
  }

  double(value: number | null): void {
    if (value === null) {
      this.#null();
      return;
    }
    const at = this.#begin(8);
    this.#bytes.writeDoubleBE(value, at);
  }

  /** Takes ms epoch; keeps whole microseconds. Throws a TypeError for what is no number. */
  time(value: number | null): void {
    if (value === null) {
      this.#null();
      return;
    }
    if (Number.isNaN(value)) throw new TypeError('a time is a number');
    const ms = Math.min(Math.max(value, TIME_MIN_MS), TIME_MAX_MS);
    this.#int64(Math.round((ms - POSTGRES_EPOCH_MS) * 1000));
  }

  /** Takes text; for a json column, JSON. */
  text(value: string | null): void {
    if (value === null) {
      this.#null();
      return;
    }
    const { length } = value;
    // No character takes more than three bytes a UTF-16 unit.
    this.#reserve(4 + length * 3);
    const at = this.#end + 4;
    let size = length <= SHORT_TEXT ? setAscii(this.#bytes, at, value) : -1;
    if (size === -1) size = this.#bytes.write(value, at, 'utf8');
    this.#begin(size);
  }

  bytea(value: Uint8Array | null): void {
    if (value === null) {
      this.#null();
      return;
    }
    const at = this.#begin(value.length);
    this.#bytes.set(value, at);
  }

  /** The parameter. Nothing can be added after it. */
  finish(): Buffer {
    const bytes = this.#bytes;
    setInt32(bytes, 0, 1);
    setInt32(bytes, 4, this.#hasNull ? 1 : 0);
    setInt32(bytes, 8, this.#oid);
    setInt32(bytes, 12, this.#count);
    setInt32(bytes, 16, 1);
    return bytes.subarray(0, this.#end);
  }

  /** Begins a value of so many bytes; returns where they go. */
  #begin(size: number): number {
    if (this.#end + 4 + size > this.#bytes.length) this.#reserve(4 + size);
    setInt32(this.#bytes, this.#end, size);
    const at = this.#end + 4;
    this.#end = at + size;
    this.#count += 1;
    return at;
  }

  #null(): void {
    this.#begin(0);
    setInt32(this.#bytes, this.#end - 4, NULL_LENGTH);
    this.#hasNull = true;
  }

  #int64(value: number): void {
    const high = Math.floor(value / TWO_TO_32);
    const at = this.#begin(8);
    setInt32(this.#bytes, at, high);
    setInt32(this.#bytes, at + 4, value - high * TWO_TO_32);
  }

  #reserve(size: number): void {
    const needed = this.#end + size;
    if (needed <= this.#bytes.length) return;
    const grown = Buffer.allocUnsafe(Math.max(this.#bytes.length * 2, needed));
    this.#bytes.copy(grown, 0, 0, this.#end);
    this.#bytes = grown;
  }
}

function setInt32(bytes: Buffer, at: number, value: number): void {
  bytes[at] = value >>> 24;
  bytes[at + 1] = value >>> 16;
  bytes[at + 2] = value >>> 8;
  bytes[at + 3] = value;
}

/** Writes text of ASCII characters, for which a call into the runtime would take longer; -1 when there are others. */
function setAscii(bytes: Buffer, at: number, text: string): number {
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index);
    if (code > 127) return -1;
    bytes[at + index] = code;
  }
  return text.length;
}

/** The method that takes values of a column's type. */
interface MethodOf {
  readonly boolean: 'boolean';
  readonly bytea: 'bytea';
  readonly bigint: 'bigint';
  readonly smallint: 'smallint';
  readonly integer: 'integer';
  readonly text: 'text';
  readonly json: 'text';
  readonly 'double precision': 'double';
  readonly timestamptz: 'time';
}

/** Names and types of columns, in the order of their parameters. */
export type ColumnTypes = Readonly<Record<string, ColumnType>>;

/** An array for each column, with the one method that fits its type. */
export type Columns<Types extends ColumnTypes> = {
  readonly [Name in keyof Types]: Pick<ArrayParameter, MethodOf[Types[Name]]>;
};

/** Arrays for about so many rows, and the parameters they make. */
export function openColumns<Types extends ColumnTypes>(
  types: Types,
  rows: number,
): {
  readonly columns: Columns<Types>;
  readonly arrays: readonly ArrayParameter[];
  readonly finish: () => readonly Buffer[];
} {
  const arrays = Object.entries(types).map(([name, type]) => [name, new ArrayParameter(type, rows)] as const);
  return {
    columns: Object.fromEntries(arrays) as unknown as Columns<Types>,
    arrays: arrays.map(([, array]) => array),
    finish: () => arrays.map(([, array]) => array.finish()),
  };
}
