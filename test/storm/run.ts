/**
 * Runs the storm of a seed, waits until everything has become right, and judges what happened: by the simulation's properties, where they take
 * the same evidence, and by those of the ways.
 */
import type { Checker } from '../simulation/checkers/checker.ts';
import { soundness } from '../simulation/checkers/soundness.ts';
import type { Violation } from '../simulation/run.ts';
import { evidenceOf, type StormEvidence } from './evidence.ts';
import type { Eye, Mark } from './eye.ts';
import type { Ground } from './ground.ts';
import { SETTLING, stormCheckers } from './checkers/all.ts';
import { publishedIn, untold } from './checkers/following.ts';
import type { StormRecord } from './record.ts';
import { type Sight, sightsOf } from './sights.ts';
import { Storm } from './storm.ts';
import type { Trouble } from './trouble.ts';
import { pauseInTurns } from './turns.ts';

/** What became of a storm. */
export interface Verdict {
  readonly seed: number;
  readonly violations: readonly Violation[];
  readonly plan: readonly Trouble[];
  readonly record: StormRecord;
  /** Of a storm with violations nothing is said. */
  readonly sights: readonly Sight[];
}

/** What a storm comes to. */
type Judgement = Pick<Verdict, 'sights'> & { readonly flaws: readonly Omit<Violation, 'seed'>[] };

/** Everything has to become right within so many ms of turns: far more than it takes, so that only what hangs is ended. */
const PATIENCE_MS = 250_000;

/** Before it is looked again whether everything has become right, ms. */
const LOOK_EVERY_MS = 75;
/** What did not become right is given so long to stop, ms; nothing more is done on its ground then. */
const FAREWELL_MS = 10_000;

/** Runs the storm of a seed. The ground is as it was before, but where `violations` are found: nobody knows what is still going on then. */
export async function runSeed(
  seed: number,
  ground: Ground,
  patienceMs: number = PATIENCE_MS,
): Promise<Verdict> {
  const storm = new Storm(seed, ground);
  const { record, plan } = storm;
  const unhandled = (error: unknown): void =>
    record.fault(
      `the process would have ended: ${error instanceof Error ? String(error.stack) : String(error)}`,
    );
  process.on('unhandledRejection', unhandled).on('uncaughtException', unhandled);
  try {
    const { flaws, sights } = await judged(storm, ground, patienceMs);
    return { seed, plan, record, sights, violations: flaws.map((violation) => ({ seed, ...violation })) };
  } finally {
    process.off('unhandledRejection', unhandled).off('uncaughtException', unhandled);
  }
}

async function judged(storm: Storm, ground: Ground, patienceMs: number): Promise<Judgement> {
  const { record } = storm;
  const inTime = async <T>(what: string, work: Promise<T>): Promise<T> => {
    const done = await within(what, work, patienceMs);
    record.note('storm', what);
    return done;
  };
  try {
    const mark = await inTime('the servers answer', ground.eye.mark());
    await inTime('everything runs', storm.begin());
    await storm.rage();
    const calmAt = Date.now();
    await inTime('what was begun has come to its end', storm.calm());
    await settled(storm, ground, { mark, patienceMs, isOver: false });
    record.note('storm', 'everything has become right');
    const exam = await inTime('every device was told something', storm.examine());
    await settled(storm, ground, { mark, patienceMs, isOver: true });
    record.note('storm', 'everything is right in the end');
    const evidence = await evidenceOf(storm, ground.eye, { mark, exam, calmAt });
    record.note('storm', 'what is left was looked at');
    await inTime('everything has stopped', storm.end());
    const flaws = stormCheckers.flatMap((checker) => flawsOf(checker, evidence));
    return { flaws, sights: flaws.length === 0 ? sightsOf(evidence) : [] };
  } catch (error) {
    record.note('storm', String(error));
    await within('everything has stopped', storm.end(), FAREWELL_MS).catch((reason: unknown) =>
      record.note('storm', String(reason)),
    );
    const at = Date.now();
    const faults = record.faults.map((fault) => ({ at: fault.at, device: null, text: fault.what }));
    const flaw = { at, device: null, text: error instanceof Error ? String(error.stack) : String(error) };
    const flaws = [
      { checker: SETTLING.name, sentence: SETTLING.sentence, flaw, flaws: 1 },
      ...faults.slice(0, 1).map((fault) => ({
        checker: soundness.name,
        sentence: soundness.sentence,
        flaw: fault,
        flaws: faults.length,
      })),
    ];
    return { flaws, sights: [] };
  }
}

