/**
 * The cursor of a timeline: the fold as a page left it, so that the next page goes on in the middle of an interval. Opaque to
 * whoever carries it; one that was changed on the way spoils nobody's answer but the sender's.
 */
import { type Static, Type } from '@sinclair/typebox';
import { TypeCompiler } from '@sinclair/typebox/compiler';
import type { TimelineFold } from '../../actors/timeline.ts';
import { INCARNATION_MAX } from './page.ts';
import { badQuery } from './problem.ts';

const Count = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });
const Incarnation = Type.Integer({ minimum: 0, maximum: INCARNATION_MAX });
const position = { incarnation: Incarnation, boot: Count, seq: Count };

const FoldSchema = Type.Object({
  open: Type.Object({
    state: Type.String({ maxLength: 64 }),
    isSilent: Type.Boolean(),
    from: Type.Number(),
    errorMs: Type.Union([Type.Number(), Type.Null()]),
    to: Type.Null(),
    ...position,
    lastReportAt: Type.Number(),
    reports: Count,
    gaps: Count,
    missing: Count,
    reboots: Count,
  }),
  last: Type.Object({ ...position, errorMs: Type.Union([Type.Number(), Type.Null()]) }),
}) satisfies { static: TimelineFold };

const check = TypeCompiler.Compile(FoldSchema);

/** Writes a fold as a cursor. */
export function timelineCursor(fold: TimelineFold): string {
  const plain: Static<typeof FoldSchema> = fold;
  return Buffer.from(JSON.stringify(plain)).toString('base64url');
}

/** Reads a cursor; `null` when none was given. Throws `bad-query` for anything that was not given out as one. */
export function readTimelineCursor(text: string | undefined): TimelineFold | null {
  if (text === undefined) return null;
  const value = parsed(Buffer.from(text, 'base64url').toString());
  if (!check.Check(value)) {
    throw badQuery('cursor', 'expected `cursor` of the page before, as it was given out');
  }
  return value;
}

function parsed(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}
