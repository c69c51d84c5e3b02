/**
 * Why a device is in its state: the chain of causes from the last certain point on, in sentences and as data. A pure view of what the
 * twin knows and of what was recorded about it; whether a command would be accepted is asked of the guard itself, and what the twin
 * waits for of the rules that wake it.
 *
 * The last certain point is the newest transition that a report brought about and after which the device was neither
 * `offline` nor `suspect`: from there on there was a known state.
 */
import type { Kind } from '../machines/kind.ts';
import { OUT_OF_SERVICE } from '../machines/shown-state.ts';
import { worldState } from '../machines/statechart.ts';
import { ABANDON, RENEW_IDENTITY } from '../machines/common-commands.ts';
import { measuredAt } from './clock.ts';
import type { Transition } from '../src/contract/journal-entry.ts';
import type { LedgerEntry } from '../src/contract/ledger-entry.ts';
import type { Quality, Suspicion } from '../src/contract/twin-document.ts';
import { type Age, ageOf, mayAnswer, qualityOf } from './freshness.ts';
import { causesOf, type ChainLink, type RejectedMessage } from './explanation-chain.ts';
import { commandNamed, namesToAbandon } from './legality.ts';
import { isUndecided } from './ledger.ts';
import { isResponsive } from './probe.ts';
import { guardVerdict } from './prospect.ts';
import { causeOfState } from './state-cause.ts';
import { standingAgainstOperator } from './suspicions.ts';
import { durationText, momentText } from './time-text.ts';
import type { Twin } from './twin.ts';
import { type ArmedTimer, armedTimers } from './wake.ts';

/** What an explanation rests on. Lists are newest first; what is older than the last certain point is passed over. */
export interface Evidence {
  readonly twin: Twin;
  readonly kind: Kind;
  /** Server time, ms epoch. */
  readonly now: number;
  readonly serverErrorMs: number;
  readonly transitions: readonly (Transition & { readonly no: number })[];
  readonly commands: readonly LedgerEntry[];
  readonly rejected: readonly RejectedMessage[];
  /** Why who decides for the device refuses every command before the twin is asked, as half a sentence; `null` where nothing is known of it. */
  readonly unready: string | null;
}

/** Whether a command would be accepted. */
export interface CommandProspect {
  readonly name: string;
  readonly accepted: boolean;
  /** Whether the device would then be sent it: false for what the twin does by itself, and for what is refused. */
  readonly sent: boolean;
  /** Why not, as a refusal would say it; `needs-proof` where the device is asked for a report first; `null` when it is accepted at once. */
  readonly code: string | null;
  readonly sentence: string;
}

/** What is known of the device's clock. */
export interface ClockExplanation {
  readonly boot: number | null;
  /** A round trip in this boot bounds when things were measured. */
  readonly verified: boolean;
  readonly errorMs: number | null;
  /** The device's wall clock minus server time, ms; `null` when it tells none. */
  readonly offsetMs: number | null;
  readonly sentence: string;
}

/** Why a device is in its state. Times are server time, ms epoch. */
export interface Explanation {
  readonly device: string;
  readonly kind: string;
  readonly state: string;
  readonly path: string;
  readonly quality: Quality;
  /** When this was so. */
  readonly at: number;
  /** The answer in a few sentences. */
  readonly summary: readonly string[];
  /** Those of them that are true at `at` only: the passing of time alone makes them untrue. Who looks later leaves them out. */
  readonly momentary: readonly string[];
  /** Oldest first; begins with the last certain point, where there is one. */
  readonly chain: readonly ChainLink[];
  readonly suspicions: readonly (Suspicion & { readonly sentence: string })[];
  /** What the twin does next if nothing is heard, soonest first. */
  readonly timers: readonly ArmedTimer[];
  readonly commands: readonly CommandProspect[];
  readonly clock: ClockExplanation;
}

/** Explains the state of a twin. */
export function explain(evidence: Evidence): Explanation {
  const { twin, kind, now } = evidence;
  const age = ageOf(evidence);
  const quality = qualityOf(twin, age, kind.limits.freshMs);
  const commands = Object.keys(kind.commands).map((name) => commandProspect(evidence, name));
  const suspicions = twin.suspicions.map((suspicion) => ({
    ...suspicion,
    sentence: `In doubt since ${momentText(suspicion.since)}: ${suspicion.detail}.`,
  }));
  const summary = summaryOf({ evidence, quality, age, suspicions, commands });
  return {
    device: twin.device,
    kind: twin.kind,
    state: worldState(twin.path),
    path: twin.path,
    quality,
    at: now,
    summary: summary.map(({ sentence }) => sentence),
    momentary: summary.filter(({ isMomentary }) => isMomentary).map(({ sentence }) => sentence),
    chain: causesOf(evidence),
    suspicions,
    timers: armedTimers(kind, twin),
    commands,
    clock: clockOf(evidence),
  };
}

