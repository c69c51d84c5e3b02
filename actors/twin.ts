/**
 * What a twin knows: the state of the actor for one device. Plain data; every decision makes a new one.
 *
 * Invariants (asserted after every decision and after reading from the store, see `invariants.ts`):
 * I1  `version` grows with every change of the twin document.
 * I2  `newest` is the report with the greatest (boot, seq) of this incarnation; an older one never replaces it.
 * I3  `clock` bounds the boot of `newest`: earliest(up) <= latest(up) for every uptime heard.
 * I4  `sequence` contains the position of `newest`; no position is counted twice.
 * I5  `open` holds at most OPEN_MAX commands, at most one of which may still start, in the order of their `n`, all of
 *     them at most `lastN`.
 * I6  the machine is in `suspect` if `suspicions` is not empty and the device is not silent.
 *
 * All times are server time, ms epoch, unless a name says uptime.
 */
import type { Kind } from '../machines/kind.ts';
import type { Report } from '../machines/report.ts';
import type { BootClock } from './clock.ts';
import type { LedgerEntry } from '../src/contract/ledger-entry.ts';
import type { SourceDoubt, Suspicion } from '../src/contract/twin-document.ts';
import { EMPTY_SEQUENCE, type SequenceSet } from './sequence.ts';

/** How a payload is written. Whoever is answered or commanded gets the encoding it spoke in. */
export type Encoding = 'json' | 'msgpack';

/** Where an answer goes: the requester's reply subject and the encoding it asked in. Opaque to decisions. */
export interface ReplyAddress {
  readonly subject: string;
  readonly encoding: Encoding;
}

/** The report that is the known state's ground, as far as it is needed after it was filed. */
export interface NewestReport {
  readonly boot: number;
  readonly seq: number;
  readonly up: number;
  /** When the hub's stream stored it. */
  readonly receivedAt: number;
  /** The device's wall clock in it, or `null`. */
  readonly at: number | null;
  readonly report: Report;
}

/** The first report of the newest boot that was heard: a copy of it has the same content, another start another one. */
export interface FirstReport {
  readonly boot: number;
  readonly seq: number;
  readonly up: number;
  /** Its state and its sensors, as a short text. */
  readonly content: string;
}

/**
 * The internal command `report`, sent to learn how old the knowledge is and who is alive. It is not in the ledger: nobody
 * asked for it. The last one is remembered after it was answered or given up, so that probes stay rare.
 */
export interface Probe {
  readonly n: number;
  /** When it was sent first: whatever names it was measured after. */
  readonly sentAt: number;
  /** When it was sent last. The same number again takes no room in the device's ring. */
  readonly lastAskedAt: number;
  /** Until when an answer is waited for; `null` once it was answered or given up. */
  readonly waitsUntil: number | null;
  /** `missed`: the device was heard after its time was up, and did not name it. An answer can still come. */
  readonly status: 'unanswered' | 'missed' | 'answered';
}

/** A backend's request for a command, read and checked for shape. */
export interface CommandRequest {
  /** The caller's idempotency key. */
  readonly id: string;
  readonly name: string;
  readonly args: Readonly<Record<string, unknown>>;
  /** Until when the caller wants to be kept waiting for the outcome. */
  readonly waitUntil: number;
  readonly ifVersion: number | null;
  /** On whose behalf, or `null`. */
  readonly by: string | null;
  /** Who asks, vouched for by the broker or by the node that was asked; `null` where a snapshot is from before this was kept. */
  readonly asker: string | null;
  readonly replyTo: ReplyAddress;
}

/**
 * A previous incarnation of the device: its late reports are told from those of the current one, and filed
 * with their own order and their own time.
 */
export interface PreviousIncarnation {
  readonly incarnation: number;
  /** Position of its newest report. */
  readonly boot: number;
  readonly seq: number;
  /** Only the present incarnation can name a command of this number or a higher one. */
  readonly provedBy: number;
  /** When the present incarnation began. */
  readonly endedAt: number;
  readonly clock: BootClock;
  readonly sequence: SequenceSet;
}

/**
 * Reports that are older than the newest by their numbers, and go on as those of a device that is alive do: with nothing newer in between
 * (`older-run.ts`), or beside newer ones (`second-device.ts`).
 */
export interface OlderRun {
  /** The last of them. */
  readonly boot: number;
  readonly seq: number;
  readonly up: number;
  /** When the first of them was received, and the uptime in it: by the clock of the last boot, so that it is below 0 once that was begun later. */
  readonly since: number;
  readonly sinceUp: number;
}

/** Who speaks under the device's name, where that was ever in doubt. */
export interface Identity {
  /** When there was last reason to believe in a second device; `null` once that is settled. */
  readonly rivalAt: number | null;
  /** A second device may have executed commands up to this number; 0 for none. While `rivalAt` is set it may have executed any. */
  readonly contestedN: number;
  /** Boots of uncertain incarnation of which something was filed, the last noted first; see `UNCERTAIN_BOOTS_MAX`. */
  readonly uncertainBoots: readonly number[];
  /** The latest first. */
  readonly previousIncarnations: readonly PreviousIncarnation[];
  /** What goes on beside the newest report though it looks older; `null` while nothing does. */
  readonly run: OlderRun | null;
  /** What goes on beside newer reports, as a second device does; `null` while nothing does. */
  readonly second: OlderRun | null;
}

