/**
 * A client of the hub that keeps no rule: it speaks the NATS protocol by hand and says whatever it is told to, well-formed or not.
 */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

const ANSWER_MS_MAX = 20_000;
/** So much of what the hub said last is kept, bytes. */
const HEARD_MAX = 4 * 1024 * 1024;

/** A message to be sent; `headers` is a whole block, as it stands on the wire. */
export interface RawMessage {
  readonly subject: string;
  readonly reply?: string;
  readonly headers?: string | Buffer;
  readonly payload?: string | Uint8Array;
}

/** One connection, as a user of the hub. */
export class RawClient {
  readonly #socket: Socket;
  #heard = Buffer.alloc(0);
  #onHeard: () => void = () => undefined;

  /** Connects with the credentials of `url`: `nats://backend:backend@127.0.0.1:4222`. */
  static async connect(url: string): Promise<RawClient> {
    const { hostname, port, username, password } = new URL(url);
    const socket = connect({ host: hostname, port: Number(port) });
    socket.setNoDelay(true);
    await once(socket, 'connect');
    const client = new RawClient(socket);
    const user = { user: username, pass: password, name: `raw ${username}` };
    await client.send(
      `CONNECT ${JSON.stringify({ ...user, verbose: false, headers: true, no_responders: true })}\r\n`,
    );
    if (!(await client.isHeard())) throw new Error(`the hub refused ${username}: ${client.heard}`);
    return client;
  }

  private constructor(socket: Socket) {
    this.#socket = socket;
    // A hub that hangs up on what it heard is what tests are about.
    socket.on('error', () => undefined);
    socket.on('data', (bytes) => {
      this.#heard = Buffer.concat([this.#heard, bytes]).subarray(-HEARD_MAX);
      // A client that leaves pings unanswered is taken for dead.
      if (bytes.includes('PING\r\n')) void this.send('PONG\r\n');
      this.#onHeard();
    });
    socket.on('close', () => this.#onHeard());
  }

  /** What the hub said, the last of it. */
  get heard(): string {
    return this.#heard.toString();
  }

  get isOpen(): boolean {
    return !this.#socket.destroyed && this.#socket.writable;
  }

  /** Sends bytes as they are; resolves when they have left. */
  send(bytes: string | Uint8Array): Promise<void> {
    return new Promise((resolve) => {
      if (this.isOpen) this.#socket.write(bytes, () => resolve());
      else resolve();
    });
  }

  /** Sends a message whose sizes are right. */
  publish(message: RawMessage): Promise<void> {
    return this.send(wireOf(message));
  }

  /** Resolves with true when the hub has handled all that was sent before, and with false when it has hung up. */
  async isHeard(): Promise<boolean> {
    const pong = await this.#until(
      'PONG',
      () => (this.#heard.includes('PONG\r\n') ? true : null),
      'PING\r\n',
    );
    this.#heard = Buffer.from(this.#heard.toString('latin1').replaceAll('PONG\r\n', ''), 'latin1');
    return pong === true;
  }

  /** The first match in what the hub said; fails when it hangs up, or does not say it in time. */
  async match(pattern: RegExp): Promise<RegExpExecArray> {
    const found = await this.#until(String(pattern), () => pattern.exec(this.heard));
    if (found === null) throw new Error(`the hub hung up before it said ${String(pattern)}: ${this.heard}`);
    return found;
  }

  close(): void {
    this.#socket.destroy();
  }

  /** Resolves with what `find` finds, or with `null` when the hub hangs up. */
  async #until<T>(what: string, find: () => T | null, say?: string): Promise<T | null> {
    if (say !== undefined) await this.send(say);
    return new Promise((resolve, reject) => {
      const giveUp = setTimeout(
        () => reject(new Error(`waited for ${what}; the hub said ${this.heard.slice(-500)}`)),
        ANSWER_MS_MAX,
      );
      this.#onHeard = () => {
        const found = find();
        if (found === null && this.isOpen) return;
        clearTimeout(giveUp);
        this.#onHeard = () => undefined;
        resolve(found);
      };
      this.#onHeard();
    });
  }
}

/** The bytes of a message whose sizes are right. */
export function wireOf({ subject, reply = '', headers, payload = '' }: RawMessage): Buffer {
  const body = Buffer.from(payload);
  const block = Buffer.from(headers ?? '');
  const to = reply === '' ? subject : `${subject} ${reply}`;
  const line =
    headers === undefined
      ? `PUB ${to} ${String(body.length)}\r\n`
      : `HPUB ${to} ${String(block.length)} ${String(block.length + body.length)}\r\n`;
  return Buffer.concat([Buffer.from(line), block, body, Buffer.from('\r\n')]);
}
