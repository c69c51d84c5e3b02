/**
 * Loses single messages on their way from a NATS server to a client, as no network does and a faulty server or client might: the connection
 * stays as it is, and nobody is told.
 */
import { Transform } from 'node:stream';

const END_OF_LINE = '\r\n';

/** What a message's first line says: `MSG <subject> <sid> [reply] <bytes>`, and `HMSG` with the bytes of its headers before all bytes. */
export interface MessageLine {
  readonly subject: string;
  /** Empty where there is none. */
  readonly reply: string;
}

/** What is lost from now on, on all connections that pass its filters. */
export class MessageLoss {
  /** How many were lost. */
  lost = 0;
  #isLost: (line: MessageLine) => boolean = () => false;

  /** From now on whatever this is true for is lost. */
  lose(isLost: (line: MessageLine) => boolean): void {
    this.#isLost = isLost;
  }

  /** Nothing is lost any more. */
  stop(): void {
    this.#isLost = () => false;
  }

  /** What everything from the server passes on one connection. */
  filter(): Transform {
    const take = this.passing();
    return new Transform({
      transform(chunk: Buffer, _encoding, done) {
        done(null, take(chunk));
      },
    });
  }

  /** The same, call by call: what is not lost of what came on one connection, in whole operations of the protocol. */
  passing(): (bytes: Buffer) => Buffer {
    let rest = Buffer.alloc(0);
    return (chunk) => {
      rest = Buffer.concat([rest, chunk]);
      const passed: Buffer[] = [];
      for (let whole = this.#next(rest); whole !== null; whole = this.#next(rest)) {
        if (!whole.isLost) passed.push(rest.subarray(0, whole.bytes));
        rest = rest.subarray(whole.bytes);
      }
      return Buffer.concat(passed);
    };
  }

  /** The first operation of the protocol in these bytes, once it is there as a whole. */
  #next(bytes: Buffer): { readonly bytes: number; readonly isLost: boolean } | null {
    const end = bytes.indexOf(END_OF_LINE);
    if (end === -1) return null;
    const lineBytes = end + END_OF_LINE.length;
    const [operation = '', subject = '', ...rest] = bytes.toString('latin1', 0, end).split(' ');
    if (operation !== 'MSG' && operation !== 'HMSG') return { bytes: lineBytes, isLost: false };
    const sizes = operation === 'MSG' ? 1 : 2;
    const whole = lineBytes + Number(rest.at(-1)) + END_OF_LINE.length;
    if (bytes.length < whole) return null;
    const reply = rest.length > 1 + sizes ? rest[1]! : '';
    const isLost = this.#isLost({ subject, reply });
    if (isLost) this.lost += 1;
    return { bytes: whole, isLost };
  }
}
