/**
 * `docs/asyncapi.json`: the NATS side of Corral as AsyncAPI 3, written from the schemas by which the code reads and writes, and from
 * the subjects it speaks.
 */
import { type TSchema, Type } from '@sinclair/typebox';
import { ID_PATTERN, ReportSchema } from '../../machines/report.ts';
import { CommandSchema } from '../../src/device/command-reader.ts';
import { ACCEPTANCES, acceptanceOf } from '../../src/wire/acceptance.ts';
import { LogLevelReplySchema, LogLevelRequestSchema, nodeLog } from '../../src/wire/log-level.ts';
import { NumberedDeadLetterSchema } from '../../src/contract/dead-letter.ts';
import { CommandOutcomeSchema } from '../../src/contract/ledger-entry.ts';
import { RefusalSchema } from '../../src/contract/refusal.ts';
import {
  ChangedSchema,
  DesiredReplySchema,
  FAILURES,
  FailureSchema,
  FoundSchema,
  PublishedOutcomeSchema,
} from '../../src/contract/reply-bodies.ts';
import { TwinDocumentSchema } from '../../src/contract/twin-document.ts';
import {
  CommandRequestSchema,
  DesiredRequestSchema,
  FindRequestSchema,
  LedgerRequestSchema,
} from '../../src/wire/request.ts';
import { SERVICE_ERROR_HEADERS } from '../../src/wire/service-error.ts';
import {
  deviceCommand,
  deviceReport,
  FLEET_FIND,
  siteStream,
  STREAMS,
  twinChanged,
  twinCommand,
  twinDesired,
  twinGet,
  twinLedger,
  twinOutcome,
} from '../../src/wire/subjects.ts';
import { TRACE_HEADERS } from '../../src/wire/trace.ts';

/** What is said of the whole. */
const DESCRIPTION =
  'Device twins over NATS. Payloads are MessagePack or JSON maps; the first byte tells them apart, and a reply comes in the encoding of ' +
  'its request. Unknown fields are kept and passed on, never refused. Operations are those of Corral: what it receives, ' +
  'others send. A device and a backend each connect with credentials of their own, and reach only what is theirs (nats.conf).';

/** A message: what it is, and the schema of its payload. */
interface Message {
  readonly summary: string;
  readonly payload: TSchema;
  /** Headers beside those of the trace. */
  readonly headers?: TSchema;
}

const serviceError = Type.Object({
  [SERVICE_ERROR_HEADERS.code]: Type.Optional(Type.String({ description: 'as the numbers of HTTP' })),
  [SERVICE_ERROR_HEADERS.text]: Type.Optional(Type.String({ description: 'the code and what is wrong' })),
});

const failureMeanings = Object.keys(FAILURES)
  .map((code) => `\`${code}\`: ${ACCEPTANCES[acceptanceOf(code)]}`)
  .join('; ');

const MESSAGES = {
  report: {
    summary: "The device's whole state, or a list of such reports in their order (a frame, at most 1 MB)",
    payload: Type.Union([ReportSchema, Type.Array(ReportSchema, { minItems: 1 })]),
  },
  command: {
    summary: 'What the device is to do. Its answer is a report that names it',
    payload: CommandSchema,
  },
  get: { summary: 'Asks for the twin document', payload: Type.Object({}) },
  commandRequest: { summary: 'Commands the device', payload: CommandRequestSchema },
  ledgerRequest: { summary: 'Asks how a command stands', payload: LedgerRequestSchema },
  desiredRequest: {
    summary: 'Changes the desired configuration by a JSON merge patch',
    payload: DesiredRequestSchema,
  },
  findRequest: { summary: 'Finds devices, in the order of their ids', payload: FindRequestSchema },
  twin: { summary: 'The twin document', payload: TwinDocumentSchema },
  outcome: { summary: 'The command as the ledger has it', payload: CommandOutcomeSchema },
  desired: { summary: 'What the device has not applied yet', payload: DesiredReplySchema },
  found: { summary: 'A page of twin documents', payload: FoundSchema },
  refused: {
    summary: 'The twin refused: certainly nothing was sent',
    payload: RefusalSchema,
    headers: serviceError,
  },
  failed: {
    summary: `An answer that decides nothing. For a command its code means: ${failureMeanings}; one that is not known here: ${ACCEPTANCES.maybe}`,
    payload: FailureSchema,
    headers: serviceError,
  },
  changed: {
    summary:
      'A transition of the known state, with the twin document; or, as the last word about a device, `forgotten` ({at, site, asker, by, reason}) with device, partition and no alone',
    payload: ChangedSchema,
  },
  publishedOutcome: { summary: 'An outcome became known, also late', payload: PublishedOutcomeSchema },
  deadLetter: { summary: 'A message that could not be read', payload: NumberedDeadLetterSchema },
  logLevelRequest: { summary: 'Sets or asks the log level of a device', payload: LogLevelRequestSchema },
  logLevel: { summary: 'The level the device has on one node', payload: LogLevelReplySchema },
} as const satisfies Record<string, Message>;

