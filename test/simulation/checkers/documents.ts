import type { Twin } from '../../../actors/twin.ts';
import { worldState } from '../../../machines/statechart.ts';
import type { Said } from '../record.ts';
import type { Evidence } from '../world/evidence.ts';
import { type Checker, type Flaw, isHeldAt } from './checker.ts';

interface TwinVersion {
  readonly at: number;
  readonly twin: Twin;
  /** When the store was set back to before it, or `null`. */
  readonly lostAt: number | null;
}

/** What backends are told about twins is what the store holds. */
export const documents: Checker = {
  name: 'documents',
  sentence:
    'a document or desired version that a backend is told was committed before, as it is told, and is not older than the store was when the backend was heard',
  check: (evidence) => {
    const versions = versionsByDevice(evidence);
    return evidence.record.said.flatMap((said) => {
      const { request, body, at, node } = said;
      const known = versions.get(request.device) ?? [];
      const text = body.outcome === undefined ? wrongAbout(said, known) : null;
      const flaw: Flaw = {
        at,
        device: request.device,
        text: `${node} was asked to ${request.operation}: ${text ?? ''}`,
      };
      return text === null ? [] : [flaw];
    });
  },
};

function versionsByDevice({ record }: Evidence): ReadonlyMap<string, readonly TwinVersion[]> {
  const versions = new Map<string, TwinVersion[]>();
  for (const { at, commit, lostAt } of record.commits) {
    for (const twin of commit.twins) {
      const known = versions.get(twin.device);
      if (known === undefined) versions.set(twin.device, [{ at, twin, lostAt }]);
      else known.push({ at, twin, lostAt });
    }
  }
  return versions;
}

function wrongAbout({ request, body, at: saidAt }: Said, versions: readonly TwinVersion[]): string | null {
  const before = versions.findLast(({ at }) => at <= saidAt)?.twin ?? null;
  if (request.operation === 'desired') {
    const isCommitted = (before?.desired.version ?? 0) >= Number(body.version);
    return isCommitted ? null : `told desired version ${String(body.version)}, which was not in the store`;
  }
  if (request.operation !== 'get') return null;
  const version = Number(body.version);
  if (version > (before?.version ?? 0)) return `told version ${version}, which was not in the store`;
  const held = versions.filter((one) => isHeldAt(one, saidAt));
  const whenHeard = held.findLast(({ at }) => at < request.at)?.twin.version ?? 0;
  if (version < whenHeard) return `told version ${version}, and the store had version ${whenHeard} before`;
  // What stood for a moment within one batch is told as it stood, and was never stored as such.
  const same = versions.find(({ twin }) => twin.version === version)?.twin ?? null;
  return same === null ? null : difference(body, same);
}

function difference(body: Said['body'], twin: Twin): string | null {
  const toldHold = body.hold as { readonly id: string; readonly by: string | null } | null;
  const toldSequence = body.sequence as Readonly<Record<'boot' | 'seq' | 'incarnation', number | null>>;
  const toldDesired = body.desired as { readonly version: number; readonly values: unknown };
  const told = {
    state: body.state,
    path: body.path,
    since: body.since,
    lastContact: body.lastContact,
    hold: toldHold?.id ?? null,
    by: toldHold?.by ?? null,
    reported: body.reported,
    boot: toldSequence.boot,
    seq: toldSequence.seq,
    incarnation: toldSequence.incarnation,
    desired: { version: toldDesired.version, values: toldDesired.values },
    pending: (body.pending as readonly { readonly id: string }[]).map(({ id }) => id),
    suspicions: (body.suspicions as readonly { readonly reason: string }[]).map(({ reason }) => reason),
  };
  const stored: typeof told = {
    state: worldState(twin.path),
    path: twin.path,
    since: wholeMs(twin.since),
    lastContact: twin.lastContactAt,
    hold: twin.hold?.id ?? null,
    by: twin.hold?.by ?? null,
    reported: twin.newest?.report.sensors ?? {},
    boot: twin.newest?.boot ?? null,
    seq: twin.newest?.seq ?? null,
    incarnation: twin.incarnation,
    desired: { version: twin.desired.version, values: twin.desired.values },
    pending: twin.open.map(({ id }) => id),
    suspicions: twin.suspicions.map(({ reason }) => reason),
  };
  const [toldText, storedText] = [JSON.stringify(told), JSON.stringify(stored)];
  return toldText === storedText
    ? null
    : `told ${toldText} of version ${twin.version}, and the store has ${storedText}`;
}

function wholeMs(time: number | null): number | null {
  return time === null ? null : Math.round(time);
}
