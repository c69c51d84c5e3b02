/**
 * The interface describes itself as OpenAPI: a linter finds nothing against it, and a client that is generated from it works.
 */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { commitLives, fleet } from './http-fleet.ts';
import { type HttpNode, httpOver, StandingClock } from './http-node.ts';
import { memory, type OpenStore } from './http-stores.ts';

const run = promisify(execFile);
const modules = join(import.meta.dirname, '../../node_modules');
/** Neither the linter nor the generator is to ask anybody anything. */
const OFFLINE = {
  ...process.env,
  REDOCLY_TELEMETRY: 'off',
  REDOCLY_SUPPRESS_UPDATE_NOTICE: 'true',
  NO_COLOR: '1',
};

/** Uses the interface as a program would that knows of it only by its description. */
const CLIENT = `
import createClient from 'openapi-fetch';
import type { paths } from './schema.ts';

const client = createClient<paths>({ baseUrl: process.argv[2] ?? '' });
const list = await client.GET('/v1/devices', { params: { query: { kind: 'charge-point', sort: 'since', limit: 1, total: true } } });
const first = list.data?.devices[0];
const device = first?.device ?? '';
const twin = await client.GET('/v1/devices/{device}', { params: { path: { device } } });
const why = await client.GET('/v1/devices/{device}/explain', { params: { path: { device } } });
const nobody = await client.GET('/v1/devices/{device}', { params: { path: { device: 'nobody' } } });
const refused = await client.POST('/v1/devices/{device}/commands', {
  params: { path: { device }, query: { waitMs: 0 } },
  body: { name: 'reserve', args: { holdMs: 60_000 } },
});
const state: string | undefined = twin.data?.state;
const sentence: string | undefined = why.data?.summary[0];
console.log(JSON.stringify({
  device, state, sentence,
  total: list.data?.total,
  nobody: nobody.error?.code,
  refused: refused.error?.code,
}));
`;

describe('the description of the interface', () => {
  let opened: OpenStore;
  let node: HttpNode;
  let url: string;
  const folder = mkdtempSync(join(tmpdir(), 'corral-openapi-'));

  beforeAll(async () => {
    opened = await memory.open(new StandingClock());
    await commitLives(opened.store, fleet);
    node = await httpOver(opened.store, opened.clock);
    url = await node.app.listen({ host: '127.0.0.1', port: 0 });
    const description = await (await fetch(`${url}/openapi.json`)).text();
    writeFileSync(join(folder, 'openapi.json'), description);
    writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
    symlinkSync(modules, join(folder, 'node_modules'));
  });
  afterAll(async () => {
    await node.app.close();
    await opened.end();
    rmSync(folder, { recursive: true });
  });

  test('is OpenAPI 3.1, and names every resource but those of the page', async () => {
    const { openapi, paths } = (await (await fetch(`${url}/openapi.json`)).json()) as {
      readonly openapi: string;
      readonly paths: Readonly<Record<string, unknown>>;
    };
    expect(openapi).toBe('3.1.0');
    expect(Object.keys(paths)).toEqual(
      expect.arrayContaining(['/v1/devices', '/v1/devices/{device}/commands/{id}', '/v1/events', '/metrics']),
    );
    expect(
      Object.keys(paths).filter((path) => !/^\/(v1|healthz|readyz|metrics|problems)/.test(path)),
    ).toEqual([]);
  });

  test('passes a linter', async () => {
    const cli = join(modules, '@redocly/cli/bin/cli.js');
    const lint = ['lint', 'openapi.json', '--extends', 'recommended', '--format', 'stylish'];
    const { stdout, stderr } = await run(process.execPath, [cli, ...lint], {
      cwd: folder,
      env: OFFLINE,
    }).catch((error: unknown) => error as { readonly stdout: string; readonly stderr: string });
    expect(`${stdout}${stderr}`).toMatch(/Your API description is valid/);
    expect(`${stdout}${stderr}`).not.toMatch(/^ +\d+:\d+ +(warning|error)/m);
  }, 60_000);

  test('is enough to generate a client that works', async () => {
    const generator = join(modules, 'openapi-typescript/bin/cli.js');
    await run(process.execPath, [generator, 'openapi.json', '-o', 'schema.ts'], {
      cwd: folder,
      env: OFFLINE,
    });
    writeFileSync(join(folder, 'client.ts'), CLIENT);
    const compiler = join(modules, 'typescript/bin/tsc');
    const strict =
      '--noEmit --strict --target es2022 --module nodenext --allowImportingTsExtensions --types node';
    await run(process.execPath, [compiler, ...strict.split(' '), 'client.ts'], { cwd: folder }).catch(
      (error: unknown) => {
        throw new Error(`the client does not fit the description: ${(error as { stdout: string }).stdout}`);
      },
    );
    const tsx = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href;
    const { stdout } = await run(process.execPath, ['--import', tsx, 'client.ts', url], { cwd: folder });
    expect(JSON.parse(stdout)).toEqual({
      device: 'cp-001',
      state: 'charging',
      total: 2,
      nobody: 'unknown-device',
      refused: 'unauthorized',
      sentence: expect.stringMatching(/^cp-001 is charging/) as string,
    });
  }, 120_000);

  test('is shown on a page that loads nothing from elsewhere', async () => {
    const response = await fetch(`${url}/docs/`);
    expect(response.status).toBe(200);
    const page = await response.text();
    const assets = [...page.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, asset]) => asset ?? '');
    expect(assets.length).toBeGreaterThan(3);
    for (const asset of assets) {
      expect(asset).toMatch(/^\.?\//);
      expect((await fetch(new URL(asset, `${url}/docs/`))).status, asset).toBe(200);
    }
    expect(response.headers.get('content-security-policy')).toContain("default-src 'self'");
  });
});
