/** What a storm leaves behind, as the properties of the simulation judge it. */
import type { LedgerEntry } from '../../src/contract/ledger-entry.ts';
import type { StoredMessage } from '../../src/memory/message-stream.ts';
import { DEFAULT_LIMITS } from '../../src/runtime/limits.ts';
import type { Commit } from '../../src/runtime/ports.ts';
import type { Committed } from '../simulation/record.ts';
import { Chance } from '../simulation/world/chance.ts';
import { drawWeather } from '../simulation/world/weather.ts';
import type { Evidence, FinalStore } from '../simulation/world/evidence.ts';
import { type Eye, type Mark, SERVER_ERROR_MS } from './eye.ts';
import type { StormRecord } from './record.ts';
import type { Storm } from './storm.ts';

/** What a storm leaves behind, beside what a simulated world does. */
export interface StormEvidence extends Evidence {
  readonly record: StormRecord;
  readonly devices: readonly string[];
  /** Partitions that somebody took meanwhile. */
  readonly takenOver: number;
}

/** Looks at what there is in the end. */
export async function evidenceOf(
  storm: Storm,
  eye: Eye,
  seen: Pick<Evidence, 'exam' | 'calmAt'> & { readonly mark: Mark },
): Promise<StormEvidence> {
  const { record, deviceNames } = storm;
  const { mark, ...times } = seen;
  const store = await eye.store(deviceNames, mark);
  // What is still said of the devices of earlier storms is not looked at.
  const ofOurs = ({ payload }: StoredMessage): boolean =>
    deviceNames.includes((JSON.parse(Buffer.from(payload).toString()) as { readonly device: string }).device);
  const changes = (await eye.stream('CHANGES', mark)).filter(ofOurs);
  const deadLetters = (await eye.stream('DEADLETTER', mark)).filter(ofOurs);
  const endedAt = Date.now();
  record.commits.push(...commitsOf(store, endedAt));
  const limits = { ...DEFAULT_LIMITS, serverErrorMs: SERVER_ERROR_MS };
  return {
    record,
    store,
    pasts: new Map(),
    endedAt,
    ...times,
    truth: storm.truth(),
    devices: deviceNames,
    streams: { reports: [], changes, deadLetters },
    takenOver: (await eye.leases()).filter(({ partition, epoch }) => epoch !== mark.epochs.get(partition))
      .length,
    weather: { ...drawWeather(new Chance(1)), limits },
    hubOffsetMs: 0,
    hubClock: null,
    silence: new Map(),
    serverClocks: new Map(),
    events: 0,
    lastWords: null,
    lyingWords: null,
    filedOfThorn: null,
    feedWords: null,
    sourceAnswers: [],
    feedSilence: new Map(),
  };
}

/**
 * Nobody has seen the commits themselves: they are told from what they left behind. What is in the ledger was accepted when it says so, and came
 * to its outcome when that was decided; a line of the journal was committed no earlier than it was recorded.
 */
function commitsOf(store: FinalStore, endedAt: number): Committed[] {
  const nothing: Commit = { partitions: [], twins: [], reports: [], ledger: [], journal: [], clocks: [] };
  const commits: Committed[] = [];
  const add = (at: number, commit: Partial<Commit>): void => {
    commits.push({ at, node: 'somebody', commit: { ...nothing, ...commit }, lostAt: null });
  };
  for (const line of store.journal.flat()) {
    if (line.type === 'transition') add(line.transition.recordedAt, { journal: [line] });
    else if (line.type === 'outcome')
      add(line.entry.decidedAt ?? line.entry.acceptedAt, { journal: [line], ledger: [line.entry] });
    else add(0, { journal: [line] });
  }
  for (const entry of [...store.ledger.values()].flat()) {
    add(entry.acceptedAt, { ledger: [accepted(entry)] });
    if (entry.decidedAt !== null) add(entry.decidedAt, { ledger: [entry] });
  }
  add(endedAt, { twins: [...store.twins.values()] });
  return commits.sort((a, b) => a.at - b.at);
}

/** An entry as it was when it was accepted. */
function accepted(entry: LedgerEntry): LedgerEntry {
  return { ...entry, outcome: 'pending', reason: null, proof: null, decidedAt: null, closedAt: null };
}
