/**
 * Holds what is said of remote starts in the end against what really happened: the ledger, what anybody was told on the way, the twin, and
 * the history. What a restored database and a hub without its tail have lost may be unknown, and nothing else; nothing may be said that is
 * not so.
 */
import type { CommandResult } from '../../src/client/corral.ts';
import { sentTooEarly } from '../simulation/gateway/start-rules.ts';
import { firstAccepted } from './customers.ts';
import { type Calamities, ROUNDING_MS, type Said, type ToldInterval } from './said.ts';
import { wrongEntry, wronglyForgotten, wrongWords } from './start-judgement.ts';
import { type MadeReport, positionOf, type Truth } from './truth.ts';

/** What became of the starts, by name, and each place at which something said is not so. */
export interface Judgement {
  readonly outcomes: Readonly<Record<string, number>>;
  readonly lostReports: number;
  readonly flaws: readonly string[];
}

/** See the head of this file. */
export function judge(truth: Truth, said: Said, calamities: Calamities): Judgement {
  const { asked, ledger, document, stored } = said;
  const isStored = new Map(stored.map(({ position, state }) => [position, state]));
  const lost = truth.made.filter((report) => !isStored.has(positionOf(report)));
  const outcomes: Record<string, number> = {};
  const flaws: string[] = truth.twice.map((id) => `${id} was executed twice`);
  const known = { truth, said, calamities, lost: new Set(lost) };
  const starts = new Map(truth.starts.map((start) => [start.id, start]));
  for (const start of asked) {
    const really = starts.get(start.id) ?? null;
    starts.delete(start.id);
    const entry = ledger.get(start.id) ?? null;
    const name = nameOf(entry, firstAccepted(start) !== null || really !== null);
    outcomes[name] = (outcomes[name] ?? 0) + 1;
    flaws.push(...wrongWords(start, { really, entry, calamities }));
    flaws.push(
      ...(entry === null
        ? wronglyForgotten(start, really, calamities)
        : wrongEntry(entry, { start, really, known })),
    );
  }
  flaws.push(
    ...[...starts.keys()].map((id) => `${id} was executed, and nobody has asked for it`),
    ...sentTooEarly(truth.starts, givenUpAt(truth, said)),
    ...wrongEnd(truth, document),
    ...wrongReports(truth, isStored),
    ...wrongLoss(truth, lost, document.sequence.missing, calamities),
    ...wrongTimeline(truth, said.timeline, known.lost),
  );
  return { outcomes, lostReports: lost.length, flaws: flaws.map((flaw) => `${truth.device}: ${flaw}`) };
}

function nameOf(entry: CommandResult | null, isForgotten: boolean): string {
  if (entry === null) return isForgotten ? 'forgotten' : 'not accepted';
  return entry.outcome === 'unknown' ? `unknown (${String(entry.reason)})` : entry.outcome;
}

/** By the ids of the starts: an operator names what the ledger has forgotten by its number. */
function givenUpAt({ starts }: Truth, said: Said): ReadonlyMap<string, number> {
  const times = starts.map(
    ({ id, n }) => [id, said.givenUpAt.get(id) ?? said.givenUpAt.get(String(n))] as const,
  );
  return new Map(times.filter((time): time is [string, number] => time[1] !== undefined));
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
  const strange = lost.filter(({ ackedAt }) => {
    // What the hub has acknowledged before its store was copied is in the copy, and what it acknowledges afterwards is not lost any more.
    return ackedAt === null || ackedAt < keepingBegan || ackedAt > hubSetBack;
  });
  return [
    ...strange.map((report) => `${positionOf(report)} is not in the history, and was not lost with anything`),
    ...(countable === missing ? [] : [`${countable} reports are missing, and ${missing} are said to be`]),
  ];
}

/** The timeline shows exactly the sessions that there were, each from its first report to the first one after it. */
function wrongTimeline(
  { made, sessions }: Truth,
  timeline: readonly ToldInterval[],
  lost: ReadonlySet<MadeReport>,
): readonly string[] {
  const flaws: string[] = [];
  const shown = new Set<number>();
  let before = 0;
  for (const { session } of made) {
    shown.add(session);
    if (session !== 0 && before !== 0 && session !== before)
      flaws.push(`session ${String(session)} began in the middle of another one`);
    before = session;
  }
  shown.delete(0);
  if (shown.size !== sessions)
    flaws.push(`there were ${String(sessions)} sessions, and reports were made of ${String(shown.size)}`);
  const stored = made.filter((report) => !lost.has(report));
  const really = changesOf(stored, ({ session }) => session !== 0);
  const told = changesOf(timeline, ({ state }) => state === 'charging');
  if (told.length !== really.length)
    flaws.push(
      `the timeline has ${told.length} begins and ends of sessions, and should have ${really.length}`,
    );
  for (const [index, report] of really.entries()) {
    const interval = told[index];
    if (interval === undefined) break;
    const from = Date.parse(interval.from);
    const offMs = from - Math.min(Math.max(from, report.madeAfter), report.madeBefore);
    const isThere = positionOf(interval) === positionOf(report);
    if (!isThere || Math.abs(offMs) > (interval.errorMs ?? Infinity) + ROUNDING_MS)
      flaws.push(
        `a session began or ended with ${positionOf(report)}, and the timeline has it ${String(offMs)} ms from there: ${JSON.stringify(interval)}`,
      );
  }
  return flaws;
}

/** The first of those that are charging, the first after them that are not, and so on. */
function changesOf<Told>(all: readonly Told[], isCharging: (one: Told) => boolean): readonly Told[] {
  return all.filter((one, index) => {
    const before = all[index - 1];
    return isCharging(one) !== (before !== undefined && isCharging(before));
  });
}
