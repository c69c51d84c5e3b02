import { commandOutcome, type LedgerEntry } from '../../../src/contract/ledger-entry.ts';
import { isSameCommand } from '../../../actors/reused-id.ts';
import type { Heard, Said } from '../record.ts';
import type { Evidence } from '../world/evidence.ts';
import { type Checker, type EntryVersion, type Flaw, isHeldAt, short, versionsById } from './checker.ts';

/** What backends are told is what the store holds. */
export const told: Checker = {
  name: 'told',
  sentence:
    'what a backend is told about a command was committed before, is about the command it asked for, and stays true once it is final',
  check: (evidence) => {
    const versions = versionsById(evidence);
    return evidence.record.said.flatMap((said) => {
      const { id } = said.request;
      const text = id === null ? null : wrongAbout(said, versions.get(id) ?? [], evidence);
      return text === null ? [] : [flawOf(said, text)];
    });
  },
};

const FINAL = ['done', 'rejected', 'expired'];

function wrongAbout(said: Said, versions: readonly EntryVersion[], { store }: Evidence): string | null {
  const { request, body, at: saidAt } = said;
  const { outcome } = body;
  if (outcome === 'failed') return null;
  if (outcome === 'refused') {
    const before = versions.find(
      (version) => version.at < request.at && isHeldAt(version, saidAt) && isAskedFor(version.entry, request),
    );
    return before === undefined ? null : `refused, though it was in the ledger since ${before.at}`;
  }
  const text = JSON.stringify(body);
  if (!isAskedFor(body as unknown as LedgerEntry, request)) return `told of another command: ${text}`;
  const isFinal = FINAL.includes(String(outcome));
  const isClosed = isFinal || body.closedAt !== null;
  // What stood for a moment within one batch is told as it stood; it may be told only where the command was committed.
  const isCommitted = versions.some(
    ({ at, entry }) => at <= saidAt && (!isClosed || JSON.stringify(commandOutcome(entry)) === text),
  );
  if (!isCommitted) return `told ${text}, which was not in the store then`;
  if (versions.some(({ lostAt }) => lostAt !== null)) return null;
  const final = store.ledger.get(request.device)?.find(({ id }) => id === request.id);
  if (!isFinal || final?.outcome === outcome) return null;
  return `told ${String(outcome)}, and in the end it is ${String(final?.outcome)}`;
}

/** It is the command that was asked for, and not only its id. */
function isAskedFor(entry: LedgerEntry, { name, args }: Heard): boolean {
  return name === null || isSameCommand(entry, { name, args });
}

function flawOf({ request, at, node }: Said, text: string): Flaw {
  const { device, name, id } = request;
  return {
    at,
    device,
    text: `${node} was asked about ${name ?? 'the ledger of'} ${short(id ?? '')}: ${text}`,
  };
}
