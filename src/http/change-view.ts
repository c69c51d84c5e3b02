/**
 * What is published of twins and commands, as HTTP tells it: the line of the journal with the device as it stood then.
 */
import type { ChangedBody, ForgottenBody, OutcomeBody } from '../contract/reply-bodies.ts';
import type { TwinDocument } from '../contract/twin-document.ts';
import { type Published, readPublished } from '../wire/published.ts';
import type { PublishedChange } from '../runtime/change-feed.ts';
import type { ServerEvent } from './event-stream.ts';
import { rfc3339, rfc3339OrNull } from './rfc3339.ts';

/**
 * The event that tells of a change; `null` for a message that this version cannot read, or that speaks of another device than it was
 * published for. The stream is written by nodes, but not everything that reaches it has to be theirs.
 */
export function changeEvent(change: PublishedChange): ServerEvent | null {
  const read = readPublished(change, change.payload);
  if (!read.ok) return null;
  const { published } = read;
  return {
    event: published.type,
    id: change,
    data: viewOf(published),
  };
}

function viewOf(published: Published): object {
  switch (published.type) {
    case 'changed':
      return changedView(published.body);
    case 'outcome':
      return outcomeView(published.body);
    case 'forgotten':
      return forgottenView(published.body);
  }
}

function forgottenView({ device, partition, no, forgotten }: ForgottenBody): object {
  const { at, site, reason } = forgotten;
  return { device, partition, no, site, reason, forgottenAt: rfc3339(at) };
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