/** A sentence of the summary, and whether it is true of the moment only. */
interface Said {
  readonly sentence: string;
  readonly isMomentary: boolean;
}

function lasting(sentence: string): Said {
  return { sentence, isMomentary: false };
}

function momentary(sentence: string): Said {
  return { sentence, isMomentary: true };
}

function summaryOf(options: {
  readonly evidence: Evidence;
  readonly quality: Quality;
  readonly age: Age | null;
  readonly suspicions: Explanation['suspicions'];
  readonly commands: readonly CommandProspect[];
}): readonly Said[] {
  const { evidence, quality, age, suspicions, commands } = options;
  const { twin, kind } = evidence;
  return [
    lasting(`${twin.device} is ${stateText(twin.path)}, because ${causeOfState(evidence)}.`),
    ...(twin.since === null ? [] : [lasting(`It is so since ${momentText(twin.since)}.`)]),
    momentary(qualitySentence({ twin, quality, age, freshMs: kind.limits.freshMs })),
    ...(isToldByCause(twin) ? [] : suspicions.map(({ sentence }) => lasting(sentence))),
    ...claimSentences(evidence),
    ...openSentences(twin),
    momentary(acceptedSentence(evidence, commands)),
  ];
}

function stateText(path: string): string {
  if (path === OUT_OF_SERVICE) return `out of service (${path})`;
  const state = worldState(path);
  return path === state ? state : `${state} (${path})`;
}

/** One suspicion that makes the twin suspect is its cause, and has been told. */
function isToldByCause({ path, suspicions }: Twin): boolean {
  return worldState(path) === 'suspect' && suspicions.length === 1;
}

function qualitySentence(options: {
  readonly twin: Twin;
  readonly quality: Quality;
  readonly age: Age | null;
  readonly freshMs: number;
}): string {
  const { twin, quality, age, freshMs } = options;
  const limit = `${twin.kind} counts as fresh up to ${durationText(freshMs)}`;
  if (age === null) return 'Nothing is known of it: no report was ever heard.';
  const least = durationText(age.leastMs);
  const known =
    age.mostMs === null
      ? `measured at least ${least} ago, and no round trip of this boot says how much more`
      : `measured between ${least} and ${durationText(age.mostMs)} ago`;
  switch (quality) {
    case 'fresh':
      return `The knowledge is proved fresh: ${known}; ${limit}.`;
    case 'stale':
      return `The knowledge is stale: ${known}; ${limit}.`;
    case 'unknown':
      return `How old the knowledge is has not been proved: ${known}; ${limit}.`;
    case 'suspect':
      return `The knowledge is in doubt, however fresh: ${known}.`;
  }
}

/** What of a report whose number leaps is held back, and by what it would be believed. */
function claimSentences({ twin, kind, now }: Evidence): readonly Said[] {
  const { claim, newest } = twin;
  if (claim === null || newest === null) return [];
  const position = `${String(claim.boot)}/${String(claim.seq)}`;
  const what = `A report ${position} came at ${momentText(claim.receivedAt)}, which leaps ahead of ${String(newest.boot)}/${String(newest.seq)}, and is not believed`;
  const believed = mayAnswer(twin)
    ? `it would be if one like it answered \`report\`, or were all that is heard for ${durationText(kind.limits.silenceMs)}`
    : 'the next report that goes on from it would be, as the device answers no command';
  if (newest.receivedAt <= claim.receivedAt) return [lasting(`${what}: ${believed}.`)];
  if (now - claim.receivedAt > kind.limits.silenceMs) return [];
  const since = durationText(Math.max(0, now - newest.receivedAt));
  return [momentary(`${what}: the device has gone on as before since, ${since} ago the last time.`)];
}

function openSentences(twin: Twin): readonly Said[] {
  const { open, ignoredCommands, waiting } = twin;
  const commands = open.map((entry) => lasting(openSentence(entry)));
  const requests = waiting.length === 1 ? '1 request waits' : `${String(waiting.length)} requests wait`;
  return [
    ...commands,
    ...(waiting.length === 0 ? [] : [momentary(`${requests} until the device answers \`report\`.`)]),
    ...(isResponsive(twin)
      ? []
      : [
          momentary(
            `Reports arrive, but the last ${String(ignoredCommands)} commands got no response: what is sent to it may not arrive.`,
          ),
        ]),
  ];
}