/** Nobody had reason to doubt who speaks. */
export const UNDOUBTED: Identity = {
  rivalAt: null,
  contestedN: 0,
  uncertainBoots: [],
  previousIncarnations: [],
  run: null,
  second: null,
};

/** The last report that leaped and was not believed; see `leap.ts`. */
export interface Claim {
  readonly boot: number;
  readonly seq: number;
  readonly up: number;
  readonly receivedAt: number;
  /** Since when reports of this boot are held. */
  readonly since: number;
  /** What was held and filed, also of other boots. */
  readonly seen: SequenceSet;
  readonly clock: BootClock;
}

/** What a device was said to be: its content, told apart by its state and its sensors, and when that was said first. */
export interface Saying {
  readonly content: string;
  readonly at: number;
}

/** Who speaks for the device, as its newest report says. */
export interface SpokenFor {
  /** The device id of the source. */
  readonly id: string;
  readonly session: number;
  readonly doubt: SourceDoubt | null;
  /** Since when there is that doubt, of `back` since when the source is heard again; `null` without a doubt. */
  readonly since: number | null;
  /** What was said lately, the last first. */
  readonly said: readonly Saying[];
}

/** A reservation as the server sees it. */
export interface Hold {
  /** The ledger id of the command that began it. */
  readonly id: string;
  readonly by: string | null;
  readonly since: number;
  /** When the device is expected to let go. */
  readonly until: number;
  /** When the device has certainly let go, whatever was lost. */
  readonly certainUntil: number;
}

/** The desired configuration, changed by JSON merge patch. */
export interface Desired {
  readonly version: number;
  readonly values: Readonly<Record<string, unknown>>;
}

/** The twin of one device. */
export interface Twin {
  readonly device: string;
  readonly kind: string;
  readonly site: string;
  readonly version: number;
  /** Path of the machine's state: `charging` or `charging.delivering`. */
  readonly path: string;
  /** When the known state began, as measured; `null` before the first contact. */
  readonly since: number | null;
  /** When anything was last heard, however old its content; `null` before the first contact. */
  readonly lastContactAt: number | null;
  /** Grows when a device is proved to have begun counting its boots anew. */
  readonly incarnation: number;
  readonly newest: NewestReport | null;
  /** What the last newest report came in, of whatever incarnation: commands go out in the same. `null` before the first contact. */
  readonly encoding: Encoding | null;
  /** `null` for a device that tells by an answer who is alive, and before the first contact. */
  readonly first: FirstReport | null;
  readonly clock: BootClock | null;
  /** Clocks of boots before `clock.boot` of which reports may still come, newest first, bounded. */
  readonly olderClocks: readonly BootClock[];
  readonly sequence: SequenceSet;
  /** The highest command number given out. */
  readonly lastN: number;
  /** Commands in the ledger without a final outcome: in flight, or `unknown`. */
  readonly open: readonly LedgerEntry[];
  /** The last few resolved ones, newest first: what makes a repeated id cheap and right while its row is being read. */
  readonly recent: readonly LedgerEntry[];
  readonly probe: Probe | null;
  /** How many commands and probes in a row the device ignored while its reports arrived. */
  readonly ignoredCommands: number;
  /** `null` while nobody ever had reason to doubt who speaks. */
  readonly identity: Identity | null;
  /** What was heard last that leaps, and is not believed; see `leap.ts`. */
  readonly claim: Claim | null;
  /** Who speaks for it; `null` while it speaks itself. */
  readonly via: SpokenFor | null;
  /** When it was last seen, as the source of others, to play again what was said before; `null` for never. */
  readonly replayedAt: number | null;
  /** Requests whose decision waits for the answer to the probe. */
  readonly waiting: readonly CommandRequest[];
  readonly hold: Hold | null;
  readonly suspicions: readonly Suspicion[];
  readonly desired: Desired;
}

/** How far the numbers of a device have got: a twin that is born after another one of the same device goes on from there. */
export interface GivenNumbers {
  /** The highest number of a command. */
  readonly lastN: number;
  /** The highest version, of the twin or of its desired configuration. */
  readonly version: number;
}

/**
 * A twin before its first contact. `given`: how far numbers of the device have got, where it had a twin before. It is another state than any
 * of that one, so that its versions are new as well.
 */
export function bornTwin(options: {
  readonly device: string;
  readonly kind: Kind;
  readonly site: string;
  readonly given?: GivenNumbers | undefined;
}): Twin {
  const { given } = options;
  const version = given === undefined ? 0 : given.version + 1;
  return {
    device: options.device,
    kind: options.kind.name,
    site: options.site,
    version,
    path: options.kind.chart.initial,
    since: null,
    lastContactAt: null,
    incarnation: 1,
    newest: null,
    encoding: null,
    first: null,
    clock: null,
    olderClocks: [],
    sequence: EMPTY_SEQUENCE,
    lastN: given?.lastN ?? 0,
    open: [],
    recent: [],
    probe: null,
    ignoredCommands: 0,
    identity: null,
    claim: null,
    via: null,
    replayedAt: null,
    waiting: [],
    hold: null,
    suspicions: [],
    desired: { version, values: {} },
  };
}
