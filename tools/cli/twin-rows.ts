/** What people see of a twin: all that its document says, a row for each thing. */
import { type Static, type TSchema, Type } from '@sinclair/typebox';
import type { Cell } from './table.ts';
import { shownDuration } from './time-words.ts';

const OrNull = <T extends TSchema>(schema: T) => Type.Union([schema, Type.Null()]);
const TextOrNull = OrNull(Type.String());
const NumberOrNull = OrNull(Type.Number());
const AnyMap = Type.Record(Type.String(), Type.Unknown());

const Divergence = Type.Object({
  sort: Type.String(),
  hold: Type.String(),
  by: TextOrNull,
  expected: Type.String(),
  reported: Type.String(),
  until: TextOrNull,
  policy: Type.String(),
  reassertedBy: TextOrNull,
});

/** The document as HTTP has it, as far as people are shown it. */
export const TwinSchema = Type.Object({
  device: Type.String(),
  kind: Type.String(),
  site: Type.String(),
  registered: Type.Boolean(),
  version: Type.Integer(),
  state: Type.String(),
  path: Type.String(),
  since: TextOrNull,
  quality: Type.String(),
  asOf: TextOrNull,
  errorMs: NumberOrNull,
  ageMs: NumberOrNull,
  lastContact: TextOrNull,
  connected: Type.Boolean(),
  /** A node of an older version says `hears` alone. */
  responsive: Type.Optional(Type.Boolean()),
  hears: Type.Optional(Type.Boolean()),
  firmware: TextOrNull,
  reported: AnyMap,
  unreadable: Type.Optional(Type.Array(Type.String())),
  via: Type.Optional(
    Type.Object({ id: Type.String(), session: Type.Integer(), doubt: TextOrNull, since: TextOrNull }),
  ),
  desired: Type.Object({ version: Type.Integer(), values: AnyMap, delta: AnyMap }),
  pending: Type.Array(
    Type.Object({
      id: Type.String(),
      n: Type.Integer(),
      name: Type.String(),
      outcome: Type.String(),
      sentAt: Type.String(),
      certainAt: Type.String(),
      undecided: Type.Optional(Type.Literal(true)),
    }),
  ),
  hold: OrNull(
    Type.Object({ id: Type.String(), by: TextOrNull, until: Type.String(), certainUntil: TextOrNull }),
  ),
  suspicions: Type.Array(
    Type.Object({
      reason: Type.String(),
      since: Type.String(),
      detail: Type.String(),
      divergence: Type.Optional(Divergence),
    }),
  ),
  clock: Type.Object({ offsetMs: NumberOrNull, errorMs: NumberOrNull, verified: Type.Boolean() }),
  sequence: Type.Object({
    incarnation: Type.Integer(),
    boot: NumberOrNull,
    seq: NumberOrNull,
    missing: Type.Integer(),
    late: Type.Integer(),
    duplicates: Type.Integer(),
  }),
  allowed: Type.Array(Type.String()),
});

/** A twin. */
export type Twin = Static<typeof TwinSchema>;

type Row = readonly [string, Cell];

/** The rows, as `valuesTable` takes them. */
export function twinRows(twin: Twin): readonly Row[] {
  return [
    ['device', `${twin.device}, ${twin.kind} at ${twin.site}${twin.registered ? '' : ', not registered'}`],
    ['state', stateOf(twin)],
    ['quality', twin.quality],
    ['measured', measured(twin)],
    ['last contact', twin.lastContact],
    ['connected', connected(twin)],
    ['spoken for by', spokenForBy(twin)],
    ['firmware', twin.firmware],
    ['clock', clock(twin)],
    ['sequence', sequence(twin)],
    ['version', String(twin.version)],
    ...Object.entries(twin.reported).map(([name, value]): Row => [`  ${name}`, textOf(value)]),
    ['unreadable', twin.unreadable?.join(', ')],
    ['desired', desired(twin)],
    ['held', held(twin)],
    ...twin.suspicions.flatMap(suspicion),
    ...twin.pending.map(command),
    ['accepts now', twin.allowed.join(', ')],
  ];
}

