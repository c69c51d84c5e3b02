/** Programs of this package that `corral` runs as they are: their output is its output, and their end is its end. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { projectFolder } from '../dev/project-folders.ts';

/** Runs a program with arguments, and resolves with its exit code. A Ctrl-C of the terminal reaches it too. */
export async function runProgram(file: string, args: readonly string[]): Promise<number> {
  const loader = fileURLToPath(import.meta.resolve('tsx'));
  const child = spawn(process.execPath, ['--import', loader, join(projectFolder, file), ...args], {
    stdio: 'inherit',
  });
  const ignore = (): void => undefined;
  process.on('SIGINT', ignore);
  const [code] = (await once(child, 'exit')) as [number | null];
  process.off('SIGINT', ignore);
  return code ?? 130;
}
