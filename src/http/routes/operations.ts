/**
 * For whoever runs the node: is the process alive, can it do its work, what does it count.
 */
import { Type } from '@sinclair/typebox';
import type { HttpApp, HttpContext } from '../context.ts';
import { withDeadline } from '../deadline.ts';
import { type HealthPart, READY_WAIT_MS } from '../health.ts';
import { Problem, problemResponses } from '../problem.ts';
import { ReadinessLog } from '../readiness-log.ts';

const HealthPartSchema = Type.Object({
  part: Type.String(),
  ok: Type.Boolean(),
  detail: Type.String(),
  standsBy: Type.Optional(
    Type.Literal(true, { description: 'it has nothing to do because other nodes do it, and is whole' }),
  ),
});

const ReadinessSchema = Type.Object({
  status: Type.Union([Type.Literal('ready'), Type.Literal('standby')], {
    description: '`standby`: other nodes own everything, and it takes over when one of them dies',
  }),
  parts: Type.Array(HealthPartSchema),
});

/** Registers `/healthz`, `/readyz` and `/metrics`. */
export function operationRoutes(app: HttpApp, context: HttpContext): void {
  const changes = new ReadinessLog(context.clock);
  app.get(
    '/healthz',
    {
      config: { access: 'public', isProbe: true },
      schema: {
        operationId: 'getHealth',
        summary: 'Whether the process is alive',
        tags: ['operation'],
        response: { 200: Type.Object({ status: Type.Literal('alive') }), ...problemResponses },
      },
    },
    async () => ({ status: 'alive' as const }),
  );

  app.get(
    '/readyz',
    {
      config: { access: 'public', isProbe: true },
      schema: {
        operationId: 'getReadiness',
        summary: 'Whether the node can do its work',
        tags: ['operation'],
        response: {
          200: ReadinessSchema,
          ...problemResponses,
        },
      },
    },
    async ({ log }) => {
      const parts = [...(await checkInTime(context))];
      const wrong = parts.filter(({ ok }) => !ok);
      if (wrong.length > 0) {
        const detail = wrong.map(({ part, detail: how }) => `${part}: ${how}`).join('; ');
        changes.isNot(log, detail);
        throw new Problem('not-ready', detail, { extensions: { parts } });
      }
      const status = parts.some(({ standsBy }) => standsBy === true)
        ? ('standby' as const)
        : ('ready' as const);
      changes.is(log, status);
      return { status, parts };
    },
  );

  app.get(
    '/metrics',
    {
      config: { access: 'read' },
      schema: {
        operationId: 'getMetrics',
        summary: 'What the node counts, for Prometheus',
        tags: ['operation'],
        response: {
          200: { description: 'metrics', content: { 'text/plain': { schema: Type.String() } } },
          ...problemResponses,
        },
      },
    },
    async (_request, reply) => {
      const text = await context.metrics.metrics();
      return reply.type(context.metrics.contentType).send(text);
    },
  );
}

/** A check that hangs is an answer: the node waits for something, so it is not ready. */
async function checkInTime({ health, clock }: HttpContext): Promise<readonly HealthPart[]> {
  return withDeadline({
    clock,
    limitMs: READY_WAIT_MS,
    work: health.check(),
    late: () => [{ part: 'check', ok: false, detail: `no answer within ${String(READY_WAIT_MS)} ms` }],
  });
}
