/**
 * Holds what is said of remote starts in the end against what really happened: the ledger, what anybody was told on the way, the twin, and
 * the history. What a restored database has forgotten may be unknown, and nothing else; nothing may be said that is not so.
 */
import type { CommandResult } from '../../src/client/corral.ts';
import type { AskedStart } from './customers.ts';
import type { MadeReport, TrueStart, Truth } from './truth.ts';

/** What of the world went back, and when, ms epoch. */
export interface Calamities {
  /** Before the database was copied. */
  readonly backUpBegan: number;
  /** Before the hub's store was copied. */
  readonly keepingBegan: number;
  /** When the hub had lost what it stored since. */
  readonly hubSetBack: number;
  /** When the database was what it had been. */
  readonly databaseSetBack: number;
}

/** An interval of the timeline, as it is told over HTTP. */
export interface ToldInterval {
  readonly state: string;
  readonly boot: number;
  readonly seq: number;
  readonly from: string;
  readonly errorMs: number | null;
}

/** All that is said of one charge point in the end. */
export interface Said {
  readonly asked: readonly AskedStart[];
  /** `null` for a start that the ledger does not know. */
  readonly ledger: ReadonlyMap<string, CommandResult | null>;
  readonly document: {
    readonly state: string;
    readonly suspicions: readonly { readonly detail: string }[];
    readonly pending: readonly { readonly id: string }[];
    readonly sequence: { readonly missing: number };
  };
  /** Reports in the history, `boot/seq state`. */
  readonly stored: readonly { readonly position: string; readonly state: string }[];
  readonly timeline: readonly ToldInterval[];
}

/** What became of the starts, by name, and each place at which something said is not so. */
export interface Judgement {
  readonly outcomes: Readonly<Record<string, number>>;
  readonly lostReports: number;
  readonly flaws: readonly string[];
}

/** A request is answered within this, ms: it was accepted no later. */
const ANSWERED_MS = 10_000;
/** Two clocks of one process, and a time that is told in whole ms. */
const ROUNDING_MS = 5;

/** What the ledger says of starts of which nobody can ever know, and how those ended. */
const ENDS_NOBODY_KNOWS: Readonly<Record<string, TrueStart['without']>> = {
  abandoned: 'nobody-tells',
  interrupted: 'session-over',
};

/** See the head of this file. */
export function judge(truth: Truth, said: Said, calamities: Calamities): Judgement {
  const { asked, ledger, document, stored } = said;
  const outcomes: Record<string, number> = {};
  const flaws: string[] = truth.twice.map((id) => `${truth.device} has executed ${id} twice`);
  const starts = new Map(truth.starts.map((start) => [start.id, start]));
  for (const start of asked) {
    const really = starts.get(start.id) ?? null;
    const entry = ledger.get(start.id) ?? null;
    const name = nameOf(entry, start, really);
    outcomes[name] = (outcomes[name] ?? 0) + 1;
    flaws.push(...wrongWords(start, really));
    flaws.push(
      ...(entry === null
        ? wronglyForgotten(start, really, calamities)
        : wrongEntry(entry, really, mayBeUnprovable(start, said, calamities))),
    );
  }
  const isStored = new Map(stored.map(({ position, state }) => [position, state]));
  const lost = truth.made.filter((report) => !isStored.has(positionOf(report)));
  flaws.push(
    ...wrongEnd(truth, document),
    ...wrongReports(truth, isStored),
    ...wrongLoss(truth, lost, document.sequence.missing, calamities),
    ...wrongTimeline(truth, said.timeline, new Set(lost.map(positionOf))),
  );
  return { outcomes, lostReports: lost.length, flaws: flaws.map((flaw) => `${truth.device}: ${flaw}`) };
}

function nameOf(entry: CommandResult | null, start: AskedStart, really: TrueStart | null): string {
  if (entry === null) return start.isAccepted || really !== null ? 'forgotten' : 'not accepted';
  return entry.outcome === 'unknown' ? `unknown (${String(entry.reason)})` : entry.outcome;
}

/** What anybody was told for certain is so, whatever was forgotten later. */
function wrongWords({ id, told }: AskedStart, really: TrueStart | null): readonly string[] {
  const hasBegun = really?.hasBegun ?? false;
  return told
    .filter((word) => (word === 'done' && !hasBegun) || (/^(rejected|expired)$/.test(word) && hasBegun))
    .map((word) => `somebody was told that ${id} is ${word}, and that is not so`);
}

/** The ledger may have forgotten what was accepted since the backup, and nothing else. */
function wronglyForgotten(
  { id, askedAt, isAccepted }: AskedStart,
  really: TrueStart | null,
  { backUpBegan, databaseSetBack }: Calamities,
): readonly string[] {
  if (!isAccepted && really === null) return [];
  const mayBe = askedAt > backUpBegan - ANSWERED_MS && askedAt < databaseSetBack;
  return mayBe ? [] : [`${id} is not in the ledger, and was accepted`];
}

