/**
 * Where the `type` of a problem leads: what its code means, and what to do.
 */
import { Type } from '@sinclair/typebox';
import type { HttpApp } from '../context.ts';
import { Problem, type ProblemKind, PROBLEMS, problemResponses } from '../problem.ts';

const ProblemKindSchema = Type.Object({
  code: Type.String(),
  status: Type.Integer(),
  title: Type.String(),
  remedy: Type.String(),
});

/** Registers `/problems` and `/problems/:code`. */
export function problemRoutes(app: HttpApp): void {
  const table = new Map(Object.entries<ProblemKind>(PROBLEMS));

  app.get(
    '/problems',
    {
      config: { access: 'public' },
      schema: {
        operationId: 'listProblems',
        summary: 'Every error code',
        tags: ['operation'],
        response: { 200: Type.Object({ problems: Type.Array(ProblemKindSchema) }), ...problemResponses },
      },
    },
    async () => ({ problems: [...table].map(([code, kind]) => ({ code, ...kind })) }),
  );

  app.get(
    '/problems/:code',
    {
      config: { access: 'public' },
      schema: {
        operationId: 'getProblem',
        summary: 'What an error code means',
        tags: ['operation'],
        params: Type.Object({ code: Type.String() }),
        response: { 200: ProblemKindSchema, ...problemResponses },
      },
    },
    async (request) => {
      const { code } = request.params;
      const kind = table.get(code);
      if (kind === undefined) {
        throw new Problem('unknown-route', `no problem has the code "${code}"; GET /problems lists them`);
      }
      return { code, ...kind };
    },
  );
}
