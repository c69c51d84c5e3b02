/** The example device in C as a process that comes back whenever it is killed, as a device does when its power is back. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Encoding } from '../../src/wire/codec.ts';

/** Which device, where. */
export interface CDeviceOptions {
  /** Built of `exampleSources`. */
  readonly program: string;
  readonly device: string;
  /** `host:port`. */
  readonly server: string;
  readonly memoryFile: string;
  readonly encoding: Encoding;
  readonly login?: { readonly user: string; readonly password: string };
}

/** See the head of this file. */
export class CDevice {
  readonly #options: CDeviceOptions;
  #child: ChildProcess | null = null;
  #isWanted = true;
  #stderr = '';
  readonly #kept: Promise<void>;

  constructor(options: CDeviceOptions) {
    this.#options = options;
    this.#kept = this.#keep();
  }

  /** What it has written to standard error: with sanitizers, what they found. */
  get stderr(): string {
    return this.#stderr;
  }

  /** `kill -9`; resolves when the process has ended. It is started again at once. */
  kill = async (): Promise<void> => {
    const child = this.#child;
    if (child?.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  };

  /** Kills it for good. */
  async end(): Promise<void> {
    this.#isWanted = false;
    await this.kill();
    await this.#kept;
  }

  async #keep(): Promise<void> {
    const { program, device, server, memoryFile, encoding, login } = this.#options;
    const args = ['--device', device, '--server', server, '--memory', memoryFile];
    if (encoding === 'json') args.push('--json');
    if (login !== undefined) args.push('--user', login.user);
    const env = { ...process.env, CORRAL_PASSWORD: login?.password ?? '' };
    while (this.#isWanted) {
      const child = spawn(program, args, { env, stdio: ['ignore', 'ignore', 'pipe'] });
      child.stderr.on('data', (data: Buffer) => (this.#stderr += data.toString()));
      this.#child = child;
      await once(child, 'close');
    }
  }
}