/**
 * What was told of a start from before the database was set back may be what was lost. And until the device has executed something that is in
 * the ledger again, nobody knows its ring, so that it is silent about a start from before the next session with the station.
 */
function mayBeUnprovable(
  { askedAt }: AskedStart,
  { asked, ledger }: Said,
  { databaseSetBack }: Calamities,
): boolean {
  const isRingKnown = asked.some(
    (other) =>
      other.askedAt > databaseSetBack && other.askedAt < askedAt && ledger.get(other.id)?.outcome === 'done',
  );
  return askedAt < databaseSetBack || !isRingKnown;
}

function wrongEntry(entry: CommandResult, really: TrueStart | null, isLost: boolean): readonly string[] {
  const { id, outcome, reason, proof, closedAt } = entry;
  const hasBegun = really?.hasBegun ?? false;
  const saying = `${id} is ${outcome} (${String(reason)}; ${String(proof)})`;
  switch (outcome) {
    case 'done':
      return hasBegun ? [] : [`${saying}, and no session began`];
    case 'rejected':
    case 'expired':
      return hasBegun ? [`${saying}, and its session began`] : [];
    case 'pending':
      return [`${saying} in the end`];
    case 'unknown': {
      if (closedAt === null) return [`${saying}, and open in the end`];
      const end = reason === null ? undefined : ENDS_NOBODY_KNOWS[reason];
      const isRight = end !== undefined && really?.without === end;
      return isRight || isLost ? [] : [`${saying}, and could have been told`];
    }
  }
}

function wrongEnd(
  { isCharging }: Truth,
  { state, suspicions, pending }: Said['document'],
): readonly string[] {
  const truth = isCharging ? 'charging' : 'available';
  return [
    ...suspicions.map(({ detail }) => `it is doubted in the end: ${detail}`),
    ...pending.map(({ id }) => `${id} is open in the end`),
    ...(state === truth ? [] : [`it is ${truth}, and its twin says ${state}`]),
  ];
}

/** The history holds what was made, and nothing else. */
function wrongReports({ made }: Truth, stored: ReadonlyMap<string, string>): readonly string[] {
  const states = new Map(made.map((report) => [positionOf(report), report.state]));
  return [...stored]
    .filter(([position, state]) => states.get(position) !== state)
    .map(
      ([position, state]) =>
        `history has ${position} as ${state}, and it was ${String(states.get(position))}`,
    );
}

/** What no stream and no database has any more is what both have lost; and it is counted. */
function wrongLoss(
  { made }: Truth,
  lost: readonly MadeReport[],
  missing: number,
  { keepingBegan, hubSetBack }: Calamities,
): readonly string[] {
  const last = new Map<number, number>();
  const isLost = new Set(lost);
  for (const report of made) if (!isLost.has(report)) last.set(report.boot, report.seq);
  const countable = lost.filter(({ boot, seq }) => seq < (last.get(boot) ?? 0)).length;
  const strange = lost.filter(({ madeAt }) => madeAt < keepingBegan - ANSWERED_MS || madeAt > hubSetBack);
  return [
    ...strange.map((report) => `${positionOf(report)} is not in the history, and was not lost with anything`),
    ...(countable === missing ? [] : [`${countable} reports are missing, and ${missing} are said to be`]),
  ];
}

/** The timeline shows exactly the sessions that there were, each from its first report on. */
function wrongTimeline(
  { made, sessions }: Truth,
  timeline: readonly ToldInterval[],
  lost: ReadonlySet<string>,
): readonly string[] {
  const flaws: string[] = [];
  const begins: MadeReport[] = [];
  const shown = new Set<number>();
  let before = 0;
  let current = 0;
  for (const report of made) {
    const { session } = report;
    shown.add(session);
    if (session !== 0 && before !== 0 && session !== before)
      flaws.push(`session ${String(session)} began in the middle of another one`);
    before = session;
    if (lost.has(positionOf(report))) continue;
    if (session !== 0 && current === 0) begins.push(report);
    current = session;
  }
  shown.delete(0);
  if (shown.size !== sessions)
    flaws.push(`there were ${String(sessions)} sessions, and reports were made of ${String(shown.size)}`);
  const charging = timeline.filter(({ state }) => state === 'charging');
  if (charging.length !== begins.length)
    flaws.push(
      `the timeline has ${String(charging.length)} sessions, and should have ${String(begins.length)}`,
    );
  for (const [index, begin] of begins.entries()) {
    const interval = charging[index];
    if (interval === undefined) break;
    const offMs = Date.parse(interval.from) - begin.madeAt;
    const isThere = positionOf(interval) === positionOf(begin);
    if (!isThere || Math.abs(offMs) > (interval.errorMs ?? Infinity) + ROUNDING_MS)
      flaws.push(
        `session ${String(begin.session)} began with ${positionOf(begin)}, and the timeline has it ${String(offMs)} ms from there: ${JSON.stringify(interval)}`,
      );
  }
  return flaws;
}

function positionOf({ boot, seq }: { readonly boot: number; readonly seq: number }): string {
  return `${String(boot)}/${String(seq)}`;
}
