/**
 * What a feed does once the storm is over, one thing after the other, and what has to be known then of each of its sockets: it plays an
 * old list again, a socket falls silent by itself, a session ends before its sockets are heard in the next one, and the feed is away and
 * comes back before they are.
 */
import { worldState } from '../../../machines/statechart.ts';
import type { FleetReader } from '../../../src/history/ports.ts';
import type { Feed } from './feed.ts';
import type { Schedule } from './schedule.ts';

/** A state as it is known, and why what was said is not to be trusted. */
export interface Known {
  readonly state: string;
  readonly doubt: string | null;
}

/** What had to be known of a device at a moment, and what was. */
export interface SourceAnswer {
  readonly at: number;
  readonly device: string;
  /** What has happened. */
  readonly what: string;
  readonly wanted: Known;
  readonly found: Known | null;
}

type Wanted = (device: string, said: string) => Known;

const asSaid: Wanted = (_, state) => ({ state, doubt: null });
const doubted =
  (doubt: string): Wanted =>
  (_, state) => ({ state, doubt });
const suspectFor =
  (doubt: string): Wanted =>
  () => ({ state: 'suspect', doubt });

/** What was said before and after an old list is played: some sockets go there, and as many back. */
const SWAPPED = ['available', 'serving'] as const;

/** Begins with the calm. */
export class SourceExam {
  readonly answers: SourceAnswer[] = [];
  readonly #schedule: Schedule;
  readonly #feed: Feed;
  readonly #store: FleetReader;

  constructor(parts: { readonly schedule: Schedule; readonly feed: Feed; readonly store: FleetReader }) {
    this.#schedule = parts.schedule;
    this.#feed = parts.feed;
    this.#store = parts.store;
  }

  /** Times: ms after the storm. A kiosk may be silent for three minutes, and a source that played something again is doubted for twice that. */
  begin(): void {
    const feed = this.#feed;
    const { sockets } = feed;
    const others = sockets.slice(1);
    const frozen = new Map<string, string>();
    this.#at(150_000, () => feed.alternate(SWAPPED));
    this.#at(320_000, () => this.#keep(frozen));
    const replayed: Wanted = (device) => ({ state: frozen.get(device) ?? '', doubt: 'replay' });
    this.#ask(380_000, 'an old list is played again', sockets, replayed);
    this.#at(381_000, () => feed.alternate(null));
    this.#ask(830_000, 'it plays nothing again any more', sockets, asSaid);
    this.#at(840_000, () => feed.mute(sockets.slice(0, 1)));
    const offline: Wanted = () => ({ state: 'offline', doubt: null });
    this.#ask(1_140_000, 'it is silent, and its source is not', sockets.slice(0, 1), offline);
    this.#ask(1_140_000, 'another one is silent', others, asSaid);
    this.#at(1_141_000, () => feed.mute([]));
    this.#ask(1_220_000, 'it was silent, and is heard again', sockets, asSaid);
    this.#at(1_230_000, () => {
      feed.mute(sockets);
      feed.restart();
    });
    this.#ask(1_325_000, 'its session has ended', sockets, doubted('session'));
    this.#at(1_326_000, () => feed.mute([]));
    this.#ask(1_410_000, 'it was heard in the new session', sockets, asSaid);
    this.#at(1_420_000, () => feed.leave());
    this.#ask(1_700_000, 'its source is away', sockets, suspectFor('away'));
    this.#at(1_701_000, () => {
      feed.mute(sockets);
      feed.comeBack();
    });
    this.#ask(1_800_000, 'its source is back, and has not told of it', sockets, suspectFor('back'));
    this.#at(1_801_000, () => feed.mute([]));
    this.#ask(1_890_000, 'its source is back, and tells of it', sockets, asSaid);
  }

  #at(ms: number, work: () => void): void {
    this.#schedule.after(ms, work);
  }

  #keep(states: Map<string, string>): void {
    void this.#feed.words(this.#store).then(({ twins }) => {
      for (const [device, { path }] of twins) states.set(device, worldState(path));
    });
  }

  #ask(ms: number, what: string, devices: readonly string[], wanted: Wanted): void {
    this.#at(ms, () => {
      const at = this.#schedule.now;
      void this.#feed.words(this.#store).then(({ twins, last }) => {
        for (const device of devices) {
          const twin = twins.get(device);
          const found =
            twin === undefined ? null : { state: worldState(twin.path), doubt: twin.via?.doubt ?? null };
          this.answers.push({ at, device, what, wanted: wanted(device, last.get(device) ?? ''), found });
        }
      });
    });
  }
}
