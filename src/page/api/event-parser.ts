/**
 * The text format of server-sent events (HTML, section 9.2.6): lines of `field: value`, and an empty line ends an event.
 */

/** One event; `data` is JSON. */
export interface StreamEvent {
  readonly event: string;
  readonly data: unknown;
}

/** Reads a stream piece by piece, however it was cut; `onEvent` is given each event with the last id that was told. */
export class EventParser {
  readonly #onEvent: (event: StreamEvent, id: string | null) => void;
  #rest = '';
  #name = 'message';
  #data: string[] = [];
  #id: string | null = null;

  constructor(onEvent: (event: StreamEvent, id: string | null) => void) {
    this.#onEvent = onEvent;
  }

  /** Takes the next piece of text. */
  push(text: string): void {
    const lines = (this.#rest + text).split(/\r?\n/);
    this.#rest = lines.pop() ?? '';
    for (const line of lines) this.#line(line);
  }

  #line(line: string): void {
    if (line === '') {
      this.#end();
      return;
    }
    const colon = line.indexOf(':');
    if (colon === 0) return;
    const field = colon === -1 ? line : line.slice(0, colon);
    const value = colon === -1 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (field === 'event') this.#name = value;
    else if (field === 'data') this.#data.push(value);
    else if (field === 'id') this.#id = value;
  }

  #end(): void {
    const name = this.#name;
    const data = this.#data;
    this.#name = 'message';
    this.#data = [];
    if (data.length === 0) return;
    this.#onEvent({ event: name, data: JSON.parse(data.join('\n')) as unknown }, this.#id);
  }
}
