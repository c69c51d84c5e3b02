/**
 * The habits of the house that lint cannot see: where files lie, how they are named, how they open, and that what a
 * file exports says what it is.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import ts from 'typescript';
import { describe, expect, test } from 'vitest';

/** What is read of the lock file. */
interface Lock {
  readonly packages: Readonly<
    Record<string, { readonly optionalDependencies?: Readonly<Record<string, string>> }>
  >;
}

const root = join(import.meta.dirname, '../..');

const topLevel = [
  '.ci',
  '.dependency-cruiser.cjs',
  '.editorconfig',
  '.git',
  '.gitignore',
  '.npmrc',
  '.prettierignore',
  '.prettierrc',
  'ARCHITECTURE.md',
  'CHANGELOG.md',
  'CONTRIBUTING.md',
  'LICENSE',
  'README.md',
  'SECURITY.md',
  'actors',
  'clients',
  'docs',
  'eslint.config.js',
  'knip.json',
  'machines',
  'nats.conf',
  'nats-tls.conf',
  'package-lock.json',
  'package.json',
  'src',
  'test',
  'tools',
  'tsconfig.json',
  'vitest.config.ts',
];

const notKept = readFileSync(join(root, '.gitignore'), 'utf8')
  .split('\n')
  .filter((line) => line !== '')
  .map((line) => line.replace(/\/$/, ''));

const files = ['machines', 'actors', 'src', 'tools', 'test', 'docs'].flatMap((folder) =>
  readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1)),
);
const sources = files.filter((file) => /^(machines|actors|src|tools)\/.*\.tsx?$/.test(file));

describe('the house', () => {
  test('holds nothing at the top level that a newcomer does not expect', () => {
    const found = readdirSync(root).filter(
      (name) =>
        !notKept.some((pattern) =>
          pattern.startsWith('*') ? name.endsWith(pattern.slice(1)) : name === pattern,
        ),
    );
    expect(found.filter((name) => !topLevel.includes(name))).toEqual([]);
  });

  test('holds no loose files in a drawer: those of `src` and `test` stand in a folder that says what they are', () => {
    expect(files.filter((file) => /^(src|test)\/[^/]+$/.test(file))).toEqual([]);
  });

  test('names every file and folder in kebab-case', () => {
    const kebabCase = /^[a-z0-9]+(-[a-z0-9]+)*(\.[a-z0-9]+)+$|^[a-z0-9]+(-[a-z0-9]+)*$/;
    const migration = /^\d{4}_[a-z0-9-]+\.sql$/;
    const wrong = files.filter((file) =>
      file.split('/').some((part) => !kebabCase.test(part) && !migration.test(part)),
    );
    expect(wrong).toEqual([]);
  });

  test('writes C in files of snake_case, no longer than other sources', () => {
    const inC = readdirSync(join(root, 'clients'), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name));
    expect(
      inC.map((file) => basename(file)).filter((name) => !/^([a-z0-9_]+\.[ch]|\.clang-format)$/.test(name)),
    ).toEqual([]);
    const code = inC.filter((file) => /\.[ch]$/.test(file));
    const wrong = code.filter((file) => {
      const lines = readFileSync(file, 'utf8').split('\n');
      const isLong = lines.length > 400 && !file.includes('/test/');
      return !lines[0]?.startsWith('/*') || isLong || lines.some((line) => line.length > 110);
    });
    expect(wrong).toEqual([]);
  });

  test('has no drawer for odds and ends', () => {
    const drawers = /^(utils?|helpers?|common|misc|shared|lib|types)$/;
    const wrong = files.filter((file) =>
      file.split('/').some((part) => drawers.test(basename(part).replace(/\..*$/, ''))),
    );
    expect(wrong).toEqual([]);
  });

  test('lets every source file say first why it exists', () => {
    const silent = sources.filter((file) => !/^(#!.*\n)?\/[/*]/.test(readFileSync(join(root, file), 'utf8')));
    expect(silent).toEqual([]);
  });

  test('locks every package for every platform, and names no registry', () => {
    const lock = readFileSync(join(root, 'package-lock.json'), 'utf8');
    const packages = Object.entries((JSON.parse(lock) as Lock).packages);
    const locked = new Set(packages.map(([path]) => path.replace(/^.*node_modules\//, '')));
    const wanted = packages.flatMap(([, { optionalDependencies = {} }]) => Object.keys(optionalDependencies));
    expect(wanted.filter((name) => !locked.has(name))).toEqual([]);
    expect(lock).not.toContain('"resolved"');
  });

  test('has a docstring on everything it exports', () => {
    expect(sources.flatMap(undocumentedExports)).toEqual([]);
  });
});

/** `file:line name` of each exported declaration without a docstring. A type read off a documented value needs none. */
function undocumentedExports(file: string): string[] {
  const text = readFileSync(join(root, file), 'utf8');
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true);
  return source.statements
    .filter((statement) => ts.canHaveModifiers(statement))
    .filter((statement) =>
      ts.getModifiers(statement)?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword),
    )
    .filter(
      (statement) => !(ts.isTypeAliasDeclaration(statement) && /\btypeof\b/.test(statement.type.getText())),
    )
    .filter((statement) => ts.getJSDocCommentsAndTags(statement).length === 0)
    .map((statement) => {
      const line = source.getLineAndCharacterOfPosition(statement.getStart()).line + 1;
      return `${file}:${String(line)} ${statement.getText().split('\n', 1)[0] ?? ''}`;
    });
}