type MessageName = keyof typeof MESSAGES;

/** A subject, and what is on it. */
interface Channel {
  readonly address: string;
  readonly description: string;
  readonly server: 'hub' | 'site';
  /** What Corral does there. */
  readonly action: 'send' | 'receive';
  readonly message: MessageName;
  /** What may come back, for a request. */
  readonly replies?: readonly MessageName[];
}

const DEVICE = '{device}';

const CHANNELS: Readonly<Record<string, Channel>> = {
  deviceReport: {
    address: deviceReport(DEVICE),
    description: `A device publishes as a core NATS request and waits for the acknowledgement, one publish in flight. It is the stream that answers, in which the hub keeps the reports of the site: ${siteStream('<site>')}.`,
    server: 'site',
    action: 'receive',
    message: 'report',
  },
  deviceCommand: {
    address: deviceCommand(DEVICE),
    description: 'Sent at least once while it may start; the number `n` makes repetitions harmless.',
    server: 'site',
    action: 'send',
    message: 'command',
  },
  twinGet: {
    address: twinGet(DEVICE),
    description: 'Answered by the owner of the partition; "no responders" when nobody owns it.',
    server: 'hub',
    action: 'receive',
    message: 'get',
    replies: ['twin', 'refused', 'failed'],
  },
  twinCommand: {
    address: twinCommand(DEVICE, '{command}'),
    description: 'Under one id a command is executed once at most, however often it is asked.',

    server: 'hub',
    action: 'receive',
    message: 'commandRequest',
    replies: ['outcome', 'refused', 'failed'],
  },
  twinLedger: {
    address: twinLedger(DEVICE),
    description: 'Where what became of a command is asked, at any time.',

    server: 'hub',
    action: 'receive',
    message: 'ledgerRequest',
    replies: ['outcome', 'refused', 'failed'],
  },
  twinDesired: {
    address: twinDesired(DEVICE),
    description: 'The desired configuration has a version of its own.',

    server: 'hub',
    action: 'receive',
    message: 'desiredRequest',
    replies: ['desired', 'refused', 'failed'],
  },
  fleetFind: {
    address: FLEET_FIND,
    description: 'Answered by any node, from what is committed.',
    server: 'hub',
    action: 'receive',
    message: 'findRequest',
    replies: ['found', 'refused', 'failed'],
  },
  twinChanged: {
    address: twinChanged(DEVICE),
    description: `Kept in the stream ${STREAMS.changes.name}, so that a consumer can catch up.`,
    server: 'hub',
    action: 'send',
    message: 'changed',
  },
  twinOutcome: {
    address: twinOutcome(DEVICE),
    description: `Kept in the stream ${STREAMS.changes.name}.`,
    server: 'hub',
    action: 'send',
    message: 'publishedOutcome',
  },
  deadLetters: {
    address: 'deadletter.{reason}.{partition}',
    description: `Kept in the stream ${STREAMS.deadLetters.name}, for engineers.`,
    server: 'hub',
    action: 'send',
    message: 'deadLetter',
  },
  nodeLog: {
    address: nodeLog(DEVICE),
    description: 'For engineers. Every node answers for itself.',

    server: 'hub',
    action: 'receive',
    message: 'logLevelRequest',
    replies: ['logLevel', 'refused', 'failed'],
  },
};

