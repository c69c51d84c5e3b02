/**
 * Reads what stands in the stream CHANGES. Who may write there is settled by the hub, but a stream outlives versions and mistakes: what
 * does not fit is passed over by whoever reads, and never ends the reading.
 *
 * Checked is what readers rest on, and no more: a line that an older or a newer version wrote fits as well.
 */
import { type TSchema, Type } from '@sinclair/typebox';
import { TypeCompiler } from '@sinclair/typebox/compiler';
import type { ChangedBody, ForgottenBody, OutcomeBody } from '../contract/reply-bodies.ts';
import type { TwinDocument } from '../contract/twin-document.ts';
import { decode } from './codec.ts';
import { REPLY_LIMITS } from './decode-limits.ts';
import { schemaProblem } from './schema-problem.ts';

/** A line of the journal, or an outcome, as it was published. */
export type Published =
  | { readonly type: 'changed'; readonly device: string; readonly body: ChangedBody<TwinDocument> }
  | { readonly type: 'outcome'; readonly device: string; readonly body: OutcomeBody }
  /** The device is forgotten: it has no document any more. */
  | { readonly type: 'forgotten'; readonly device: string; readonly body: ForgottenBody };

/** What was read, or why a message is none of Corral's. */
export type ReadPublished =
  { readonly ok: true; readonly published: Published } | { readonly ok: false; readonly detail: string };

const Text = Type.String();
const Figure = Type.Number();
const FigureOrNull = Type.Union([Type.Number(), Type.Null()]);
const line = { device: Text, partition: Figure, no: Figure } satisfies Record<string, TSchema>;

const changedCheck = TypeCompiler.Compile(
  Type.Object({
    ...line,
    from: Text,
    to: Text,
    cause: Type.Object({ type: Text, detail: Text }),
    measuredAt: Figure,
    recordedAt: Figure,
    twin: Type.Object({
      device: Text,
      kind: Text,
      site: Text,
      state: Text,
      version: Figure,
      since: FigureOrNull,
      asOf: FigureOrNull,
      lastContact: FigureOrNull,
      suspicions: Type.Array(Type.Object({ reason: Text })),
      pending: Type.Array(Type.Unknown()),
    }),
  }),
);

const forgottenCheck = TypeCompiler.Compile(
  Type.Object({ ...line, forgotten: Type.Object({ at: Figure, site: Text, reason: Text }) }),
);

const outcomeCheck = TypeCompiler.Compile(
  Type.Object({
    ...line,
    id: Text,
    outcome: Text,
    name: Text,
    n: Figure,
    acceptedAt: Figure,
    sentAt: Figure,
    certainAt: Figure,
    decidedAt: FigureOrNull,
    closedAt: FigureOrNull,
  }),
);

const isChanged = (value: unknown): value is ChangedBody<TwinDocument> => changedCheck.Check(value);
const isForgotten = (value: unknown): value is ForgottenBody => forgottenCheck.Check(value);
const isOutcome = (value: unknown): value is OutcomeBody => outcomeCheck.Check(value);

/** Reads a message of CHANGES; its body has to speak of the device of its subject. Never throws. */
export function readPublished(
  { device, type }: { readonly device: string; readonly type: 'changed' | 'outcome' },
  payload: Uint8Array,
): ReadPublished {
  const decoded = decode(payload, REPLY_LIMITS);
  if (!decoded.ok) return { ok: false, detail: decoded.detail };
  const value: unknown = decoded.value;
  if (type === 'changed' && isForgotten(value)) {
    return value.device === device
      ? { ok: true, published: { type: 'forgotten', device, body: value } }
      : ofAnother(value.device);
  }
  if (type === 'changed') {
    if (!isChanged(value)) return { ok: false, detail: schemaProblem(changedCheck, value) };
    const isOfIt = value.device === device && value.twin.device === device;
    return isOfIt ? { ok: true, published: { type, device, body: asOfNow(value) } } : ofAnother(value.device);
  }
  if (!isOutcome(value)) return { ok: false, detail: schemaProblem(outcomeCheck, value) };
  return value.device === device
    ? { ok: true, published: { type, device, body: value } }
    : ofAnother(value.device);
}

/** An older version wrote `hears` alone for what `responsive` says. */
function asOfNow(body: ChangedBody<TwinDocument>): ChangedBody<TwinDocument> {
  const { twin } = body;
  const written: Partial<TwinDocument> = twin;
  return { ...body, twin: { ...twin, responsive: written.responsive ?? twin.hears } };
}

function ofAnother(device: string): ReadPublished {
  return { ok: false, detail: `it speaks of ${device}, which is not the device of its subject` };
}
