/** When people come: the rhythm of a day and of a week, in the world's time. */
import type { Dice } from './chance.ts';

/** World time is ms since a Monday, 0:00; a minute of it. */
export const MINUTE = 60_000;

/** An hour of world time, ms. */
export const HOUR = 60 * MINUTE;

/** A day of world time, ms. */
export const DAY = 24 * HOUR;

/** How many come in a day, and how they spread over its hours. */
export interface Rhythm {
  readonly perWeekday: number;
  readonly perWeekendDay: number;
  /** A weight per hour of the day, 0:00 first. */
  readonly weekday: readonly number[];
  readonly weekend: readonly number[];
}

/** Commuters: in the morning, and again at the end of the afternoon. */
export const COMMUTERS: Rhythm = {
  perWeekday: 4,
  perWeekendDay: 2.5,
  weekday: [1, 0, 0, 0, 1, 3, 9, 20, 18, 10, 6, 6, 7, 6, 6, 7, 10, 16, 15, 10, 7, 5, 3, 2],
  weekend: [1, 1, 0, 0, 0, 1, 2, 3, 6, 10, 13, 13, 12, 12, 11, 11, 10, 10, 9, 7, 5, 4, 3, 2],
};

/** Those who share a car: errands by day, the theatre in the evening. */
export const DRIVERS: Rhythm = {
  perWeekday: 4,
  perWeekendDay: 5,
  weekday: [1, 0, 0, 0, 0, 2, 6, 9, 9, 7, 7, 7, 7, 7, 7, 8, 10, 12, 12, 10, 7, 5, 3, 2],
  weekend: [2, 1, 0, 0, 0, 1, 2, 4, 8, 11, 12, 12, 11, 11, 11, 10, 10, 9, 9, 8, 7, 6, 5, 3],
};

/** Those who fetch a key or bring one back. */
export const VISITORS: Rhythm = {
  perWeekday: 60,
  perWeekendDay: 40,
  weekday: [1, 0, 0, 0, 1, 4, 10, 14, 13, 10, 9, 9, 10, 9, 9, 10, 12, 14, 12, 9, 7, 5, 3, 2],
  weekend: [2, 1, 0, 0, 0, 1, 3, 5, 9, 11, 12, 12, 11, 11, 10, 10, 10, 9, 8, 7, 6, 5, 4, 3],
};

/** How many come per hour at this time. */
export function arrivalsPerHour(rhythm: Rhythm, at: number): number {
  const isWeekend = Math.floor(at / DAY) % 7 >= 5;
  const weights = isWeekend ? rhythm.weekend : rhythm.weekday;
  const sum = weights.reduce((total, weight) => total + weight, 0);
  const hour = Math.floor((at % DAY) / HOUR);
  return ((isWeekend ? rhythm.perWeekendDay : rhythm.perWeekday) * (weights[hour] ?? 0)) / sum;
}

/** When the next one comes after `at`. */
export function nextArrival(rhythm: Rhythm, at: number, dice: Dice): number {
  const most = Math.max(...Array.from({ length: 7 * 24 }, (_, hour) => arrivalsPerHour(rhythm, hour * HOUR)));
  let next = at;
  // Comes as often as at the busiest hour, and turns round as often as it is not that hour.
  do next += dice.waiting(HOUR / most);
  while (!dice.happens(arrivalsPerHour(rhythm, next) / most));
  return next;
}
