/**
 * What of a partition is set aside: messages that are to be decided after others. They stay in the stream, and stand here by
 * device: as ranges of sequences, each of which holds all messages of its device between its ends. So a device that said three
 * hundred thousand things too many takes one line of the lease row.
 *
 * Invariants:
 * I1  a message up to the partition's position is decided, or in exactly one range; both are committed together.
 * I2  the ranges of a device do not touch each other: between two of them, something of it was decided.
 * I3  a range is never empty: what is read of it moves its beginning, and it goes with its last message.
 */
import { isId } from '../wire/report.ts';
import type { BacklogRange } from './ports.ts';

/** A range as it grows and is read. */
export type OpenRange = { -readonly [Field in keyof BacklogRange]: BacklogRange[Field] };

/** A device, as the site that it is heard from names it. */
export type Origin = Pick<BacklogRange, 'site' | 'device'>;

/** A device, and the stream in which it is heard. */
export type StreamOrigin = Pick<BacklogRange, 'stream' | 'site' | 'device'>;

/** What is set aside of one device. */
interface Waiting {
  /** In order. */
  readonly ranges: Set<OpenRange>;
  /** The last range goes on as long as nothing of the device is decided beyond it. */
  growing: OpenRange | null;
  /** When something beyond a range was received that was decided, ms epoch. */
  passedAt: number;
}

/** See the head of this file. */
export class Backlog {
  readonly #waiting = new Map<string, Waiting>();
  #size = 0;
  #messages = 0;
  /** Whether it is other than it was committed last. */
  #isChanged = false;
  /** Whether that is more than that something follows what was set aside. */
  #isDue = false;

  constructor(ranges: readonly BacklogRange[]) {
    for (const range of ranges) this.#add({ ...range });
  }

  /** How many ranges it has. */
  get size(): number {
    return this.#size;
  }

  /** How many messages are in them. */
  get messages(): number {
    return this.#messages;
  }

  /** How many ranges a device has. */
  rangesOf(origin: Origin): number {
    return this.#waiting.get(keyOf(origin))?.ranges.size ?? 0;
  }

  /** Whether the last that the device said is set aside: what follows it makes no further range. */
  isGrowing(origin: StreamOrigin): boolean {
    // Mostly there is nothing, and this is asked for every message.
    return this.#size > 0 && this.#waiting.get(keyOf(origin))?.growing?.stream === origin.stream;
  }

  /** Whether something of the device waits, as far as is known: of a few ranges nobody wrote down whose they are. */
  mayHoldOf(origin: Origin): boolean {
    return this.#size > 0 && (this.#waiting.has(keyOf(origin)) || this.#waiting.has(keyOf(NOBODY)));
  }

  has(range: OpenRange): boolean {
    return this.#waiting.get(keyOf(range))?.ranges.has(range) ?? false;
  }

  /** Whether the next commit has to write it. */
  get isDue(): boolean {
    return this.#isDue;
  }

  /** Sets aside what follows everything that was delivered of the device. */
  setAside(range: BacklogRange): void {
    this.#isDue = true;
    this.passOver(range);
  }

  /** The same, to be written when the position beyond it is. */
  passOver(range: BacklogRange): void {
    this.#isChanged = true;
    const waiting = this.#waiting.get(keyOf(range));
    if (waiting?.growing?.stream === range.stream) {
      waiting.growing.to = range.to;
      waiting.growing.messages += range.messages;
      this.#messages += range.messages;
      return;
    }
    const added = { ...range };
    this.#add(added).growing = added;
  }

