/**
 * The network between one program and the hub in memory: it delays, holds back, loses and breaks, as it is told.
 *
 * Invariants:
 * I1  What passes in one direction arrives in the order in which it was sent: it is one TCP connection.
 * I2  A cut loses everything that is under way, in both directions; nothing is kept to be sent after `heal`.
 */
import type { Cancel, Clock } from '../runtime/ports.ts';

/** What passes over a link. */
export type Cargo = 'delivery' | 'command' | 'request' | 'reply' | 'publication' | 'acknowledgement';

/** Cargo for which nobody waits: core NATS delivers it at most once. */
const LOSABLE: ReadonlySet<Cargo> = new Set<Cargo>(['command', 'request', 'reply']);

/** How the network behaves. Asked once for everything that sets out. */
export interface Weather {
  /** How long it is under way, ms. */
  delayMs(cargo: Cargo): number;
  /** True: it never arrives. Asked only for what core NATS may lose: commands, requests and replies. */
  isLost(cargo: Cargo): boolean;
}

/** No delay, no loss. */
export const FAIR_WEATHER: Weather = { delayMs: () => 0, isLost: () => false };

/**
 * `frozen`: nothing passes and nobody is told; what set out arrives after `heal`. `mute`: so it is with what the program sends, and what is
 * sent to it arrives. `deaf`: the other way round.
 */
export type LinkState = 'up' | 'frozen' | 'mute' | 'deaf' | 'cut';

type Direction = 'up' | 'down';

/** What passes in which state. */
const PASSING: Readonly<Record<LinkState, readonly Direction[]>> = {
  up: ['up', 'down'],
  frozen: [],
  mute: ['down'],
  deaf: ['up'],
  cut: [],
};

/** Frozen for this long, a reader stops believing that it hears everything, ms: as long as the feed on NATS takes. */
export const SILENCE_MAX_MS = 3_000;

interface Item {
  readonly dueAt: number;
  readonly arrive: () => void;
}

interface Passage {
  readonly direction: Direction;
  queue: Item[];
  cancel: Cancel | null;
}

/** A program's link to the hub. */
export class MemoryLink {
  readonly #clock: Clock;
  readonly #weather: Weather;
  readonly #passages: Readonly<Record<Direction, Passage>> = {
    up: { direction: 'up', queue: [], cancel: null },
    down: { direction: 'down', queue: [], cancel: null },
  };
  readonly #listeners = new Set<(state: LinkState) => void>();
  #state: LinkState = 'up';

  constructor(clock: Clock, weather: Weather = FAIR_WEATHER) {
    this.#clock = clock;
    this.#weather = weather;
  }

  get state(): LinkState {
    return this.#state;
  }

  /** Sends something to the hub. False: the link is cut, it certainly did not leave. */
  send(cargo: Cargo, arrive: () => void): boolean {
    return this.#pass('up', cargo, arrive);
  }

  /** Sends something from the hub. False: the link is cut. */
  receive(cargo: Cargo, arrive: () => void): boolean {
    return this.#pass('down', cargo, arrive);
  }

  /** Breaks the connection, and refuses new ones until `heal`. */
  cut(): void {
    for (const passage of Object.values(this.#passages)) {
      passage.cancel?.();
      passage.cancel = null;
      passage.queue = [];
    }
    this.#change('cut');
  }

  /** Lets nothing pass until `heal`, or nothing in one direction, without telling anybody. */
  freeze(how: 'frozen' | 'mute' | 'deaf' = 'frozen'): void {
    if (this.#state === 'up') this.#change(how);
  }

  heal(): void {
    this.#change('up');
    for (const passage of Object.values(this.#passages)) this.#arm(passage);
  }

  /** Calls `listener` with every change of the state, until the returned function is called. */
  onChange(listener: (state: LinkState) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  #change(state: LinkState): void {
    if (this.#state === state) return;
    this.#state = state;
    for (const listener of [...this.#listeners]) listener(state);
  }

  #pass(direction: Direction, cargo: Cargo, arrive: () => void): boolean {
    if (this.#state === 'cut') return false;
    if (LOSABLE.has(cargo) && this.#weather.isLost(cargo)) return true;
    const passage = this.#passages[direction];
    const before = passage.queue.at(-1)?.dueAt ?? -Infinity;
    const dueAt = Math.max(before, this.#clock.monotonic() + this.#weather.delayMs(cargo));
    passage.queue.push({ dueAt, arrive });
    this.#arm(passage);
    return true;
  }

  #lets({ direction }: Passage): boolean {
    return PASSING[this.#state].includes(direction);
  }

  #arm(passage: Passage): void {
    const [first] = passage.queue;
    if (first === undefined || passage.cancel !== null || !this.#lets(passage)) return;
    const waitMs = Math.max(0, first.dueAt - this.#clock.monotonic());
    passage.cancel = this.#clock.after(waitMs, () => {
      passage.cancel = null;
      this.#arrive(passage);
    });
  }

  #arrive(passage: Passage): void {
    while (this.#lets(passage)) {
      const [first] = passage.queue;
      if (first === undefined || first.dueAt > this.#clock.monotonic()) break;
      passage.queue.shift();
      first.arrive();
    }
    this.#arm(passage);
  }
}
