/** Writes results to stdout, no faster than they are read. */
import { once } from 'node:events';

/** Writes text and ends the line. */
export async function print(text: string): Promise<void> {
  if (!process.stdout.write(`${text}\n`)) await once(process.stdout, 'drain');
}

/** Writes one line of JSON. */
export async function printJson(value: unknown): Promise<void> {
  await print(JSON.stringify(value));
}

/** Lets a reader who has seen enough (`| head`) end the program quietly. */
export function endWithReader(): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    process.exit();
  });
}