  /** Something of the device is decided that follows everything that was delivered of it, and was received at that time. */
  pass(origin: Origin, receivedAt: number): void {
    if (this.#size === 0) return;
    const waiting = this.#waiting.get(keyOf(origin));
    if (waiting === undefined) return;
    waiting.growing = null;
    waiting.passedAt = receivedAt;
  }

  /** When something of the device was passed last, as far as that is known, ms epoch. */
  passedAt(origin: Origin): number {
    return this.#waiting.get(keyOf(origin))?.passedAt ?? -Infinity;
  }

  /**
   * A range was read up to a sequence, at which there was a message or, if the stream holds none any more, was not. Returns how
   * many messages that were in it turn out to be gone.
   */
  read(range: OpenRange, { through, isMessage }: { through: number; isMessage: boolean }): number {
    this.#change();
    if (isMessage) this.#count(range, -1);
    range.from = through + 1;
    if (range.from <= range.to) return 0;
    const gone = range.messages;
    this.#count(range, -gone);
    this.#remove(range);
    return gone;
  }

  /** Forgets everything of a stream, and returns what that was. */
  clear(stream: string): readonly BacklogRange[] {
    const cleared: BacklogRange[] = [];
    for (const { ranges } of [...this.#waiting.values()]) {
      for (const range of [...ranges]) {
        if (range.stream !== stream) continue;
        this.#change();
        cleared.push({ ...range });
        this.#count(range, -range.messages);
        this.#remove(range);
      }
    }
    return cleared;
  }

  /** The stream has lost what follows `to`: forgets what of it was set aside, and returns what that was. */
  cut(stream: string, to: number): readonly BacklogRange[] {
    const lost: BacklogRange[] = [];
    for (const { ranges } of [...this.#waiting.values()]) {
      for (const range of [...ranges]) {
        if (range.stream !== stream || range.to <= to) continue;
        this.#change();
        // Nobody knows how many of its messages stand before the cut: the first does, and the last does not.
        const isLostWhole = range.from > to;
        const messages = isLostWhole ? range.messages : Math.max(1, range.messages - (to - range.from + 1));
        lost.push({ ...range, from: Math.max(range.from, to + 1), messages });
        this.#count(range, -messages);
        if (isLostWhole) this.#remove(range);
        else this.#endAt(range, to);
      }
    }
    return lost;
  }

  /** The ranges of each device, in their order. */
  *byDevice(): Iterable<Iterable<OpenRange>> {
    for (const { ranges } of this.#waiting.values()) yield ranges;
  }

  /** What is to be committed of it, as a copy; `null` where it is as it was the last time. */
  takeChanged(): readonly BacklogRange[] | null {
    if (!this.#isChanged) return null;
    this.#isChanged = false;
    this.#isDue = false;
    return this.toRanges();
  }

  #change(): void {
    this.#isChanged = true;
    this.#isDue = true;
  }

  /** A copy. */
  toRanges(): readonly BacklogRange[] {
    return [...this.#waiting.values()].flatMap(({ ranges }) => [...ranges].map((range) => ({ ...range })));
  }

  #add(range: OpenRange): Waiting {
    const key = keyOf(range);
    const waiting: Waiting = this.#waiting.get(key) ?? {
      ranges: new Set(),
      growing: null,
      passedAt: -Infinity,
    };
    waiting.ranges.add(range);
    this.#waiting.set(key, waiting);
    this.#size += 1;
    this.#messages += range.messages;
    return waiting;
  }

  #count(range: OpenRange, change: number): void {
    range.messages += change;
    this.#messages += change;
  }

  /** What the device says next is a range of its own. */
  #endAt(range: OpenRange, to: number): void {
    range.to = to;
    const waiting = this.#waiting.get(keyOf(range));
    if (waiting?.growing === range) waiting.growing = null;
  }

  #remove(range: OpenRange): void {
    const key = keyOf(range);
    const waiting = this.#waiting.get(key);
    if (waiting?.ranges.delete(range) !== true) return;
    this.#size -= 1;
    if (waiting.growing === range) waiting.growing = null;
    if (waiting.ranges.size === 0) this.#waiting.delete(key);
  }
}

/** Of messages that were set aside before it was written down whose they are. */
const NOBODY: Origin = { site: '', device: '' };

/** Neither part holds a blank: both are tokens of a subject. */
function keyOf({ site, device }: Origin): string {
  return `${site} ${device}`;
}

/** Whether what it says can be found again: under any other name nothing is set aside. */
export function canBeSetAside({ site, device }: Origin): boolean {
  return isId(device) && isId(site);
}
