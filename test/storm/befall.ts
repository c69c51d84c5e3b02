/**
 * Lets a trouble befall a way.
 */
import type { MessageLine, MessageLoss } from '../servers/message-loss.ts';
import type { Chance } from '../simulation/world/chance.ts';
import type { Trouble } from './trouble.ts';
import { DIRECTIONS, type Way } from './way.ts';

/** A way, and what is lost on it where NATS is spoken. */
export interface TroubledWay {
  readonly way: Way;
  readonly loss: MessageLoss;
}

const COMMIT = Buffer.from('\0commit ');

/** Lets it begin; the function that it returns ends it. */
export function befall({ way, loss }: TroubledWay, trouble: Trouble, chance: Chance): () => void {
  const { sort, direction, amount } = trouble;
  const directions = direction === null ? DIRECTIONS : [direction];
  const pass = (): void => way.set({ type: 'pass' }, directions);
  const open = (): void => way.receive('open');
  const lose = (isMeant: (line: MessageLine) => boolean): (() => void) => {
    loss.lose((line) => isMeant(line) && chance.hits(amount));
    return () => loss.stop();
  };
  switch (sort) {
    case 'cut':
      way.receive('refuse');
      way.reset();
      return open;
    case 'reset':
      way.reset();
      return () => undefined;
    case 'ended':
      way.end();
      return () => undefined;
    case 'half-cut':
      way.reset(direction === 'down' ? 'far' : 'near');
      return () => undefined;
    case 'freeze':
      way.set({ type: 'hold' }, directions);
      return pass;
    case 'delay':
      way.set({ type: 'delay', ms: amount }, directions);
      return pass;
    case 'dribble':
      way.set({ type: 'dribble' }, directions);
      return pass;
    case 'split':
      way.set({ type: 'split', draw: () => chance.unit() }, directions);
      return pass;
    case 'swallow':
      way.set({ type: 'swallow' }, directions);
      return () => {
        pass();
        way.reset();
      };
    case 'refuse':
      way.receive('refuse');
      return open;
    case 'mute':
      way.receive('mute');
      return open;
    case 'deliveries-lost':
      return lose(({ reply }) => reply.startsWith('$JS.ACK.'));
    case 'replies-lost':
      return lose(({ subject, reply }) => reply === '' && /inbox/i.test(subject));
    case 'requests-lost':
      return lose(({ subject }) => /^(owner|device)\./.test(subject));
    case 'commit-unanswered':
    case 'commit-unheard':
      way.trap({ said: COMMIT, arrives: sort === 'commit-unanswered' });
      // It is not taken away: whichever commit comes next runs into it.
      return () => undefined;
    case 'device-restarts':
    case 'node-restarts':
    case 'node-cut-off':
    case 'readers-leave':
    case 'hub-refuses':
      throw new Error(`${sort} befalls no way`);
  }
}