const PARAMETERS: Readonly<Record<string, string>> = {
  device: `the id of the device: ${ID_PATTERN}`,
  command: 'a command of its kind',
  reason: 'the stable reason why it could not be read',
  partition: '0 to 31',
};

/** The whole document, ready to be written as JSON. */
export function asyncapiDocument(): object {
  const replyNames = [...new Set(Object.values(CHANNELS).flatMap(({ replies = [] }) => replies))];
  return {
    asyncapi: '3.0.0',
    info: {
      title: 'Corral over NATS',
      version: '1',
      description: DESCRIPTION,
      license: { name: 'MIT', url: 'https://spdx.org/licenses/MIT.html' },
    },
    defaultContentType: 'application/json',
    servers: {
      hub: server('hub.example:4222', 'Where backends, engineers and nodes connect.'),
      site: server(
        'site.example:4222',
        "A site's leaf, or the hub with a site's credentials: where devices connect.",
      ),
    },
    channels: {
      ...mapped(CHANNELS, channelOf),
      replies: {
        description: 'The reply subject that the request names: there is no other address.',
        servers: [{ $ref: '#/servers/hub' }],
        messages: messageRefs(replyNames),
      },
    },
    operations: mapped(CHANNELS, operationOf),
    components: {
      messages: mapped(MESSAGES, messageOf),
      messageTraits: { traced: { headers: traceHeaders } },
      securitySchemes: {
        account: { type: 'userPassword', description: 'a user of the role’s account, as nats.conf has it' },
      },
    },
  };
}

const traceHeaders = plain(
  Type.Object(
    {
      [TRACE_HEADERS.parent]: Type.Optional(
        Type.String({ description: 'W3C Trace Context; one that cannot be read is ignored' }),
      ),
      [TRACE_HEADERS.state]: Type.Optional(Type.String()),
    },
    { description: 'Given with a request, it goes on with everything that follows from it.' },
  ),
);

function server(host: string, description: string): object {
  return {
    host,
    protocol: 'nats',
    description,
    security: [{ $ref: '#/components/securitySchemes/account' }],
  };
}

function channelOf({ address, description, server: name, message }: Channel): object {
  const parameters = [...address.matchAll(/\{(\w+)\}/g)].map(([, parameter = '']) => parameter);
  return {
    address,
    description,
    servers: [{ $ref: `#/servers/${name}` }],
    ...(parameters.length === 0
      ? {}
      : { parameters: Object.fromEntries(parameters.map((one) => [one, { description: PARAMETERS[one] }])) }),
    messages: messageRefs([message]),
  };
}

function operationOf({ action, message, replies }: Channel, channel: string): object {
  const replying = {
    reply: {
      channel: { $ref: '#/channels/replies' },
      messages: (replies ?? []).map((name) => ({ $ref: `#/channels/replies/messages/${name}` })),
    },
  };
  return {
    action,
    summary: MESSAGES[message].summary,
    channel: { $ref: `#/channels/${channel}` },
    messages: [{ $ref: `#/channels/${channel}/messages/${message}` }],
    ...(replies === undefined ? {} : replying),
  };
}

function messageRefs(names: readonly MessageName[]): object {
  return Object.fromEntries(names.map((name) => [name, { $ref: `#/components/messages/${name}` }]));
}

function messageOf({ summary, payload, headers }: Message, name: string): object {
  return {
    name,
    summary,
    traits: [{ $ref: '#/components/messageTraits/traced' }],
    ...(headers === undefined ? {} : { headers: plain(headers) }),
    payload: plain(payload),
  };
}

/** A schema without what only the library keeps in it. */
function plain(schema: TSchema): object {
  return JSON.parse(JSON.stringify(schema)) as object;
}

function mapped<Value>(
  values: Readonly<Record<string, Value>>,
  change: (value: Value, name: string) => object,
): object {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, change(value, name)]));
}
