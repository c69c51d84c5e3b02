import { commandNamed } from '../../../actors/legality.ts';
import type { CommandSpec } from '../../../machines/command.ts';
import type { Kind } from '../../../machines/kind.ts';
import { REPORT } from '../../../machines/probe.ts';
import type { Said, WorldRecord } from '../../simulation/record.ts';
import { type Checker, type Flaw, short } from '../../simulation/checkers/checker.ts';

/** A document that allows what is refused sends its reader in vain; one that does not allow what is accepted keeps it from him. */
export const allowed: Checker = {
  name: 'allowed',
  sentence:
    'a command that a document allows is not refused for the state of that version of the twin, one that it does not allow is not accepted of it, and no such refusal names the refused command as allowed',
  check: ({ record }) => {
    const documents = documentsByVersion(record);
    return record.said.flatMap((said): Flaw[] => {
      const { request, at, node, body } = said;
      const text = request.operation === 'command' ? wrongAbout(said, documents, record) : null;
      if (text === null) return [];
      const what = `${node} was asked for ${request.name ?? ''} ${short(request.id ?? '')}`;
      const { outcome, code = '' } = body as Readonly<Record<string, string>>;
      const answer = `and answers ${outcome} ${code}`;
      return [{ at, device: request.device, text: `${what}, ${answer}: ${text}` }];
    });
  },
};

/** Refusals for how the device is, or for what else is under way; not for who asks, or how. */
const FOR_THE_STATE = ['illegal-state', 'offline', 'suspect', 'pending'];
/** Words of nodes that say nothing of the ledger. */
const NO_OUTCOME = ['refused', 'failed'];

interface Allowing {
  readonly names: readonly string[];
  readonly quality: string;
}

/** What documents of each version of each twin allow. */
function documentsByVersion({ said }: WorldRecord): ReadonlyMap<string, readonly Allowing[]> {
  const documents = new Map<string, Allowing[]>();
  for (const { request, body } of said) {
    if (request.operation !== 'get' || body.outcome !== undefined) continue;
    const { version, allowed: names, quality } = body as { version: number } & Record<string, unknown>;
    const key = `${request.device} ${version}`;
    const one = { names: names as readonly string[], quality: String(quality) };
    const known = documents.get(key);
    if (known === undefined) documents.set(key, [one]);
    else known.push(one);
  }
  return documents;
}

function wrongAbout(
  { request, body }: Said,
  documents: ReadonlyMap<string, readonly Allowing[]>,
  { devices }: WorldRecord,
): string | null {
  const { device, args, ifVersion } = request;
  const name = request.name ?? '';
  const kind = devices.get(device)?.kind;
  const spec = kind === undefined ? null : commandNamed(kind, name);
  if (kind === undefined || spec === null) return null;
  // A word that is about one hold, or one command, may be about another than there is.
  const isOfOne = spec.decidedBy === 'twin' || typeof args.hold === 'string';
  const isRefused = body.outcome === 'refused' && FOR_THE_STATE.includes(String(body.code)) && !isOfOne;
  if (isRefused && (body.allowed as readonly string[]).includes(name)) return 'the refusal itself allows it';
  if (ifVersion === null) return null;
  const ofVersion = documents.get(`${device} ${ifVersion}`) ?? [];
  // What has waited for a proof is decided on the version that came with it.
  const isDecidedAtOnce = spec.freshWithinMs === null;
  if (isRefused && isDecidedAtOnce && ofVersion.some(({ names }) => names.includes(name)))
    return `a document of version ${ifVersion} allows it`;
  const isAccepted = !NO_OUTCOME.includes(String(body.outcome));
  const denying = ofVersion.find((one) => !one.names.includes(name) && isForGood(one, spec, kind));
  return isAccepted && denying !== undefined ? `a document of version ${ifVersion} does not allow it` : null;
}

/**
 * It was for how the twin was in that version, and not because a node has yet to read its streams, when nothing but `report` is allowed, or because as
 * many waited for a proof as may: that passes without another version.
 */
function isForGood({ names, quality }: Allowing, { freshWithinMs }: CommandSpec, { limits }: Kind): boolean {
  if (names.every((name) => name === REPORT)) return false;
  return freshWithinMs === null || (quality === 'fresh' && limits.freshMs <= freshWithinMs);
}
