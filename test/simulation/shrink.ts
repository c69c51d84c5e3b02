/**
 * Shrinks a failing world to its shortest trouble: as few sorts, as few single faults, and as short a storm as still break the same
 * property. The rest of the world stays as its seed makes it, so that what is found is replayed exactly.
 */
import { nameOf, type Plan, type Sort, type Trouble } from './plan.ts';

/** What a run of a world says to whoever shrinks it. */
export interface Trial {
  /** When the property was broken first, true time; `null` where it held. */
  readonly brokenAt: number | null;
  /** What happened. */
  readonly troubles: readonly Trouble[];
}

/** What is left. */
export interface Shrunk {
  readonly plan: Plan;
  readonly troubles: readonly Trouble[];
  /** How many worlds were tried. */
  readonly trials: number;
}

export interface ShrinkOptions {
  /** Runs the world with less in it, and says whether it breaks the property all the same. */
  readonly run: (plan: Plan) => Promise<Trial>;
  /** What the whole world said. */
  readonly whole: Trial;
  /** When every world begins, true time. */
  readonly begins: number;
  /** False when it has taken long enough: what was found by then is the answer. */
  readonly mayGoOn: () => boolean;
}

/** Worlds that are tried at most: what was found by then is the answer. */
export const TRIALS_MAX = 150;
/** The storm goes on for so long after the property was broken, ms: something may have to follow from it. */
const AFTERWARDS_MS = 60_000;
/** The storm is as short as it can be, give or take this, ms. */
const STORM_STEP_MS = 60_000;

/** The least that still breaks the property. */
export async function shrink(options: ShrinkOptions): Promise<Shrunk> {
  const search = new Search(options);
  await search.endStormEarly();
  await search.keepSorts();
  await search.keepSingles();
  await search.endStormEarly();
  await search.shortenStorm();
  return search.result;
}

class Search {
  readonly #options: ShrinkOptions;
  #plan: Plan = { only: null, stormMs: null };
  #last: Trial;
  #trials = 0;

  constructor(options: ShrinkOptions) {
    this.#options = options;
    this.#last = options.whole;
  }

  get result(): Shrunk {
    return { plan: this.#plan, troubles: this.#last.troubles, trials: this.#trials };
  }

  /** Nothing that comes long after the property was broken had to do with it. */
  async endStormEarly(): Promise<void> {
    const { begins } = this.#options;
    const stormMs = Math.ceil((this.#last.brokenAt ?? begins) - begins + AFTERWARDS_MS);
    if (this.#plan.stormMs === null || stormMs < this.#plan.stormMs) await this.#breaks({ stormMs });
  }

  async keepSorts(): Promise<void> {
    const sorts = [...new Set(this.#last.troubles.map(({ sort }) => sort))];
    await fewest<Sort>(sorts, (only) => this.#breaks({ only }));
  }

  /** Each by itself, in place of all of its sort. */
  async keepSingles(): Promise<void> {
    const numbered = new Set(this.#last.troubles.filter(({ number }) => number > 0).map(({ sort }) => sort));
    const singles = this.#last.troubles.filter(({ sort, number }) => number > 0 || !numbered.has(sort));
    await fewest(singles.map(nameOf), (only) => this.#breaks({ only }));
  }

  /** By halves. */
  async shortenStorm(): Promise<void> {
    let [broken, holds] = [this.#plan.stormMs ?? Infinity, 0];
    if (broken === Infinity) return;
    while (broken - holds > STORM_STEP_MS && this.#options.mayGoOn()) {
      const stormMs = Math.round((broken + holds) / 2);
      if (await this.#breaks({ stormMs })) broken = stormMs;
      else holds = stormMs;
    }
  }

  /** Whether it is broken with this in place of what was found so far; then this is what was found. */
  async #breaks(less: Partial<Plan>): Promise<boolean> {
    if (this.#trials >= TRIALS_MAX || !this.#options.mayGoOn()) return false;
    this.#trials += 1;
    const plan = { ...this.#plan, ...less };
    const trial = await this.#options.run(plan);
    if (trial.brokenAt === null) return false;
    this.#plan = plan;
    this.#last = trial;
    return true;
  }
}

/**
 * The fewest of these with which something still breaks, as far as leaving out one more shows: "delta debugging" (Zeller and Hildebrandt,
 * Simplifying and Isolating Failure-Inducing Input, 2002). What breaks with all of them is not asked for again.
 */
export async function fewest<T>(
  all: readonly T[],
  breaks: (some: readonly T[]) => Promise<boolean>,
): Promise<readonly T[]> {
  if (all.length > 0 && (await breaks([]))) return [];
  let left = all;
  for (let parts = 2; left.length > 1;) {
    const chunks = partsOf(left, parts);
    const smaller = await firstThat(
      [...chunks, ...(parts > 2 ? chunks.map((chunk) => without(left, chunk)) : [])],
      breaks,
    );
    if (smaller !== null) {
      parts = smaller.length * 2 > left.length ? Math.max(2, parts - 1) : 2;
      left = smaller;
    } else if (parts >= left.length) return left;
    else parts = Math.min(left.length, parts * 2);
  }
  return left;
}

async function firstThat<T>(
  candidates: readonly (readonly T[])[],
  breaks: (some: readonly T[]) => Promise<boolean>,
): Promise<readonly T[] | null> {
  for (const candidate of candidates) if (await breaks(candidate)) return candidate;
  return null;
}

function partsOf<T>(items: readonly T[], parts: number): readonly (readonly T[])[] {
  const from = (index: number): number => Math.floor((index * items.length) / parts);
  return Array.from({ length: parts }, (_, index) => items.slice(from(index), from(index + 1)));
}

function without<T>(items: readonly T[], chunk: readonly T[]): readonly T[] {
  const out = new Set(chunk);
  return items.filter((item) => !out.has(item));
}
