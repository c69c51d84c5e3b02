/**
 * The ledger of a device: every command that was accepted for it, and its outcome.
 */
import { type Static, Type } from '@sinclair/typebox';
import { commandId } from '../../../machines/command-id.ts';
import { AnyKey } from '../../../machines/report.ts';
import type { LedgerEntry } from '../../contract/ledger-entry.ts';
import { askStore, type HttpApp, type HttpContext, knownDevice } from '../context.ts';
import { limitParameter, nextPath, NextSchema } from '../page.ts';
import { Problem, problemResponses } from '../problem.ts';
import { rfc3339, rfc3339OrNull } from '../rfc3339.ts';
import { deviceParams, noParameters } from './devices.ts';

/** How many commands a page holds unless asked otherwise, and at most. */
const LIMIT_DEFAULT = 100;
const LIMIT_MAX = 1_000;

const Time = Type.String({ format: 'date-time' });
const TimeOrNull = Type.Union([Time, Type.Null()]);
const NumberOrNull = Type.Union([Type.Number(), Type.Null()]);
const StringOrNull = Type.Union([Type.String(), Type.Null()]);

/** Who asked. */
export const AskerSchema = Type.Union([Type.String(), Type.Null()], {
  description:
    'who asked, proved: nats:<account> or http:<name of the token>; null for what the twin commands by itself',
});

/** A command as the ledger has it. */
export const CommandViewSchema = Type.Object({
  id: Type.String({ description: "the caller's idempotency key" }),
  n: Type.Integer({ description: "the twin's number for it; only grows" }),
  name: Type.String(),
  args: Type.Record(AnyKey, Type.Unknown()),
  by: Type.Union([Type.String(), Type.Null()], { description: 'on whose behalf, as the caller wrote it' }),
  asker: AskerSchema,
  outcome: Type.String({ description: 'pending, done, rejected, expired or unknown' }),
  reason: StringOrNull,
  proof: Type.Union([Type.String(), Type.Null()], {
    description: 'what proved the outcome, by its name and in words',
  }),
  acceptedAt: Time,
  sentAt: Type.String({ format: 'date-time', description: 'last; it is sent again until it may not start' }),
  certainAt: Type.String({ format: 'date-time', description: 'after this it cannot start any more' }),
  decidedAt: TimeOrNull,
  closedAt: Type.Union([Time, Type.Null()], {
    description:
      'when nothing was awaited any more: of an unknown command only a report that still comes late can tell more',
  }),
  epoch: Type.Integer({ description: 'of the lease under which it was accepted' }),
  incarnation: Type.Integer(),
  boot: Type.Union([Type.Number(), Type.Null()], { description: 'the only boot it may be executed in' }),
  notAfterUp: Type.Union([Type.Number(), Type.Null()], {
    description: 'the uptime of the device after which it may not start, ms',
  }),
  holdMs: NumberOrNull,
  compensatedBy: Type.Union([Type.String(), Type.Null()], {
    description: 'the command that undoes it; it is never sent of itself',
  }),
  ends: Type.Optional(
    Type.String({ description: 'what executing it ends besides, in the state in which it was accepted' }),
  ),
});

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
      const found = await askStore(context, (archive) => archive.commands(twin.device, page));
      const shown = found.slice(0, limit);
      const last = found.length > limit ? (shown.at(-1)?.n ?? null) : null;
      return {
        device: twin.device,
        commands: shown.map(commandView),
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
      const entry = await askStore(context, (archive) => archive.ledgerEntry(twin.device, key));
      if (entry !== null) return commandView(entry);
      throw new Problem('unknown-id', `the ledger of "${device}" has no command "${id}"`);
    },
  );
}

/** A ledger entry for HTTP. */
export function commandView(entry: LedgerEntry): Static<typeof CommandViewSchema> {
  return {
    ...entry,
    acceptedAt: rfc3339(entry.acceptedAt),
    sentAt: rfc3339(entry.sentAt),
    // Rounded up: what is certain a fraction of a millisecond later is not certain now.
    certainAt: rfc3339(Math.ceil(entry.certainAt)),
    decidedAt: rfc3339OrNull(entry.decidedAt),
    closedAt: rfc3339OrNull(entry.closedAt),
  };
}
