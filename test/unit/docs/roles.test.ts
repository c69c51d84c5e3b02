/** The page on who may do what names everybody whom the hub lets in, and is found by whoever looks for it. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { projectFolder } from '../../../tools/dev/project-folders.ts';

const textOf = (file: string): string => readFileSync(join(projectFolder, file), 'utf8');

describe('the page on roles', () => {
  const [, section = ''] = /^## Who may do what\n([^]*?)(?=^## )/m.exec(textOf('docs/operations.md')) ?? [];

  test('names every user of nats.conf', () => {
    const users = [...textOf('nats.conf').matchAll(/^ *\{ user: (\w+)/gm)].map(([, user = '']) => user);
    expect(users.length).toBeGreaterThan(5);
    expect(users.filter((user) => !section.includes(`\`${user}\``))).toEqual([]);
  });

  test('says what is not defended against, and how to report a weakness', () => {
    expect(section).toContain('### What is not defended against');
    expect(section).toContain('(../SECURITY.md)');
    expect(textOf('README.md')).toContain('(SECURITY.md)');
  });
});

describe('SECURITY.md', () => {
  test('names no address that nobody reads', () => {
    expect(textOf('SECURITY.md')).not.toMatch(/[\w.]+@[\w.]+/);
  });
});
