/**
 * The world's time: how late it is for the people of the simulated fleet. It runs `speed` times as fast as real time, stands
 * still while the fleet is off, and goes on from a file. The devices' own clocks are not this one: they tell real time,
 * because a device whose uptime ran faster than the server's clock would be broken.
 */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { DAY, HOUR } from './rhythm.ts';

/** Time as the world has it, ms since a Monday, 0:00. */
export interface WorldClock {
  /** How many ms of the world pass in one of real time. */
  readonly speed: number;
  now(): number;
  /**
   * Calls `work` when the world's time has come to `at`, unless it is cancelled by then. It may come too early, by the
   * coarseness of a timer or because `at` is months ahead: whoever cares looks at `now`.
   */
  when(at: number, work: () => void): () => void;
}

/** A world's clock that can be stopped. */
export interface RunningWorldClock extends WorldClock {
  /** Writes down how late it is. */
  stop(): void;
}

/** A Tuesday morning: people are on their way, and the devices have a day behind them. */
const BEGINS_AT = DAY + 7 * HOUR;

/** How often it is written down how late it is, ms of real time. A crash sets the world back by no more. */
const SAVE_EVERY_MS = 2_000;

/** A timer cannot be set further ahead than this, ms. */
const TIMER_LONGEST_MS = 2 ** 31 - 1;

/** Takes the world's time from `file`, and keeps it there. */
export function startWorldClock({
  file,
  speed,
}: {
  readonly file: string;
  readonly speed: number;
}): RunningWorldClock {
  const begin = readTime(file);
  const start = performance.now();
  const now = (): number => begin + (performance.now() - start) * speed;
  const save = (): void => {
    writeFileSync(`${file}.next`, JSON.stringify({ worldMs: Math.floor(now()) }));
    renameSync(`${file}.next`, file);
  };
  mkdirSync(dirname(file), { recursive: true });
  save();
  const saving = setInterval(save, SAVE_EVERY_MS);
  return {
    speed,
    now,
    when: (at, work) => {
      const delayMs = Math.min(TIMER_LONGEST_MS, Math.max(0, (at - now()) / speed));
      const timer = setTimeout(work, delayMs);
      return () => clearTimeout(timer);
    },
    stop: () => {
      clearInterval(saving);
      save();
    },
  };
}

function readTime(file: string): number {
  try {
    const { worldMs } = JSON.parse(readFileSync(file, 'utf8')) as { readonly worldMs?: unknown };
    return typeof worldMs === 'number' ? worldMs : BEGINS_AT;
  } catch {
    // A new world, or one whose file was damaged: the devices' own files say how late it is for each of them.
    return BEGINS_AT;
  }
}
