/**
 * The integer keys that stand for device ids inside the database. In one database a key never changes, so it is remembered: some 40
 * bytes a device. Another database, be it the same set back, may give it to another device.
 *
 * Invariants:
 * I1  a key is remembered only once the device's row is committed.
 * I2  no key outlives the loading of its partition, or the database.
 */
import type { ClientBase } from 'pg';
import type { Twin } from '../../actors/twin.ts';
import type { Commit } from '../runtime/ports.ts';
import { partitionOf } from '../wire/partition.ts';
import type { Columns } from './array-parameter.ts';
import type { StatementPart } from './statement.ts';

/** Keys for one commit. */
export interface CommitKeys {
  /** Throws a TypeError for a device that is neither in the database nor among the twins of the commit. */
  readonly keyOf: (device: string) => number;
  /** Twins whose device has no row yet. */
  readonly born: readonly Twin[];
  /** To be called when the commit is written. */
  readonly remember: () => void;
}

interface KeyRow {
  readonly id: string;
  /** `null` for a device that is not in the database and has no twin either. */
  readonly key: number | null;
  readonly is_new: boolean;
}

const columns = { key: 'integer', id: 'text', kind: 'text', site: 'text' } as const;

/** Writes devices that were heard before anybody registered them. */
export const devicePart: StatementPart<typeof columns> = {
  name: 'devices',
  columns,
  sql: (input) => `devices as (
  insert into device (key, id, kind, site) ${input}
)`,
};

/** Of the constraint that a device breaks which somebody else put in since its key was asked for. */
export const DEVICE_ID_CONSTRAINT = 'device_id_key';

/** SQLSTATE of a row that names a device whose own row is gone. */
export const FOREIGN_KEY_VIOLATION = '23503';
/** Of all constraints that are broken then. */
export const DEVICE_KEY_CONSTRAINT = /_device_fkey$/;

/** The row of a device was deleted by somebody else, and is written again. */
export interface DeviceRowGone {
  readonly type: 'device-row-gone';
  readonly device: string;
}

/** Writes a device's row. */
export function writeDevice(key: number, { device, kind, site }: Twin, row: Columns<typeof columns>): void {
  row.key.integer(key);
  row.id.text(device);
  row.kind.text(kind);
  row.site.text(site);
}

/** The keys of all devices this node has had to do with. */
export class DeviceKeys {
  #known = new Map<string, number>();
  /** Keys of rows that may be gone, until their devices have been asked for again. */
  #doubted = new Map<string, number>();
  readonly #saw: (key: number) => void;
  readonly #onGone: (notice: DeviceRowGone) => void;

  /** `saw` is told every key that is remembered. */
  constructor(saw: (key: number) => void, onGone: (notice: DeviceRowGone) => void) {
    this.#saw = saw;
    this.#onGone = onGone;
  }

  /** Remembers the key of a device that was read from the database. */
  learn(device: string, key: number): void {
    const doubted = this.#doubted.get(device);
    if (doubted !== undefined && doubted !== key) this.#onGone({ type: 'device-row-gone', device });
    this.#doubted.delete(device);
    this.#known.set(device, key);
    this.#saw(key);
  }

  /** The device is forgotten: a row that is made for it later has another key. */
  drop(device: string): void {
    this.#known.delete(device);
  }

  /** The row of some device in the commit is gone, nobody says of which: all of them are asked for again. */
  doubt(commit: Commit): void {
    eachDevice(commit, ({ device }) => {
      const key = this.#known.get(device);
      if (key === undefined) return;
      this.#doubted.set(device, key);
      this.#known.delete(device);
    });
  }

  /** Forgets the keys of partitions that are going to be read anew. */
  forget(partitions: readonly number[]): void {
    const wanted = new Set(partitions);
    for (const device of this.#known.keys()) if (wanted.has(partitionOf(device))) this.#known.delete(device);
    this.#doubted = new Map();
  }

  /** Forgets all keys: the database is not the one from which they are. */
  forgetAll(): void {
    this.#known = new Map();
    this.#doubted = new Map();
  }

  /** The keys of all devices in a commit: one round trip if there are unknown ones among them, none otherwise. */
  async resolve(client: ClientBase, commit: Commit): Promise<CommitKeys> {
    const strangers = new Set<string>();
    eachDevice(commit, ({ device }) => {
      if (!this.#known.has(device)) strangers.add(device);
    });
    const unknown = [...strangers];
    if (unknown.length === 0) {
      return { keyOf: (device) => keyIn(this.#known, device), born: [], remember: () => undefined };
    }
    const twins = new Map(commit.twins.map((twin) => [twin.device, twin]));
    const rows = await ask(
      client,
      unknown.map((id) => ({ id, isBorn: twins.has(id) })),
    );
    const found = new Map(rows.flatMap(({ id, key }) => (key === null ? [] : [[id, key]])));
    return {
      keyOf: (device) => found.get(device) ?? keyIn(this.#known, device),
      born: rows.flatMap(({ id, is_new: isNew }) => (isNew ? (twins.get(id) ?? []) : [])),
      remember: () => {
        for (const [device, key] of found) this.learn(device, key);
      },
    };
  }
}

/** Looks at everything in the commit that is about a device. */
function eachDevice(commit: Commit, look: (about: { readonly device: string }) => void): void {
  commit.twins.forEach(look);
  commit.reports.forEach(look);
  commit.ledger.forEach(look);
  commit.clocks.forEach(look);
  for (const line of commit.journal) {
    if (line.type === 'transition') look(line.transition);
    if (line.type === 'outcome') look(line.entry);
  }
}

async function ask(
  client: ClientBase,
  devices: readonly { readonly id: string; readonly isBorn: boolean }[],
): Promise<readonly KeyRow[]> {
  const { rows } = await client.query<KeyRow>({
    name: 'device keys',
    // A number from the sequence is given to nobody else, whether it is used or not.
    text: `select u.id, d.key is null as is_new,
        case when d.key is null and u.is_born then nextval('device_key')::integer else d.key end as key
      from unnest($1::text[], $2::boolean[]) u (id, is_born) left join device d on d.id = u.id`,
    values: [devices.map(({ id }) => id), devices.map(({ isBorn }) => isBorn)],
  });
  return rows;
}

function keyIn(keys: ReadonlyMap<string, number>, device: string): number {
  const key = keys.get(device);
  if (key === undefined)
    throw new TypeError(`device ${device} is neither in the inventory nor has it a twin`);
  return key;
}
