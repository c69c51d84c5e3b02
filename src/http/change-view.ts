/**
 * What is published of twins and commands, as HTTP tells it: the line of the journal with the device as it stood then.
 */
import {
  type ChangedBody,
  type ForgottenBody,
  type OutcomeBody,
  PublishedOutcomeSchema,
} from '../contract/reply-bodies.ts';
import type { TwinDocument } from '../contract/twin-document.ts';
import { type Published, readPublished } from '../wire/published.ts';
import type { PublishedChange } from '../runtime/change-feed.ts';
import type { ServerEvent } from './event-stream.ts';
import { httpForm } from './http-form.ts';
import { rfc3339 } from './rfc3339.ts';
import { documentSummary } from './twin-view.ts';

const outcome = httpForm(PublishedOutcomeSchema);

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
  return {
    device,
    partition,
    no,
    from,
    to,
    cause,
    measuredAt: rfc3339(measuredAt),
    errorMs,
    recordedAt: rfc3339(recordedAt),
    line: documentSummary(twin),
  };
}

function outcomeView(body: OutcomeBody): object {
  return { ...body, ...outcome.write(body) };
}
