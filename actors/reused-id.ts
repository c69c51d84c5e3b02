/**
 * What an id was first used for. An id names one command of one device for good: asked again for the same command, it is answered
 * with the same entry, and asked for another one it is refused. To answer with the first one's `done` would be a lie.
 *
 * The same command is the same name with the same arguments, whatever order their keys stand in. How long the caller waits, which
 * version it has seen and on whose behalf it asks are not part of it: whoever asks again waits anew, has seen the twin that the
 * first copy changed, and may be another process than the one that died; the answer says on whose behalf it was accepted.
 */
import type { LedgerEntry } from '../src/contract/ledger-entry.ts';
import type { FirstUse } from '../src/contract/refusal.ts';

type Asked = Pick<LedgerEntry, 'name' | 'args'>;

/** True when both ask for the same. */
export function isSameCommand(a: Asked, b: Asked): boolean {
  return a.name === b.name && isSameValue(a.args, b.args);
}

/** What an accepted command used its id for. */
export function firstUseOf({ name, args, by, asker, acceptedAt, outcome }: LedgerEntry): FirstUse {
  return { name, args, by, asker, acceptedAt, outcome };
}

/** What a request that is not decided on yet uses its id for. */
export function firstUseOfWaiting({
  name,
  args,
  by,
  asker,
}: Pick<FirstUse, 'name' | 'args' | 'by' | 'asker'>): FirstUse {
  return { name, args, by, asker, acceptedAt: null, outcome: null };
}

/** Plain data by its meaning: both encodings, and the store, may write one number in several ways. */
function isSameValue(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (Array.isArray(a) !== Array.isArray(b)) return false;
  const keys = Object.keys(a);
  return (
    keys.length === Object.keys(b).length &&
    keys.every((key) => Object.hasOwn(b, key) && isSameValue(valueAt(a, key), valueAt(b, key)))
  );
}

function valueAt(value: object, key: string): unknown {
  return (value as Readonly<Record<string, unknown>>)[key];
}