/** A machine whose states have no states in them has the same word twice. */
function stateOf({ state, path, since }: Twin): string {
  const name = path === state || path.startsWith(`${state}.`) ? path : `${state} (${path})`;
  return since === null ? name : `${name} since ${since}`;
}

function measured({ asOf, errorMs, ageMs }: Twin): string | null {
  if (asOf === null) return null;
  const uncertainty = errorMs === null ? 'at the latest' : `± ${shownDuration(errorMs)}`;
  return `${asOf} ${uncertainty}, ${shownDuration(ageMs ?? 0)} ago`;
}

function connected({ connected: is, hears, responsive = hears }: Twin): string {
  if (!is) return 'no';
  return responsive === false ? 'yes: reports arrive, but the last 3 commands got no response' : 'yes';
}

function spokenForBy({ via }: Twin): string | null {
  if (via === undefined) return null;
  const { id, session, doubt, since } = via;
  const speaks = `${id}, session ${String(session)}`;
  return doubt === null ? speaks : `${speaks}, ${doubt}${since === null ? '' : ` since ${since}`}`;
}

function clock({ clock: { offsetMs, errorMs, verified } }: Twin): string {
  const offset =
    offsetMs === null
      ? 'tells no time'
      : `${String(Math.abs(offsetMs))} ms ${offsetMs < 0 ? 'behind' : 'ahead'}`;
  const error = errorMs === null ? '' : ` ± ${String(errorMs)} ms`;
  return `${offset}${error}, ${verified ? 'verified by a round trip' : 'not verified: no round trip yet'}`;
}

function sequence({ sequence: { incarnation, boot, seq, missing, late, duplicates } }: Twin): string | null {
  if (boot === null || seq === null) return null;
  const newest = `incarnation ${String(incarnation)}, boot ${String(boot)}, report ${String(seq)}`;
  return `${newest}; ${String(missing)} missing, ${String(late)} late, ${String(duplicates)} duplicates`;
}

function desired({ desired: { version, values, delta } }: Twin): string | null {
  if (version === 0) return null;
  const isApplied = Object.keys(delta).length === 0;
  const difference = isApplied ? 'applied' : `not applied: ${JSON.stringify(delta)}`;
  return `version ${String(version)}: ${JSON.stringify(values)}; ${difference}`;
}

function held({ hold }: Twin): string | null {
  if (hold === null) return null;
  const { id, by, until, certainUntil } = hold;
  const certainly = certainUntil === null ? 'no end is certain' : `certainly over after ${certainUntil}`;
  return `by ${by ?? 'nobody named'} until ${until}, ${certainly}; ${id}`;
}

function suspicion({ reason, since, detail, divergence }: Twin['suspicions'][number]): Row[] {
  const row: Row = ['suspicion', `${reason} since ${since}: ${detail}`];
  if (divergence === undefined) return [row];
  const { sort, hold, by, expected, reported, until, policy, reassertedBy } = divergence;
  const views = `${sort}: expected ${expected}, the device says ${reported}`;
  const which = `hold ${hold} of ${by ?? 'nobody named'}${until === null ? '' : ` until ${until}`}`;
  const what = `${policy}${reassertedBy === null ? '' : ` by ${reassertedBy}`}`;
  return [row, ['  divergence', `${views}; ${which}; ${what}`]];
}

function command({ id, n, name, outcome, sentAt, certainAt, undecided }: Twin['pending'][number]): Row {
  const stands = undecided === true ? `${outcome}, undecided` : outcome;
  return [
    'command',
    `${name} ${stands}, number ${String(n)}, sent ${sentAt}, cannot start after ${certainAt}; ${id}`,
  ];
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}
