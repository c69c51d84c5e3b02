/**
 * What is published of twins and commands, as HTTP tells it: the line of the journal with the device as it stood then.
 */
import { Type } from '@sinclair/typebox';
import { TypeCompiler } from '@sinclair/typebox/compiler';
import type { TwinDocument } from '../../actors/document.ts';
import { decode } from '../wire/codec.ts';
import type { ChangedBody, OutcomeBody } from '../wire/reply.ts';
import type { PublishedChange } from '../runtime/ports.ts';
import type { ServerEvent } from './event-stream.ts';
import { rfc3339, rfc3339OrNull } from './rfc3339.ts';

const Time = Type.Number();
const TimeOrNull = Type.Union([Time, Type.Null()]);

/** What has to be there for a line of the journal to be told; a later version may have more. */
const changedCheck = TypeCompiler.Compile(
  Type.Object({
    device: Type.String(),
    measuredAt: Time,
    recordedAt: Time,
    twin: Type.Object({
      device: Type.String(),
      since: TimeOrNull,
      asOf: TimeOrNull,
      lastContact: TimeOrNull,
      suspicions: Type.Array(Type.Object({ reason: Type.String() })),
      pending: Type.Array(Type.Unknown()),
    }),
  }),
);
const outcomeCheck = TypeCompiler.Compile(
  Type.Object({
    device: Type.String(),
    acceptedAt: Time,
    sentAt: Time,
    certainAt: Time,
    decidedAt: TimeOrNull,
    closedAt: TimeOrNull,
  }),
);

/**
 * The event that tells of a change; `null` for a message that this version cannot read, or that speaks of another device than it was
 * published for. The stream is written by nodes, but not everything that reaches it has to be theirs.
 */
export function changeEvent({ sequence, type, device, payload }: PublishedChange): ServerEvent | null {
  const decoded = decode(payload);
  if (!decoded.ok) return null;
  const { value }: { readonly value: unknown } = decoded;
  const isRight = type === 'changed' ? changedCheck.Check(value) : outcomeCheck.Check(value);
  if (!isRight || (value as { readonly device: string }).device !== device) return null;
  const data =
    type === 'changed' ? changedView(value as ChangedBody<TwinDocument>) : outcomeView(value as OutcomeBody);
  return { event: type, id: sequence, data };
}

function changedView(body: ChangedBody<TwinDocument>): object {
  const { device, partition, no, from, to, cause, measuredAt, errorMs, recordedAt, twin } = body;
  const { kind, site, version, state, path, quality, connected, hears, firmware } = twin;
  return {
    ...{ device, partition, no, from, to, cause },
    ...{ measuredAt: rfc3339(measuredAt), errorMs, recordedAt: rfc3339(recordedAt) },
    line: {
      ...{ device, kind, site, version, state, path, since: rfc3339OrNull(twin.since), quality },
      ...{ asOf: rfc3339OrNull(twin.asOf), errorMs: twin.errorMs, ageMs: twin.ageMs },
      ...{ lastContact: rfc3339OrNull(twin.lastContact), connected, hears, firmware },
      ...{ suspicions: twin.suspicions.map(({ reason }) => reason), pending: twin.pending.length },
    },
  };
}

function outcomeView(body: OutcomeBody): object {
  return {
    ...body,
    acceptedAt: rfc3339(body.acceptedAt),
    sentAt: rfc3339(body.sentAt),
    certainAt: rfc3339(body.certainAt),
    decidedAt: rfc3339OrNull(body.decidedAt),
    closedAt: rfc3339OrNull(body.closedAt),
  };
}
