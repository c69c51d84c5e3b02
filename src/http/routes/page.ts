/**
 * The page for people. Its files are built from `src/page` into `dist/page` and served by the node itself; everything it shows it
 * asks over `/v1` like anybody else, so it needs no rights of its own.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fastifyStatic } from '@fastify/static';
import { Type } from '@sinclair/typebox';
import type { HttpApp } from '../context.ts';
import { Problem, problemResponses } from '../problem.ts';

/** Where the built page lies. */
export const PAGE_FOLDER = join(import.meta.dirname, '../../../dist/page');

/**
 * The page loads nothing from elsewhere and runs no script but its own. Inline styles are what the drawn statecharts are laid out with.
 */
const CONTENT_SECURITY_POLICY = [
  "default-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "object-src 'none'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

/** The files have their content's digest in their name, so a browser may keep them for ever. */
const ASSET_MAX_AGE = '365d';

/** Registers `/`, the addresses of the page's views, and `/assets`. Without a built page they answer how to build it. */
export function pageRoutes(app: HttpApp): void {
  const isBuilt = existsSync(join(PAGE_FOLDER, 'index.html'));
  if (isBuilt) void app.register(fastifyStatic, { root: PAGE_FOLDER, serve: false, index: false });
  else app.log.info('the page is not built, so / has nothing to show: npm run build:page');

  for (const url of ['/', '/devices/:device']) {
    app.get(
      url,
      { config: { access: 'public' }, schema: { hide: true, response: problemResponses } },
      async (_request, reply) => {
        if (!isBuilt) throw notBuilt();
        return reply
          .header('content-security-policy', CONTENT_SECURITY_POLICY)
          .header('x-content-type-options', 'nosniff')
          .header('referrer-policy', 'no-referrer')
          .sendFile('index.html', { cacheControl: false, lastModified: false });
      },
    );
  }

  const params = Type.Object({ file: Type.String({ pattern: '^[A-Za-z0-9_.-]{1,128}$' }) });
  app.get(
    '/assets/:file',
    { config: { access: 'public' }, schema: { hide: true, params, response: problemResponses } },
    async (request, reply) => {
      if (!isBuilt) throw notBuilt();
      const { file } = request.params;
      if (!existsSync(join(PAGE_FOLDER, 'assets', file))) {
        throw new Problem('unknown-route', `the page has no file ${file}`);
      }
      return reply
        .header('x-content-type-options', 'nosniff')
        .sendFile(`assets/${file}`, { immutable: true, maxAge: ASSET_MAX_AGE });
    },
  );
}

function notBuilt(): Problem {
  return new Problem(
    'unknown-route',
    'the page is not built; npm run build:page builds it, then start again',
  );
}
