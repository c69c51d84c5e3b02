/**
 * Which of the troubles that a seed has in store for its world happen in it: all of them, or some, and for how long. What happens is data, so
 * that a world can be run again with less of it (`shrink.ts`).
 *
 * A trouble is a part of the world (`mix-ups`), or one single event of it or of a sort of fault, counted from 1 (`node-crash:3`).
 * Leaving one out moves no other fault of the storm.
 */
import { InvalidArgumentError } from 'commander';
import { FAULTS, type FaultSort } from './trouble.ts';
import type { Schedule } from './world/schedule.ts';

/** Parts of a world that are there from its beginning, or are not. */
export const PARTS = [
  'people',
  'poor-links',
  'mix-ups',
  'neighbour',
  'wait-ends',
  'hub-set-backs',
  'store-set-backs',
  'standby',
  'aimed-pauses',
  'storageless',
  'seller',
  'liar',
  'thorn',
  'feed',
] as const;
export type Part = (typeof PARTS)[number];
export type Sort = FaultSort | Part;

/** What is to happen. */
export interface Plan {
  /** Names of troubles: of whole sorts, or of single ones. `null` for all that the seed has. */
  readonly only: readonly string[] | null;
  /** How long the storm lasts, ms; `null` for as long as the seed says. */
  readonly stormMs: number | null;
}

/** The world as its seed makes it. */
export const EVERYTHING: Plan = { only: null, stormMs: null };

/** Something that happened. */
export interface Trouble {
  readonly sort: Sort;
  /** Which of its sort, from 1; 0 for a part of the world. */
  readonly number: number;
  /** True time, ms epoch. */
  readonly at: number;
}

/** Its name in a plan. */
export function nameOf({ sort, number }: Pick<Trouble, 'sort' | 'number'>): string {
  return number === 0 ? sort : `${sort}:${number}`;
}

/** The options of the command that say the same. */
export function planText({ only, stormMs }: Plan): string {
  const parts = [
    ...(only === null ? [] : [`--only ${only.length === 0 ? 'nothing' : only.join(',')}`]),
    ...(stormMs === null ? [] : [`--storm-ms ${stormMs}`]),
  ];
  return parts.join(' ');
}

/** What `--only` names; throws where that is nothing that any world has. */
export function readOnly(text: string): readonly string[] {
  const names = text === 'nothing' ? [] : text.split(',');
  const sorts: readonly string[] = [...PARTS, ...Object.keys(FAULTS)];
  for (const name of names) {
    const [sort = '', number] = name.split(':');
    if (sorts.includes(sort) && (number === undefined || /^[1-9]\d*$/.test(number))) continue;
    throw new InvalidArgumentError(
      `--only takes nothing, or names like node-crash or node-crash:3, not ${name}; sorts: ${sorts.join(', ')}`,
    );
  }
  return names;
}

/** What happens in one world. */
export class Happenings {
  readonly #schedule: Schedule;
  readonly #only: ReadonlySet<string> | null;
  readonly #sorts: ReadonlySet<string> | null;
  readonly #numbers = new Map<Sort, number>();
  readonly #all: Trouble[] = [];

  constructor(schedule: Schedule, { only }: Plan) {
    this.#schedule = schedule;
    this.#only = only && new Set(only);
    this.#sorts = only && new Set(only.map((name) => name.split(':')[0]!));
  }

  /** All so far. */
  get all(): readonly Trouble[] {
    return this.#all;
  }

  /** The seed has this part in store; whether the world has it. */
  has(part: Part): boolean {
    if (this.#sorts?.has(part) === false) return false;
    this.#all.push({ sort: part, number: 0, at: this.#schedule.now });
    return true;
  }

  /** The next of its sort is due; whether it happens. */
  happens(sort: Sort): boolean {
    const number = (this.#numbers.get(sort) ?? 0) + 1;
    this.#numbers.set(sort, number);
    const isIn = this.#only === null || this.#only.has(sort) || this.#only.has(`${sort}:${number}`);
    if (isIn) this.#all.push({ sort, number, at: this.#schedule.now });
    return isIn;
  }
}