function flawsOf(
  { name, sentence, check }: Checker<StormEvidence>,
  evidence: StormEvidence,
): Omit<Violation, 'seed'>[] {
  const flaws = check(evidence);
  const [flaw] = [...flaws].sort((a, b) => a.at - b.at);
  return flaw === undefined ? [] : [{ checker: name, sentence, flaw, flaws: flaws.length }];
}

interface Settling {
  readonly mark: Mark;
  readonly patienceMs: number;
  /** Nobody will command anything any more. */
  readonly isOver: boolean;
}

/** Waits until the store has all that devices said and did, nothing is open, and everybody was told. */
async function settled(storm: Storm, ground: Ground, settling: Settling): Promise<void> {
  for (let left = settling.patienceMs / LOOK_EVERY_MS; ; left -= 1) {
    const missing = [
      ...(await missingInTwins(storm, ground.eye, settling)),
      ...(await missingInOwnership(ground)),
    ];
    // What costs more to look at is looked at when the rest is right.
    if (missing.length === 0) missing.push(...(await missingElsewhere(storm, ground.eye, settling)));
    if (missing.length === 0) return;
    if (left <= 0) throw new Error(`waited until everything becomes right; saw ${missing.join('; ')}`);
    await new Promise((resolve) => void setTimeout(resolve, LOOK_EVERY_MS));
  }
}

async function missingInTwins(storm: Storm, eye: Eye, { isOver }: Settling): Promise<string[]> {
  const missing: string[] = [];
  for (const [device, { boot, seq }] of storm.truth()) {
    const twin = await eye.twin(device);
    if (twin?.newest?.boot !== boot || twin.newest.seq !== seq) {
      const believes = `${String(twin?.newest?.boot)}/${String(twin?.newest?.seq)}`;
      missing.push(`${device}: its twin is at ${believes}, not at ${boot}/${seq}`);
    }
    // What changes nothing is not asked for again when it is lost: the next command of all shows what became of it.
    const open = (twin?.open ?? []).filter(({ notAfterUp }) => isOver || notAfterUp !== null);
    const left = [...open, ...(twin?.waiting ?? [])].map(({ id }) => id);
    const doubts = (twin?.suspicions ?? []).map(({ reason, detail }) => `${reason} (${detail})`);
    if (left.length + doubts.length > 0) missing.push(`${device}: left are ${[...left, ...doubts].join()}`);
  }
  return missing;
}

async function missingInOwnership({ eye, nodes }: Ground): Promise<readonly string[]> {
  const free = await eye.unowned();
  const broken = await nodes.brokenParts();
  return free === 0 ? broken : [`nobody has ${free} partitions`, ...broken];
}

async function missingElsewhere(storm: Storm, eye: Eye, { mark }: Settling): Promise<readonly string[]> {
  const { deviceNames, record } = storm;
  const missing: string[] = [];
  for (const device of deviceNames) {
    const made = record.made.filter((report) => report.device === device).length;
    const filed = (await eye.reports(device)).length;
    if (filed < made) missing.push(`${device}: ${filed} of ${made} reports are filed`);
  }
  const journal = (await eye.journal(deviceNames, mark)).flat();
  const published = publishedIn(await eye.stream('CHANGES', mark), deviceNames);
  const known = new Set(published.map(({ key }) => key));
  const unpublished = journal.filter(
    ({ type, partition, no }) => type !== 'dead-letter' && !known.has(`${partition}-${no}`),
  );
  if (unpublished.length > 0) missing.push(`${unpublished.length} lines of the journal are not published`);
  for (const reader of record.readers) {
    const keys = untold(reader, published).map(({ key }) => key);
    if (keys.length > 0) missing.push(`${reader.name} was not told ${keys.slice(0, 5).join()}`);
  }
  return missing;
}

/** In turns. */
async function within<T>(what: string, work: Promise<T>, patienceMs: number): Promise<T> {
  let isWanted = true;
  const late = pauseInTurns(patienceMs, () => isWanted).then((): never => {
    throw new Error(`waited ${patienceMs} ms until ${what}`);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    isWanted = false;
    late.catch(() => undefined);
  }
}
