/** The programs that npm runs: what is wrong on their command line is one sentence, and never a stack. */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { projectFolder } from '../../tools/dev/project-folders.ts';

interface End {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

const { scripts } = JSON.parse(readFileSync(join(projectFolder, 'package.json'), 'utf8')) as {
  readonly scripts: Readonly<Record<string, string>>;
};

/** The scripts that are programs of ours, and their files. */
const PROGRAMS = Object.entries(scripts).flatMap(([name, command]) => {
  const [, file] = /^node --import tsx (\S+)$/.exec(command) ?? [];
  return file === undefined ? [] : [{ name, file }];
});

function run(name: string, ...args: readonly string[]): Promise<End> {
  const { file } = PROGRAMS.find((program) => program.name === name)!;
  const words = ['--import', 'tsx', file, ...args];
  return new Promise((resolve) => {
    execFile(process.execPath, words, { cwd: projectFolder }, (error, stdout, stderr) =>
      resolve({ code: Number(error?.code ?? 0), stdout, stderr }),
    );
  });
}

describe('a program that npm runs', () => {
  test.each(PROGRAMS)('reads its command line in the one way that says what is wrong: $name', ({ file }) => {
    const source = readFileSync(join(projectFolder, file), 'utf8');
    // `corral` has the same of its own, and a node has no command line; both are tried.
    const own = ['tools/corral.ts', 'src/app/main.ts'];
    expect(own.includes(file) || source.includes('npmProgram(')).toBe(true);
    expect(source).not.toContain('parseArgs');
  });

  test.each([
    ['docs', ['--wrong-option'], 2, "error: unknown option '--wrong-option'"],
    ['simulate:servers', ['--hours', 'many'], 2, "argument 'many' is invalid. It is a number above 0."],
    ['serve', ['--http-port', '1'], 1, 'npm run serve takes no arguments, and was given --http-port: its'],
  ] as const)('says in one sentence what is wrong: %s %j', async (name, args, code, sentence) => {
    const end = await run(name, ...args);
    expect(end).toMatchObject({ code, stdout: '' });
    expect(end.stderr).toContain(sentence);
    expect(end.stderr).not.toMatch(/^\s+at /m);
    expect(end.stderr.trim().split('\n').length).toBeLessThanOrEqual(2);
  });

  test('tells with --help how it is used', async () => {
    const { code, stdout } = await run('simulate', '--help');
    expect(code).toBe(0);
    expect(stdout).toMatch(/^Usage: npm run simulate -- \[options\]/);
    expect(stdout).not.toContain('--worker');
  });
});
