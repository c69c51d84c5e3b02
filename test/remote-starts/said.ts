/** What is said of a charge point in the end, and what happened meanwhile that may excuse what is not said. */
import type { CommandResult } from '../../src/client/corral.ts';
import type { AskedStart } from './customers.ts';

/** What of the world went back, and when, ms epoch. */
export interface Calamities {
  /** Before the database was copied. */
  readonly backUpBegan: number;
  /** Before the hub's store was copied. */
  readonly keepingBegan: number;
  /** When the hub had lost what it stored since. */
  readonly hubSetBack: number;
  /** Before the database was lost. */
  readonly databaseLost: number;
  /** When it was what it had been. */
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
  /** When an operator gave up which starts, by their ids or numbers, ms epoch. */
  readonly givenUpAt: ReadonlyMap<string, number>;
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

/** Two clocks of one process, and a time that is told in whole ms. */
export const ROUNDING_MS = 5;
