/**
 * Every line a node writes to its log, declared in one place: a stable id, how much it matters, and what it says. Each is one JSON
 * object with `line` (the id), `msg` (the sentence) and the fields named here, so that a search never depends on wording.
 */
import type { Level } from 'pino';

/** How a line is declared. */
export interface LogEvent {
  readonly level: Level;
  readonly message: string;
  /** Names of the fields beside those that every line has. */
  readonly fields: readonly string[];
}

/** Fields of every line about a request that came with a trace. */
const TRACE_FIELDS = ['traceId', 'spanId', 'parentSpanId'] as const;

/** The lines, by id. The list may grow; an id and what it means never change. */
export const LOG_EVENTS = {
  'node-up': { level: 'info', message: 'node is up', fields: ['http'] },
  'node-stopping': { level: 'info', message: 'stopping', fields: ['signal'] },
  'node-stopped': { level: 'info', message: 'stopped', fields: [] },
  'node-stop-waits': { level: 'info', message: 'a stop takes long', fields: ['waitsFor'] },
  'node-stop-given-up': {
    level: 'fatal',
    message:
      'could not stop in order: what was not committed is read again from the stream by the next owner',
    fields: ['limitMs'],
  },
  'setup-finding': {
    level: 'warn',
    message: 'what this node runs on is not as it should be',
    fields: ['check', 'verdict', 'found', 'advice'],
  },
  'hub-away': { level: 'warn', message: 'hub is away', fields: ['connection'] },
  'hub-back': { level: 'info', message: 'hub is back', fields: ['connection'] },
  'hub-refused': { level: 'error', message: 'hub refused something', fields: ['connection', 'err'] },
  'hub-notice': {
    level: 'warn',
    message: 'something of the hub needs attention',
    fields: ['part', 'type', 'leftOut'],
  },
  'hub-overcome': {
    level: 'info',
    message: 'something failed at the hub and is tried again',
    fields: ['part', 'type', 'leftOut'],
  },
  'node-not-ready': { level: 'warn', message: 'node cannot do its work', fields: ['because'] },
  'node-not-ready-yet': { level: 'info', message: 'node cannot do its work yet', fields: ['because'] },
  'node-ready': { level: 'info', message: 'node can do its work', fields: ['status'] },
  'hub-hearing': { level: 'info', message: 'hearing all that the stream holds', fields: [] },
  'hub-not-hearing': { level: 'info', message: 'not hearing: silence means nothing now', fields: [] },
  'clock-differs': {
    level: 'error',
    message:
      'clock of another server is not ours: while it is the hub’s that differs, no command is accepted',
    fields: ['server', 'offsetMs', 'uncertainMs', 'wrong'],
  },
  'clock-agrees': {
    level: 'info',
    message: 'clock of another server is ours again',
    fields: ['server', 'offsetMs', 'uncertainMs', 'wrong'],
  },
  'dated-wrong': {
    level: 'warn',
    message: 'the hub dates what it stores by a wrong clock: messages count as received when they are heard',
    fields: ['site', 'messages'],
  },
  'stream-gone': {
    level: 'error',
    message: 'a stream no longer holds messages that were not read yet',
    fields: ['stream', 'from', 'to'],
  },
  'stream-tail-lost': {
    level: 'error',
    message:
      'a stream has lost messages that were read, and with them all that followed: reading goes on at its end',
    fields: ['stream', 'from', 'to'],
  },
  'dead-letters-left': {
    level: 'warn',
    message: 'a site sends more that cannot be read than is kept: the rest is counted',
    fields: ['site', 'device', 'messages'],
  },
  'rate-exceeded': {
    level: 'warn',
    message: 'a site says more than it or one of its devices may: the rest is decided after what others say',
    fields: ['site', 'device', 'messages'],
  },
  'stream-full': {
    level: 'warn',
    message: 'a site has filled most of its stream: what is committed is taken from it',
    fields: ['stream', 'percent'],
  },
  'stream-has-room': {
    level: 'info',
    message: 'the stream of a site has room again',
    fields: ['stream', 'percent'],
  },
  'stream-trimmed': {
    level: 'info',
    message: 'committed messages were taken from a full stream',
    fields: ['stream', 'through', 'messages'],
  },
  'stream-not-trimmed': {
    level: 'warn',
    message: 'a full stream could not be trimmed; it is tried again',
    fields: ['stream', 'cause'],
  },
  'partitions-taken': {
    level: 'info',
    message: 'partitions taken',
    fields: ['partitions', 'twins', 'reason'],
  },
  'partitions-given-up': {
    level: 'info',
    message: 'partitions given up',
    fields: ['partitions', 'twins', 'reason'],
  },
  'store-unavailable': {
    level: 'warn',
    message: 'store unavailable: the commit is tried again, nothing is lost',
    fields: ['cause'],
  },
  'store-set-back': {
    level: 'error',
    message: 'the database is not the one that this node knows: all that it holds is given up and read anew',
    fields: ['found'],
  },
  'device-row-gone': {
    level: 'warn',
    message:
      'the row of a device was deleted, and is written again as its twin is: `corral forget` is what forgets one',
    fields: ['device'],
  },
  'store-housekeeping-failed': {
    level: 'error',
    message: 'housekeeping of the store failed; it is tried again in an hour',
    fields: ['err'],
  },
  'census-failed': {
    level: 'warn',
    message: 'the fleet could not be counted for the metrics; it is tried again at the next scrape',
    fields: ['cause'],
  },
  'twin-quarantined': {
    level: 'error',
    message: 'twin could not decide: it stands as before',
    fields: ['device', 'err'],
  },
  'device-forgotten': {
    level: 'warn',
    message:
      'a device is forgotten at an operator’s word: nothing of it is kept, and what still comes of it is refused',
    fields: ['device', 'site', 'asker', 'by', 'reason'],
  },
  'log-level-set': {
    level: 'info',
    message: 'log level of a device changed',
    fields: ['device', 'level', 'until', 'by'],
  },
  'http-failed': {
    level: 'error',
    message: 'a request over HTTP could not be answered',
    fields: ['requestId', 'method', 'url', 'code', 'err', 'leftOut'],
  },
  'change-unreadable': {
    level: 'warn',
    message: 'a message of the stream of changes is not what belongs there: no reader of events was told it',
    fields: ['sequence', 'type', 'device'],
  },
  'http-answered': {
    level: 'debug',
    message: 'request over HTTP answered',
    fields: ['requestId', 'method', 'url', 'status', 'durationMs'],
  },
  'report-decided': {
    level: 'debug',
    message: 'report decided on',
    fields: ['device', 'disposition', 'fate', 'boot', 'seq', 'up', 'state'],
  },
  'values-unreadable': {
    level: 'debug',
    message: 'values of a report did not fit: they count as absent',
    fields: ['device', 'names'],
  },
  'clock-out-of-bounds': {
    level: 'debug',
    message:
      'uptime of a device did not keep pace with the time that passed: when its reports were measured is less certain',
    fields: ['device', 'boot', 'times'],
  },
  'source-away': {
    level: 'warn',
    message: 'a source is away: of the devices it speaks for nobody knows how they are',
    fields: ['device', 'site', 'spokenFor'],
  },
  'source-back': {
    level: 'info',
    message: 'a source is back: its devices come right as they are heard',
    fields: ['device', 'site', 'spokenFor'],
  },
  'source-session': {
    level: 'debug',
    message:
      'a source speaks in another session: what its devices said before is not fresh until they are heard',
    fields: ['device', 'site', 'spokenFor'],
  },
  'snapshot-replayed': {
    level: 'warn',
    message:
      'a source plays again what was said before: nothing that it says of its devices counts meanwhile',
    fields: ['device', 'site', 'sawIt', 'spokenFor'],
  },
  'report-unreadable': {
    level: 'debug',
    message: 'message could not be read: kept as a dead letter',
    fields: ['device', 'reason', 'detail'],
  },
  'state-changed': {
    level: 'debug',
    message: 'known state changed',
    fields: ['device', 'from', 'to', 'cause', ...TRACE_FIELDS],
  },
  'command-sent': {
    level: 'debug',
    message: 'command sent',
    fields: ['device', 'site', 'id', 'n', 'name', ...TRACE_FIELDS],
  },
  'command-outcome': {
    level: 'debug',
    message: 'outcome of a command became known',
    fields: ['device', 'id', 'n', 'name', 'outcome', 'reason', 'proof', 'isLate', ...TRACE_FIELDS],
  },
  'command-unknown': {
    level: 'info',
    message: 'a command can no longer start, and nobody knows whether it was executed',
    fields: ['device', 'id', 'n', 'name', ...TRACE_FIELDS],
  },
  'request-refused': {
    level: 'debug',
    message: 'request refused by the twin',
    fields: ['device', 'id', 'code', ...TRACE_FIELDS],
  },
} as const satisfies Record<string, LogEvent>;

/** Whatever writes a line at a level; pino's loggers do, and those that Fastify is given. */
export type EventWriter = Readonly<Record<Level, (fields: object, says: string) => void>>;

/** The id of a line. */
export type LogEventId = keyof typeof LOG_EVENTS;

/** Writes a line with its fields. */
export function writeEvent(
  log: EventWriter,
  line: LogEventId,
  fields: Readonly<Record<string, unknown>> = {},
): void {
  const { level, message } = LOG_EVENTS[line];
  log[level]({ line, ...fields }, message);
}
