/**
 * A leaf that keeps no rule: it speaks the leaf protocol by hand and says whatever it is told to, so that only the hub
 * stands between it and the fleet. A real leaf's server checks permissions itself and would hide what the hub does.
 */
import { connect } from 'node:net';

/** Whose credentials a hostile leaf has, and what it does with them. */
export interface HostileLeaf {
  /** `host:port` of the hub's leaf listener. */
  readonly address: string;
  readonly user: string;
  readonly password: string;
  /** Protocol lines, for instance `LMSG device.x.report 2\r\n{}`. */
  readonly says: readonly string[];
  /** Happens after the hub has heard all of it, while the leaf listens on. */
  readonly meanwhile?: () => Promise<void>;
  /** What it says after that. */
  readonly saysThen?: readonly string[];
}

/** What became of it. */
export interface HostileVisit {
  /** All that the hub sent. */
  readonly heard: string;
  /** Whether the hub ended the connection before the leaf did. */
  readonly isThrownOut: boolean;
}

const answerTimeoutMs = 10_000;

/**
 * Connects, says its lines, and listens until the hub has hung up or has answered a PING that was sent after all the
 * rest: the hub handles what a connection says in order, so nothing is still to come then.
 */
export function visitAsLeaf(leaf: HostileLeaf): Promise<HostileVisit> {
  const [host = '', port = ''] = leaf.address.split(':');
  const socket = connect({ host, port: Number(port) });
  let heard = '';
  let stage: 'greeted' | 'saying' | 'listening' | 'leaving' = 'greeted';
  const say = (...lines: readonly string[]): void => {
    for (const line of lines) socket.write(`${line}\r\n`);
  };
  const listenOn = async (): Promise<void> => {
    await leaf.meanwhile?.();
    say(...(leaf.saysThen ?? []), 'PING');
  };
  return new Promise((resolve, reject) => {
    socket.setEncoding('utf8');
    socket.setTimeout(answerTimeoutMs, () => {
      socket.destroy();
      reject(new Error(`the hub did not answer a leaf within ${answerTimeoutMs} ms; it said: ${heard}`));
    });
    socket.on('error', () => undefined);
    socket.on('close', () => resolve({ heard, isThrownOut: stage !== 'leaving' }));
    socket.on('data', (text: string) => {
      heard += text;
      const pongs = heard.split('PONG\r\n').length - 1;
      if (stage === 'greeted' && heard.includes('\r\n')) {
        stage = 'saying';
        say(introduction(leaf), ...leaf.says, 'PING');
      } else if (stage === 'saying' && pongs === 1) {
        stage = 'listening';
        listenOn().catch(reject);
      } else if (stage === 'listening' && pongs === 2) {
        stage = 'leaving';
        socket.end();
      }
    });
  });
}

function introduction({ user, password }: HostileLeaf): string {
  return `CONNECT ${JSON.stringify({ user, pass: password, name: 'hostile', version: '2.15.1', headers: true })}`;
}
