/**
 * Holds what is said of one remote start against what became of it: each word that anybody was told on the way, and the ledger in the end.
 *
 * What the device has told in a report that the history holds is known: `unknown` is then no answer, whatever went back in between. Only what
 * every report told that is lost may be unknown, and what a gateway itself can never know.
 */
import type { CommandResult } from '../../src/client/corral.ts';
import { wrongWord } from '../simulation/gateway/start-rules.ts';
import { type AskedStart, firstAccepted, type ToldWord } from './customers.ts';
import { type Calamities, ROUNDING_MS, type Said } from './said.ts';
import { type MadeReport, positionOf, type TrueStart, type Truth } from './truth.ts';

/** All that is known of a charge point. */
export interface Known {
  readonly truth: Truth;
  readonly said: Said;
  readonly calamities: Calamities;
  readonly lost: ReadonlySet<MadeReport>;
}

/** What anybody was told for certain is so, whatever was forgotten later. */
export function wrongWords(
  start: AskedStart,
  what: {
    readonly really: TrueStart | null;
    readonly entry: CommandResult | null;
    readonly calamities: Calamities;
  },
): readonly string[] {
  return start.told.flatMap((told) => {
    const wrong = wrongTold(told, what);
    return wrong === null
      ? []
      : [`somebody was told that ${start.id} is ${told.word} (${String(told.reason)}), and ${wrong}`];
  });
}

function wrongTold(
  { word, reason, isLast, at }: ToldWord,
  { really, entry, calamities }: Parameters<typeof wrongWords>[1],
): string | null {
  switch (word) {
    case 'refused':
    case 'not-sent':
      if (really !== null) return 'it was executed';
      return entry === null ? null : 'it is in the ledger';
    case 'unknown-id':
      if (entry !== null) return 'it is in the ledger';
      return really === null || at > calamities.databaseLost ? null : 'it was executed';
    case 'no-answer':
    case 'pending':
      return null;
    case 'done':
    case 'rejected':
    case 'expired':
    case 'unknown': {
      const wrong = isLast || word !== 'unknown' ? wrongWord({ outcome: word, reason }, really) : null;
      if (wrong !== null) return wrong;
      if (word === 'done' && (really?.sessionAt ?? Infinity) > at + ROUNDING_MS) return 'it was not yet';
      const isKept = isLast && word !== 'unknown' && at < calamities.backUpBegan;
      return isKept && entry !== null && entry.outcome !== word
        ? `the ledger has it as ${entry.outcome}`
        : null;
    }
  }
}

/** The ledger may have forgotten what was accepted between the backup and the loss of the database, and nothing else. */
export function wronglyForgotten(
  start: AskedStart,
  really: TrueStart | null,
  { backUpBegan, databaseSetBack }: Calamities,
): readonly string[] {
  // It was in the ledger before anybody was told so, and before it was sent.
  const acceptedBefore = Math.min(firstAccepted(start) ?? Infinity, really?.sentAt ?? Infinity);
  if (acceptedBefore === Infinity) return [];
  const mayBe = acceptedBefore > backUpBegan && start.askedAt < databaseSetBack;
  return mayBe ? [] : [`${start.id} is not in the ledger, and was accepted`];
}

/** What the ledger says in the end. */
export function wrongEntry(
  entry: CommandResult,
  about: { readonly start: AskedStart; readonly really: TrueStart | null; readonly known: Known },
): readonly string[] {
  const { id, n, outcome, reason, proof, closedAt } = entry;
  const { really } = about;
  const wrong =
    wrongWord(entry, really) ??
    (closedAt === null ? 'it is open' : null) ??
    (really === null || really.n === n ? null : `it was executed as ${String(really.n)}`) ??
    (outcome === 'done' && closedAt! < really!.sessionAt! - ROUNDING_MS ? 'it was not yet' : null) ??
    (outcome !== 'unknown'
      ? null
      : really === null
        ? wronglyUnprovable(entry, about)
        : wronglyUnknown(entry, really, about.known));
  return wrong === null
    ? []
    : [`${id} is ${outcome} (${String(reason)}; ${String(proof)}) in the end, and ${wrong}`];
}

/** Of a start that was sent on to the station. */
function wronglyUnknown(
  { id, reason }: CommandResult,
  { n, without }: TrueStart,
  { truth, said, lost }: Known,
): string | null {
  const telling = truth.made.filter(({ lastWords }) => n in lastWords);
  const heard = telling.find((report) => !lost.has(report));
  const word = heard?.lastWords[n] ?? null;
  const isGivenUp = reason === 'abandoned' && said.givenUpAt.has(id);
  if (word === 'unknown') return isGivenUp || reason === 'interrupted' ? null : 'the device has said why';
  if (word !== null) return `${positionOf(heard!)}, which is in the history, names it ${word}`;
  if (without !== 'nobody-tells' && telling.length === 0) return 'the device has never named it';
  return isGivenUp || reason === 'unprovable' ? null : 'nobody has given it up';
}

/**
 * Of a start that never reached the station. Silence of a ring is no proof in the next session as long as the twin knows nothing in it, and it
 * knows the ring again as soon as the device has executed something that is in the ledger.
 */
function wronglyUnprovable(
  { reason, closedAt }: CommandResult,
  { start, known: { truth, said, calamities } }: Parameters<typeof wrongEntry>[1],
): string | null {
  if (reason !== 'unprovable') return 'it was not executed';
  const { askedAt } = start;
  const hasBegunAnew = truth.made.some(
    ({ seq, madeBefore }) => seq === 1 && madeBefore > askedAt && madeBefore < closedAt!,
  );
  if (!hasBegunAnew) return 'the session with the station went on';
  const isRingKnown = said.asked.some((other) => {
    const isAfter = other.askedAt > calamities.databaseSetBack || askedAt < calamities.databaseLost;
    return isAfter && other.askedAt < askedAt && said.ledger.get(other.id)?.outcome === 'done';
  });
  return isRingKnown ? 'the ring of the device was known' : null;
}
