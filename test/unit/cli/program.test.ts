import { execFileSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import { bashScript, zshScript } from '../../../tools/cli/completion.ts';
import { corralProgram } from '../../../tools/cli/program.ts';

/** What `--help` of a command shows. */
function helpOf(name: string): string {
  const command = corralProgram().commands.find((one) => one.name() === name)!;
  let shown = '';
  command.configureOutput({ writeOut: (text) => void (shown += text) });
  command.outputHelp();
  return shown;
}

describe('the command line', () => {
  const names = corralProgram().commands.map((command) => command.name());

  test('has the commands that the README names', () => {
    expect(names).toEqual(
      expect.arrayContaining(
        'devices get watch history explain command ledger fleet nodes deadletters replay simulate conform bench doctor completion'.split(
          ' ',
        ),
      ),
    );
  });

  test.each(names)('shows an example of %s in its help', (name) => {
    expect(helpOf(name)).toMatch(/Examples?:\n {2}(corral|source)/);
  });
});

describe('completion', () => {
  const script = bashScript(corralProgram());
  const completed = (...words: string[]): string[] => {
    const line = words.map((word) => `'${word}'`).join(' ');
    const asked = `COMP_WORDS=(corral ${line}); COMP_CWORD=${String(words.length)}; _corral; echo "\${COMPREPLY[@]}"`;
    return execFileSync('bash', ['-c', `${script}\n${asked}`], { encoding: 'utf8' })
      .trim()
      .split(' ');
  };

  test('in bash knows commands, their options, and what an option takes', () => {
    expect(completed('dev')).toEqual(['devices']);
    expect(completed('history', '--re')).toEqual(['--reports']);
    expect(completed('replay', '--order', '')).toEqual(['backfill', 'fifo']);
    expect(completed('completion', '')).toContain('zsh');
  });

  test('in zsh says what each word means', () => {
    const zsh = zshScript(corralProgram());
    expect(zsh).toMatch(/^#compdef corral\n/);
    expect(zsh).toContain("'fleet:Count the devices by kind and known state.'");
    expect(zsh).toContain("'--order[what is delivered first");
  });
});
