/** Progress of long work, on stderr: one line that changes on a terminal, a line now and then anywhere else. */

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

/** Shows progress on a stream, such as `process.stderr`. */
export function progressOn(stream: NodeJS.WriteStream): Progress {
  const everyMs = stream.isTTY ? CHANGE_EVERY_MS : LINE_EVERY_MS;
  let shownAt = -Infinity;
  let isLineOpen = false;
  const write = (text: string): void => {
    if (isLineOpen) stream.write('\r\u001b[K');
    stream.write(text);
    isLineOpen = false;
  };
  return {
    step: (text) => {
      write(`${text}\n`);
      shownAt = performance.now();
    },
    at: (text) => {
      if (performance.now() - shownAt < everyMs) return;
      shownAt = performance.now();
      write(stream.isTTY ? text : `${text}\n`);
      isLineOpen = stream.isTTY;
    },
  };
}
