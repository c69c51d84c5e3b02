/** The documents hang together: what they link to is there, and the commands they show exist. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { corralProgram } from '../../../tools/cli/program.ts';
import { projectFolder } from '../../../tools/dev/project-folders.ts';

const documents = [projectFolder, join(projectFolder, 'docs')].flatMap((folder) =>
  readdirSync(folder)
    .filter((name) => name.endsWith('.md'))
    .map((name) => join(folder, name)),
);

describe.each(documents.map((file) => [file.slice(projectFolder.length), file]))('%s', (_name, file) => {
  const text = readFileSync(file, 'utf8');

  test('links to files that are there', () => {
    const links = [...text.matchAll(/\]\(([^)#:\s]+)(#[^)]*)?\)/g)].map(([, link = '']) => link);
    expect(links.filter((link) => !existsSync(join(dirname(file), link)))).toEqual([]);
  });

  test('shows only commands that exist', () => {
    const known = corralProgram().commands.map((command) => command.name());
    const shown = [...text.matchAll(/^(?:\$ )?(?:npm run corral --|corral) ([a-z][a-z-]*)/gm)].map(
      ([, command = '']) => command,
    );
    expect(shown.filter((command) => !known.includes(command))).toEqual([]);
  });
});
