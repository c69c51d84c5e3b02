/** The C core as a process that is asked: one question a line, one answer a line. See `clients/c/test/corral_harness.c`. */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

/** Text or bytes as a word of a question. */
export const word = (content: string | Uint8Array): string => Buffer.from(content).toString('hex') || '-';

/** See the head of this file. */
export class CHarness {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #waiting: {
    readonly question: string;
    readonly resolve: (answer: string) => void;
    readonly reject: (error: Error) => void;
  }[] = [];
  readonly #ended: Promise<void>;
  #stderr = '';
  /** Why it ended, once it has. */
  #end: Error | null = null;

  constructor(program: string) {
    this.#child = spawn(program, { stdio: 'pipe' });
    this.#child.stderr.on('data', (data: Buffer) => (this.#stderr += data.toString()));
    // What is written to a process that has crashed is told by the questions that it leaves.
    this.#child.stdin.on('error', () => undefined);
    createInterface(this.#child.stdout).on('line', (line) => this.#waiting.shift()?.resolve(line));
    this.#ended = new Promise((resolve) => {
      this.#child.once('close', (code, signal) => {
        const [unanswered] = this.#waiting;
        const at = unanswered?.question.slice(0, 2_000) ?? '';
        this.#end = new Error(`it ended with ${String(code ?? signal)} at "${at}": ${this.#stderr}`);
        for (const { reject } of this.#waiting.splice(0)) reject(this.#end);
        resolve();
      });
    });
  }

  /** Tells of a part of a report, which is not answered. */
  tell(line: string): void {
    this.#child.stdin.write(`${line}\n`);
  }

  /** Asks. Rejects when the process ends instead, with what it wrote to standard error. */
  ask(question: string): Promise<string> {
    if (this.#end !== null) return Promise.reject(this.#end);
    return new Promise((resolve, reject) => {
      this.#waiting.push({ question, resolve, reject });
      this.#child.stdin.write(`${question}\n`);
    });
  }

  async end(): Promise<void> {
    this.#child.stdin.end();
    await this.#ended;
  }
}
