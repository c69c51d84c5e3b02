/**
 * Who speaks for a device that does not speak itself: its source, a gateway or a poller of somebody's feed, which its newest report names
 * (`via`). A source is a device with a twin of its own, so that others know of it what its twin has committed last, and no more.
 *
 * - While the source is away, nobody can tell how its devices are: they are doubted for that reason, and not taken for silent.
 * - A device is silent by itself only where its source was heard after the device's own time was up.
 * - When the source is back, or speaks in another session, what a device said before does not count as fresh until it is heard again.
 * - While the source plays again what was said before (`replay.ts`), nothing that it says moves anything.
 *
 * A source that nobody knows, one of another site, and one whose sources lead back to itself can be no reason for anything: its devices
 * are judged as if they spoke themselves.
 */
import { worldState } from '../machines/statechart.ts';
import type { Report } from '../machines/report.ts';
import { measuredAt } from './clock.ts';
import type { Context } from './decision.ts';
import type { Draft } from './draft.ts';
import type { Source } from './known-source.ts';
import { echoOf, saidAfter } from './replay.ts';
import { settleSuspicions } from './settle.ts';
import { doubtDetail } from './source-doubt.ts';
import { reviewSource, SNAPSHOT_REPLAYED, SOURCE_AWAY } from './suspicions.ts';
import type { SpokenFor, Twin } from './twin.ts';
import type { SourceDoubt } from '../src/contract/twin-document.ts';

/** What a twin says of itself as a source; `null` for a device that was never heard. */
export function sourceOf(
  twin: Pick<Twin, 'device' | 'site' | 'path' | 'since' | 'lastContactAt' | 'suspicions'> & {
    readonly boot: number | null;
    readonly via: Pick<SpokenFor, 'id'> | null;
  },
): Source | null {
  const { device, site, path, since, lastContactAt, suspicions, boot, via } = twin;
  if (lastContactAt === null || boot === null) return null;
  const sinceOf = (reason: string): number | null =>
    suspicions.find((suspicion) => suspicion.reason === reason)?.since ?? null;
  return {
    id: device,
    site,
    session: boot,
    heardAt: lastContactAt,
    via: via?.id ?? null,
    awaySince: worldState(path) === 'offline' ? (since ?? lastContactAt) : sinceOf(SOURCE_AWAY),
    replaysSince: sinceOf(SNAPSHOT_REPLAYED),
  };
}

/** The newest report names who speaks for the device, or that it speaks itself. */
export function hearThrough(draft: Draft, report: Report, receivedAt: number): void {
  const { twin, before, kind } = draft;
  const { via } = report;
  if (via === undefined) {
    twin.via = null;
    return;
  }
  const known = twin.via?.id === via.id ? twin.via : null;
  const { clock, newest } = twin;
  const at = clock && newest ? measuredAt(clock, newest, kind.limits.driftPpm).at : receivedAt;
  const said = saidAfter(known?.said ?? [], report, at);
  const spoken: SpokenFor = { id: via.id, session: via.session, doubt: null, since: null, said };
  twin.via = doubted(draft, spoken, receivedAt);
  // Only what was followed without a gap can go back to what was said before: else it has changed meanwhile.
  const isFollowed = known?.session === via.session && (known.doubt === null || known.doubt === 'replay');
  if (isFollowed && worldState(before.path) !== 'offline')
    draft.echo = echoOf(known, said, { at, receivedAt, state: report.state });
}

/** More is known of the source. An offline device is so for a reason of its own, whatever becomes of its source. */
export function hearOfSource(draft: Draft): void {
  const { twin } = draft;
  const { via, newest } = twin;
  if (via === null || newest === null || worldState(twin.path) === 'offline') return;
  const now = doubted(draft, via, newest.receivedAt);
  if (now.doubt === via.doubt) return;
  twin.via = now;
  reviewSource(draft);
  settleSuspicions(draft, {
    type: 'silence',
    detail: doubtDetail(now) ?? `${via.id} is no reason for doubt any more`,
  });
}

/** When a device counts as silent by itself, before it is asked what is known of its source, ms epoch. */
export function dueBeside({ via }: Twin, dueAt: number, silenceMs: number): number {
  if (via?.doubt === 'away') return Infinity;
  return via?.doubt === 'back' ? Math.max(dueAt, (via.since ?? 0) + silenceMs) : dueAt;
}

/** Whether nobody can tell yet who is silent, the device or its source: the source was not heard since the device's time was up. */
export function isWaitingForSource(
  { via }: Twin,
  { source = null, now }: Pick<Context, 'source' | 'now'>,
  dueAt: number,
): boolean {
  return via !== null && source?.id === via.id && dueAt <= now && source.heardAt < dueAt;
}

/** The device itself is silent: nothing about its source is a reason for anything any more. */
export function endDoubtOfSource(draft: Draft): void {
  const { twin } = draft;
  const { via } = twin;
  if (via === null) return;
  if (via.doubt === null) return;
  twin.via = { ...via, doubt: null, since: null };
  reviewSource(draft);
}

/** What was said through the source, received last at `receivedAt`, with the doubt that follows from what is known of the source. */
function doubted({ context, kind }: Draft, via: SpokenFor, receivedAt: number): SpokenFor {
  const { source = null, now } = context;
  const because = (doubt: SourceDoubt | null, since: number | null): SpokenFor => ({ ...via, doubt, since });
  if (source?.id !== via.id) return because(null, null);
  const { awaySince, replaysSince, session, heardAt } = source;
  // Heard after its source had fallen silent, it is not known to be silent by itself either.
  const isUnheard =
    awaySince !== null && (receivedAt <= awaySince || now - receivedAt >= kind.limits.silenceMs);
  if (isUnheard) return because('away', awaySince);
  if (replaysSince !== null) return because('replay', replaysSince);
  if (via.doubt === 'back') return via;
  if (via.doubt === 'away' || via.doubt === 'replay') return because('back', heardAt);
  // A source whose storage was wiped counts its sessions anew: what was said before it was heard in this one is of an ended one, too.
  const hasEnded = via.session < session || (via.session > session && receivedAt < heardAt);
  if (!hasEnded) return because(null, null);
  return via.doubt === 'session' ? via : because('session', now);
}
