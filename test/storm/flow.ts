/**
 * One direction of one connection, through which bytes pass in a manner that changes while they do. What TCP promises is kept: as long as
 * the connection lives, bytes come in their order, each once, none left out; how late, and in what pieces, is nobody's promise.
 *
 * Invariants:
 * I1  what comes out is a prefix of what went in; where something was swallowed nothing follows it, ever.
 * I2  the end of the source is passed on behind all its bytes.
 */
import type { Socket } from 'node:net';

/** How bytes pass. */
export type Manner =
  | { readonly type: 'pass' }
  /** Not at all for now. */
  | { readonly type: 'hold' }
  /** Each piece this long after it came, ms. */
  | { readonly type: 'delay'; readonly ms: number }
  /** One by one. */
  | { readonly type: 'dribble' }
  /** In pieces that end where no writer ended one; `draw` is from 0 to below 1. */
  | { readonly type: 'split'; readonly draw: () => number }
  /** Never: whoever sends them may believe that they arrived. */
  | { readonly type: 'swallow' };

/** Of each piece so many bytes dribble one by one, and the rest follows at once: a megabyte by the byte would only be slow. */
const DRIBBLED_BYTES_MAX = 200;
/** Held before the source is not read any more, bytes: it then feels that nobody takes anything. */
const HELD_BYTES_MAX = 256 * 1024;

/** See the head of this file. */
export class Flow {
  readonly #from: Socket;
  readonly #to: Socket;
  /** What is made of bytes before they pass. */
  readonly #filter: (bytes: Buffer) => Buffer;
  #manner: Manner = { type: 'pass' };
  #held: { readonly bytes: Buffer; readonly at: number }[] = [];
  #heldBytes = 0;
  #hasEnded = false;
  #hasLost = false;
  #isPumping = false;

  constructor(from: Socket, to: Socket, filter: (bytes: Buffer) => Buffer = (bytes) => bytes) {
    this.#from = from;
    this.#to = to;
    this.#filter = filter;
    from.on('data', (bytes: Buffer) => this.#take(bytes));
    from.on('end', () => {
      this.#hasEnded = true;
      this.#pump();
    });
  }

  /** Something was swallowed: nothing passes any more. */
  get hasLost(): boolean {
    return this.#hasLost;
  }

  /** From now on bytes pass like this, those that are held too. */
  set(manner: Manner): void {
    this.#manner = manner;
    if (manner.type === 'swallow') this.#hasLost = true;
    this.#pump();
  }

  #take(bytes: Buffer): void {
    const kept = this.#filter(bytes);
    if (kept.length === 0) return;
    this.#held.push({ bytes: kept, at: performance.now() });
    this.#heldBytes += kept.length;
    if (this.#heldBytes > HELD_BYTES_MAX) this.#from.pause();
    this.#pump();
  }

  #pump(): void {
    if (!this.#isPumping) void this.#pumpAll();
  }

  /** It has ended as soon as it finds nothing more to do: whoever brings something in the same moment has to begin it anew. */
  async #pumpAll(): Promise<void> {
    this.#isPumping = true;
    while (this.#manner.type !== 'hold' || this.#hasLost) {
      const piece = this.#held[0];
      if (piece === undefined) break;
      const dueMs = this.#manner.type === 'delay' ? piece.at + this.#manner.ms - performance.now() : 0;
      if (dueMs > 0) {
        // Looked at again and again, because the manner may change meanwhile.
        await pause(Math.min(dueMs, 10));
        continue;
      }
      this.#held.shift();
      this.#heldBytes -= piece.bytes.length;
      if (!this.#hasLost) await this.#pass(piece.bytes);
      if (this.#heldBytes <= HELD_BYTES_MAX) this.#from.resume();
    }
    this.#isPumping = false;
    if (this.#hasEnded && this.#held.length === 0 && !this.#hasLost) this.#to.end();
  }

  async #pass(bytes: Buffer): Promise<void> {
    const manner = this.#manner;
    if (manner.type === 'dribble') {
      const slow = Math.min(bytes.length, DRIBBLED_BYTES_MAX);
      for (let at = 0; at < slow; at += 1) {
        this.#write(bytes.subarray(at, at + 1));
        await turn();
        // What begins to be swallowed in the middle is swallowed from there on.
        if (this.#hasLost) return;
      }
      if (slow < bytes.length) this.#write(bytes.subarray(slow));
    } else if (manner.type === 'split' && bytes.length > 1) {
      const at = 1 + Math.floor(manner.draw() * (bytes.length - 1));
      this.#write(bytes.subarray(0, at));
      await pause(2);
      if (!this.#hasLost) this.#write(bytes.subarray(at));
    } else this.#write(bytes);
  }

  #write(bytes: Buffer): void {
    if (this.#to.writable) this.#to.write(bytes);
  }
}

function turn(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve));
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => void setTimeout(resolve, ms));
}
