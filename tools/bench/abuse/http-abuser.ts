/** Somebody who only reaches HTTP: holds event streams, drips, never ends bodies, and has machines drawn. */
import { type ClientRequest, request } from 'node:http';
import { connect, type Socket } from 'node:net';

/** Connections held at once; beyond it the oldest is given up. */
const HELD_MAX = 400;
/** Between two bytes of a connection that drips, ms. */
const DRIP_MS = 1_000;

/** See the head of this file. */
export class HttpAbuser {
  readonly #url: URL;
  readonly #held: { destroy(): void }[] = [];
  readonly #dripping = new Set<Socket>();
  readonly #timer: NodeJS.Timeout;

  constructor(url: string) {
    this.#url = new URL(url);
    this.#timer = setInterval(() => {
      for (const socket of this.#dripping) socket.write('x');
    }, DRIP_MS);
  }

  /** One abuse; which one, follows from its number. */
  abuse(number: number): void {
    const ways = [
      () => this.#hold(this.#get('/v1/events')),
      () => this.#drip('GET /v1/devices HTTP/1.1\r\nHost: localhost\r\nX-Drip: '),
      () =>
        this.#drip('POST /v1/devices/x/commands HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9999\r\n\r\n'),
      () => this.#hold(this.#get('/v1/kinds/charge-point/machine.svg')),
    ];
    ways[number % ways.length]?.();
  }

  close(): void {
    clearInterval(this.#timer);
    for (const held of this.#held) held.destroy();
  }

  #get(path: string): ClientRequest {
    const asked = request(new URL(path, this.#url), { agent: false }, (response) => response.resume());
    asked.on('error', () => undefined);
    asked.end();
    return asked;
  }

  #drip(head: string): void {
    const socket = connect(Number(this.#url.port), this.#url.hostname, () => socket.write(head));
    this.#dripping.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => this.#dripping.delete(socket));
    socket.resume();
    this.#hold(socket);
  }

  #hold(connection: { destroy(): void }): void {
    this.#held.push(connection);
    if (this.#held.length > HELD_MAX) this.#held.shift()?.destroy();
  }
}
