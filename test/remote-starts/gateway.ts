/** A gateway's process, as whoever started it sees it. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { projectFolder } from '../../tools/dev/project-folders.ts';
import type { GatewayTask, GatewayWord } from './gateway-process.ts';
import type { Truth } from './truth.ts';

/** So much of what it said last is quoted where it fails. */
const QUOTED_CHARACTERS = 2_000;

/** A gateway that runs. */
export interface Gateway {
  /** Resolves with what really happened, when the hub has acknowledged all that is to be said; the process has ended then. */
  readonly end: () => Promise<readonly Truth[]>;
  /** Ends it at once, when it still runs. */
  readonly kill: () => Promise<void>;
}

/** Starts a gateway; each of its charge points has made its first report when this resolves. */
export async function startGateway(task: GatewayTask): Promise<Gateway> {
  const child = fork(join(projectFolder, 'test/remote-starts/gateway-process.ts'), [JSON.stringify(task)], {
    cwd: projectFolder,
    execArgv: ['--import', 'tsx'],
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  let said = '';
  const listen = (text: string): void => {
    said = (said + text).slice(-QUOTED_CHARACTERS);
  };
  child.stdout?.setEncoding('utf8').on('data', listen);
  child.stderr?.setEncoding('utf8').on('data', listen);
  const exit = once(child, 'exit');
  const failed = exit.then(() =>
    Promise.reject(new Error(`the gateway has ended; the last it said: ${said}`)),
  );
  failed.catch(() => undefined);
  const truths: Truth[] = [];
  const until = (type: GatewayWord['type']): Promise<void> =>
    new Promise((resolve) => {
      const hear = (message: unknown): void => {
        if ((message as GatewayWord).type !== type) return;
        child.off('message', hear);
        resolve();
      };
      child.on('message', hear);
    });
  child.on('message', (message: unknown) => {
    const word = message as GatewayWord;
    if (word.type === 'truth') truths.push(word.truth);
  });
  await Promise.race([until('begun'), failed]);
  return {
    end: async () => {
      const over = until('over');
      child.send('end');
      await Promise.race([over, failed]);
      child.disconnect();
      await exit;
      return truths;
    },
    kill: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill('SIGKILL');
      await exit;
    },
  };
}
