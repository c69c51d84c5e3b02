/**
 * The ledger of a device: every command that was accepted for it, and its outcome.
 */
import { Type } from '@sinclair/typebox';
import { commandId } from '../../../machines/command-id.ts';
import { LedgerEntrySchema } from '../../contract/ledger-entry.ts';
import { askStore, type HttpApp, type HttpContext, knownDevice } from '../context.ts';
import { httpForm } from '../http-form.ts';
import { limitParameter, nextPath, NextSchema } from '../page.ts';
import { Problem, problemResponses } from '../problem.ts';
import { deviceParams, noParameters } from './devices.ts';

/** How many commands a page holds unless asked otherwise, and at most. */
const LIMIT_DEFAULT = 100;
const LIMIT_MAX = 1_000;

const command = httpForm(Type.Omit(LedgerEntrySchema, ['device']));

/** A command as the ledger has it. */
export const CommandViewSchema = command.schema;

const query = Type.Object(
  {
    before: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: Number.MAX_SAFE_INTEGER,
        description: 'a command number n: only commands before it',
      }),
    ),
    limit: limitParameter({ what: 'commands', byDefault: LIMIT_DEFAULT, most: LIMIT_MAX }),
  },
  { additionalProperties: false },
);

/** Registers `/v1/devices/:device/commands` and `/v1/devices/:device/commands/:id`. */
export function commandRoutes(app: HttpApp, context: HttpContext): void {
  app.get(
    '/v1/devices/:device/commands',
    {
      config: { access: 'read' },
      schema: {
        operationId: 'listCommands',
        summary: 'Its ledger of commands',
        tags: ['commands'],
        params: deviceParams,
        querystring: query,
        response: {
          200: Type.Object({
            device: Type.String(),
            commands: Type.Array(CommandViewSchema, { description: 'newest first' }),
            before: Type.Union([Type.Integer(), Type.Null()], { description: 'of the next page' }),
            next: NextSchema,
          }),
          ...problemResponses,
        },
      },
    },
    async (request) => {
      const { before = null, limit } = request.query;
      const { twin } = await knownDevice(context, request.params.device);
      const page = { beforeN: before, limit: limit + 1 };
      const found = await askStore(context, (fleetReader) => fleetReader.commands(twin.device, page));
      const shown = found.slice(0, limit);
      const last = found.length > limit ? (shown.at(-1)?.n ?? null) : null;
      return {
        device: twin.device,
        commands: shown.map(command.write),
        before: last,
        next: last === null ? null : nextPath(request.url, { before: String(last) }),
      };
    },
  );

  app.get(
    '/v1/devices/:device/commands/:id',
    {
      config: { access: 'read' },
      schema: {
        operationId: 'getCommand',
        summary: 'One command of the ledger',
        tags: ['commands'],
        params: Type.Object({
          device: Type.String(),
          id: Type.String({ description: "the caller's idempotency key" }),
        }),
        querystring: noParameters,
        response: { 200: CommandViewSchema, ...problemResponses },
      },
    },
    async (request) => {
      const { device, id } = request.params;
      const { twin } = await knownDevice(context, device);
      const key = commandId(id);
      const entry = await askStore(context, (fleetReader) => fleetReader.ledgerEntry(twin.device, key));
      if (entry !== null) return command.write(entry);
      throw new Problem('unknown-id', `the ledger of "${device}" has no command "${id}"`);
    },
  );
}
