/**
 * What happened in a storm, as whoever took part wrote it down: the simulation's record, which its checkers read, and what was told to those
 * who follow and who read. Times are ms epoch; all programs run on this machine and have one clock.
 */
import { type TraceLine } from '../simulation/trace.ts';
import { WorldRecord } from '../simulation/record.ts';

/** A line of a journal, as it was told to somebody. */
export interface ToldLine {
  readonly at: number;
  readonly type: string;
  readonly device: string;
  readonly partition: number;
  readonly no: number;
  /** Its sequence in the stream. */
  readonly sequence: number;
}

/** All that one reader of changes was told, over all its connections. */
export interface ReaderRecord {
  readonly name: string;
  /** The devices that it asked for; `null`: all. */
  readonly devices: readonly string[] | null;
  /** It is told what comes after this sequence; `null` before it has begun. */
  from: number | null;
  readonly told: ToldLine[];
  /** Words beside lines: `gone` and what it says. */
  readonly words: { readonly at: number; readonly text: string }[];
}

/** A version of a twin that somebody was told. */
export interface ToldVersion {
  readonly device: string;
  readonly version: number;
  /** Who told it: `nats`, `http`, or a reader of changes. */
  readonly by: string;
  readonly askedAt: number;
  readonly at: number;
}

/** See the head of this file. */
export class StormRecord extends WorldRecord {
  readonly readers: ReaderRecord[] = [];
  readonly versions: ToldVersion[] = [];
  readonly trace: TraceLine[] = [];

  /** Writes a line for whoever looks at what led to a flaw. */
  note(who: string, text: string): void {
    this.trace.push({ at: Date.now(), who, text });
  }

  /** Something happened that may never happen. */
  fault(what: string): void {
    this.faults.push({ at: Date.now(), what });
    this.note('fault', what);
  }
}
