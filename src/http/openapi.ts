/**
 * The description of the interface as OpenAPI 3.1, made of the schemas by which requests are read and answers written: so it says what
 * is so. It is served as `/openapi.json`, and as a page on which everything can be tried at `/docs`, from this node alone.
 */
import { fastifySwagger } from '@fastify/swagger';
import { fastifySwaggerUi } from '@fastify/swagger-ui';
import { declareAll } from './access.ts';
import type { HttpApp } from './context.ts';

/** What this version of the interface is called. */
const VERSION = '1.0.0';

const DESCRIPTION =
  'What Corral knows of every device, how old that is, why it is so, and what it was. Times are RFC 3339 in UTC; durations and errors ' +
  'are in milliseconds, with the unit in their name; `null` is a thing known to be absent. Errors are problem details (RFC 9457) with ' +
  'a stable `code`. Lists are read page by page: `next` is the path of the next page.';

const TAGS = [
  { name: 'devices', description: 'What is known of devices now, and what they were' },
  { name: 'commands', description: 'The ledger of commands, and commanding' },
  { name: 'events', description: 'What becomes known, as it does' },
  { name: 'fleet', description: 'The fleet as a whole' },
  { name: 'kinds', description: 'What kinds of devices there are' },
  { name: 'operation', description: 'For whoever runs the nodes' },
];

/** Collects the schemas of the routes that are registered after it. */
export async function collectOpenApi(app: HttpApp): Promise<void> {
  await app.register(fastifySwagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Corral',
        version: VERSION,
        description: DESCRIPTION,
        license: { name: 'MIT', identifier: 'MIT' },
      },
      servers: [{ url: '/', description: 'the node that serves this' }],
      tags: TAGS,
      components: {
        securitySchemes: {
          bearer: {
            type: 'http',
            scheme: 'bearer',
            description: 'a token that may read, or one that may operate',
          },
        },
      },
      security: [{}, { bearer: [] }],
    },
  });
  await app.register(async (scope: HttpApp) => {
    declareAll(scope, 'public');
    await scope.register(fastifySwaggerUi, {
      routePrefix: '/docs',
      staticCSP: true,
      theme: { title: 'Corral: HTTP' },
      // Without this the page would send the description to a validator of its makers.
      uiConfig: { validatorUrl: null, deepLinking: true, tryItOutEnabled: true },
    });
  });
  app.get('/openapi.json', { config: { access: 'public' }, schema: { hide: true } }, async () =>
    app.swagger(),
  );
}