function openSentence(entry: LedgerEntry): string {
  const { name, n, outcome, certainAt } = entry;
  const command = `${name} (n ${String(n)})`;
  if (isUndecided(entry))
    return `${command} is in flight beyond the device and may take effect at any time; only the device can tell, or an operator give it up.`;
  return outcome === 'unknown'
    ? `${command} cannot start any more; a report has to tell whether it was executed.`
    : `${command} waits for its outcome; after ${momentText(certainAt)} it cannot start any more.`;
}

function acceptedSentence({ unready }: Evidence, commands: readonly CommandProspect[]): string {
  if (unready !== null) return `No command would be accepted now: ${unready}.`;
  const accepted = commands.filter((command) => command.accepted);
  const atOnce = accepted.filter(({ code }) => code === null).map(({ name }) => name);
  const afterProof = accepted.filter(({ code }) => code !== null).map(({ name }) => name);
  const now = atOnce.length === 0 ? 'It accepts no command now' : `It would accept ${atOnce.join(', ')} now`;
  const later = `, and decide on ${afterProof.join(', ')} after the device has answered \`report\``;
  return `${now}${afterProof.length === 0 ? '' : later}.`;
}

function commandProspect(evidence: Evidence, name: string): CommandProspect {
  const { twin, kind, now, serverErrorMs, unready } = evidence;
  if (unready !== null) {
    const sentence = `${name} would be refused: ${unready}.`;
    return { name, accepted: false, sent: false, code: 'unavailable', sentence };
  }
  const prospect = guardVerdict({ twin, kind, context: { now, serverErrorMs } }, name);
  switch (prospect.type) {
    case 'accepted': {
      const isSent = commandNamed(kind, name)?.decidedBy !== 'twin';
      const sentence = isSent ? `${name} would be accepted and sent at once.` : operatorSentence(twin, name);
      return { name, accepted: true, sent: isSent, code: null, sentence };
    }
    case 'after-proof':
      return {
        name,
        accepted: true,
        sent: true,
        code: 'needs-proof',
        sentence: `${name} would be decided on after the device has answered \`report\`: ${prospect.detail}.`,
      };
    case 'refused':
      return {
        name,
        accepted: false,
        sent: false,
        code: prospect.code,
        sentence: `${name} would be refused: ${prospect.detail}.`,
      };
  }
}

/** What a person's word would do: the twin takes it by itself, and the device never hears of it. */
function operatorSentence(twin: Twin, name: string): string {
  if (name === ABANDON) {
    const given = namesToAbandon(twin);
    return `${name} would be accepted and done by the twin itself at once, and nothing is sent to the device: it would give up ${given.join(' or ')}.`;
  }
  if (name === RENEW_IDENTITY)
    return `${name} would be accepted and done by the twin itself at once: its next report begins a new count, the device is asked for one, and until it comes the state is offline, no hold is believed and no doubt stands.`;
  const stays = standingAgainstOperator(twin);
  const ends = twin.suspicions.filter((suspicion) => !stays.includes(suspicion));
  const left = stays.map(({ detail }) => detail).join(', and ');
  const effect =
    ends.length === 0
      ? 'it would end nothing'
      : `it would end ${ends.map(({ reason }) => reason).join(', ')}`;
  const rest = stays.length === 0 ? '' : `; what stays in doubt until a report tells: ${left}`;
  return `${name} would be accepted and done by the twin itself at once, and nothing is sent to the device: ${effect}${rest}.`;
}

function clockOf({ twin, kind }: Evidence): ClockExplanation {
  const { newest, clock } = twin;
  if (newest === null || clock === null) {
    const sentence = 'Nothing is known of its clock: it was never heard.';
    return { boot: null, verified: false, errorMs: null, offsetMs: null, sentence };
  }
  const { at, errorMs } = measuredAt(clock, newest, kind.limits.driftPpm);
  const offsetMs = newest.at === null ? null : Math.round(newest.at - at);
  const wallClock =
    offsetMs === null
      ? ''
      : ` Its own wall clock is ${durationText(Math.abs(offsetMs))} ${offsetMs < 0 ? 'behind' : 'ahead'}, and is not used.`;
  const sentence =
    errorMs === null
      ? `No round trip of boot ${String(clock.boot)} bounds its clock: a report was measured no later than it arrived, and nobody knows how much earlier.`
      : `When reports of boot ${String(clock.boot)} were measured is known within ± ${durationText(Math.ceil(errorMs))}.`;
  const verified = clock.earliest !== null;
  return { boot: clock.boot, verified, errorMs, offsetMs, sentence: `${sentence}${wallClock}` };
}
