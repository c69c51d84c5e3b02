/**
 * A process of a bench: what is measured runs by itself, so that its CPU time and memory are its own. It is told what to do by
 * messages of its parent, answers with news, and ends when it is told to.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { CommandLineError } from '../cli/command-line-error.ts';

/** Anything told: `type` says what. */
interface News {
  readonly type: string;
}

/** What is started. */
export interface BenchProcessOptions {
  /** A command of `tools/bench.ts` that people do not see. */
  readonly command: string;
  /** Options of Node. */
  readonly nodeOptions?: readonly string[];
}

/** A process at work. */
export class BenchProcess<Told extends News> {
  readonly #child: ChildProcess;
  readonly #command: string;
  readonly #exited: Promise<void>;
  readonly #told: Told[] = [];
  readonly #listeners = new Set<() => void>();
  #failure: string | null = null;

  constructor({ command, nodeOptions = [] }: BenchProcessOptions) {
    this.#command = command;
    this.#child = fork(fileURLToPath(new URL('../bench.ts', import.meta.url)), [command], {
      execArgv: ['--import', 'tsx', ...nodeOptions],
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    this.#exited = new Promise<void>((resolve) => {
      this.#child.once('exit', (code) => {
        this.#failure = `ended with code ${String(code)} before it was done`;
        this.#announce();
        resolve();
      });
    });
    this.#child.on('message', (message) => {
      this.#told.push(message as Told);
      this.#announce();
    });
  }

  /** Process id. */
  get pid(): number {
    return this.#child.pid ?? 0;
  }

  tell(message: object | string): void {
    this.#child.send(message);
  }

  /** The next news of a type; rejects when the process ends, or says nothing of the sort within `timeoutMs`. */
  async hear<Type extends Told['type']>(
    type: Type,
    timeoutMs: number,
  ): Promise<Extract<Told, { readonly type: Type }>> {
    const giveUpAt = performance.now() + timeoutMs;
    for (;;) {
      const index = this.#told.findIndex((news) => news.type === type);
      const [news] = index === -1 ? [] : this.#told.splice(index, 1);
      if (news !== undefined) return news as Extract<Told, { readonly type: Type }>;
      if (this.#failure !== null)
        throw new CommandLineError(`The process ${this.#command} ${this.#failure}.`);
      const leftMs = giveUpAt - performance.now();
      if (leftMs <= 0) {
        const seconds = String(timeoutMs / 1_000);
        throw new CommandLineError(`The process ${this.#command} did not say "${type}" within ${seconds} s.`);
      }
      await this.#more(leftMs);
    }
  }

  /** Resolves when something has been told, or the process has ended, or time is up. */
  #more(timeoutMs: number): Promise<void> {
    return new Promise((resolve) => {
      const hear = (): void => {
        clearTimeout(timer);
        this.#listeners.delete(hear);
        resolve();
      };
      const timer = setTimeout(hear, timeoutMs);
      this.#listeners.add(hear);
    });
  }

  #announce(): void {
    for (const hear of [...this.#listeners]) hear();
  }

  /** Lets it end in order; resolves when it has. */
  async end(): Promise<void> {
    if (this.#child.connected) this.tell('stop');
    await this.#exited;
  }

  /** Ends it, in whatever state it is. Does nothing when it has ended. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#exited;
  }
}

/** In the process itself: the next message of the parent. */
export function nextMessage<Message>(): Promise<Message> {
  return new Promise((resolve) => process.once('message', (message) => resolve(message as Message)));
}

/** In the process itself: its work is done, and it ends when nothing is left to do. */
export function endProcess(): void {
  process.removeAllListeners('disconnect');
  process.disconnect();
}
