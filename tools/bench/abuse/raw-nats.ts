/** A NATS client that sends whatever bytes it is given, as no library would. */
import { connect, type Socket } from 'node:net';
import { once } from 'node:events';

/** A connection that has logged in. It is made anew when the server ends it. */
export class RawNats {
  readonly #url: URL;
  #socket: Socket | null = null;
  #isConnecting = false;

  constructor(url: string) {
    this.#url = new URL(url);
  }

  /** Sends protocol bytes; false while there is no connection (one is being made). */
  send(bytes: string | Buffer): boolean {
    if (this.#socket?.writable !== true) {
      void this.#connect();
      return false;
    }
    this.#socket.write(bytes);
    return true;
  }

  close(): void {
    this.#socket?.destroy();
  }

  async #connect(): Promise<void> {
    if (this.#isConnecting) return;
    this.#isConnecting = true;
    const { hostname, port, username: user, password: pass } = this.#url;
    const socket = connect(Number(port), hostname);
    socket.setEncoding('latin1');
    socket.on('error', () => undefined);
    socket.on('end', () => socket.destroy());
    socket.on('data', (text: string) => {
      if (text.includes('PING\r\n')) socket.write('PONG\r\n');
    });
    try {
      await once(socket, 'connect');
      const login = { user, pass, verbose: false, headers: true, no_responders: true, name: 'bench abuse' };
      socket.write(`CONNECT ${JSON.stringify(login)}\r\n`);
      this.#socket = socket;
    } catch {
      // The hub does not take it now: the next message tries again.
    } finally {
      this.#isConnecting = false;
    }
  }
}
