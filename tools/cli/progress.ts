/** Progress of long work, on stderr: one line that changes on a terminal, a line now and then anywhere else. */
import { changingLine, type ChangingLine } from './print.ts';

/** How often a line is written where it cannot be changed, ms. */
const LINE_EVERY_MS = 5_000;
/** How often the line changes on a terminal, ms. */
const CHANGE_EVERY_MS = 100;

/** Takes the state of the work as a sentence; it is up to the display how many of them are shown. */
export interface Progress {
  /** Something begins, or is done: it is always shown, and stays. */
  step(text: string): void;
  /** How far the present step is. */
  at(text: string): void;
}

/** Shows progress. */
export function showProgress(line: ChangingLine = changingLine()): Progress {
  const everyMs = line.canChange ? CHANGE_EVERY_MS : LINE_EVERY_MS;
  let shownAt = -Infinity;
  return {
    step: (text) => {
      line.keep(text);
      shownAt = performance.now();
    },
    at: (text) => {
      if (performance.now() - shownAt < everyMs) return;
      shownAt = performance.now();
      line.show(text);
    },
  };
}
