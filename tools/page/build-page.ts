/**
 * Builds the page from `src/page` into `dist/page`, with everything it needs inside: a browser asks nobody but the node.
 */
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'vite';
import { PAGE_FOLDER } from '../../src/http/routes/page.ts';

const SOURCE_FOLDER = join(import.meta.dirname, '../../src/page');

/** Builds it. Rejects with the bundler's own error, which names the file and the line. */
export async function buildPage(): Promise<void> {
  await build({
    root: SOURCE_FOLDER,
    configFile: false,
    envFile: false,
    logLevel: 'error',
    oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
    build: { outDir: PAGE_FOLDER, emptyOutDir: true, target: 'es2023', assetsInlineLimit: 0 },
  });
}

/** Whether the built page is there and no older than any of its sources. */
export function isPageBuilt(): boolean {
  const built = join(PAGE_FOLDER, 'index.html');
  if (!existsSync(built)) return false;
  const builtAt = statSync(built).mtimeMs;
  // A file that was taken away shows in the time of its folder.
  const sources = readdirSync(SOURCE_FOLDER, { recursive: true, withFileTypes: true });
  return sources.every((entry) => statSync(join(entry.parentPath, entry.name)).mtimeMs <= builtAt);
}
