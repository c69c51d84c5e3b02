/** Answers engineers who want to see more, or less, of one device in the log of every node (`node.log.<device>`). */
import { encode, type Encoding } from '../wire/codec.ts';
import { type LogLevelReply, type LogLevelRequest, nodeLog, readLogLevelRequest } from '../wire/log-level.ts';
import { isId } from '../wire/report.ts';
import { encodeFailure, encodeRefusal, type EncodedReply } from '../wire/reply.ts';
import { replyAddressOf } from './bus.ts';
import type { HubConnection } from './connect.ts';
import { answer, listenToRequests, stopListening } from './listen.ts';

/** What is asked of the log. */
export interface LogLevelsOptions {
  readonly hub: HubConnection;
  /** Sets the level, where one is given, and tells what the device has then. Throws a RangeError when there are too many. */
  readonly apply: (device: string, request: LogLevelRequest | null) => Omit<LogLevelReply, 'device'>;
}

/** Answers until the returned function has been called. */
export function serveLogLevels({ hub, apply }: LogLevelsOptions): () => Promise<void> {
  const subscription = listenToRequests(hub, {
    subject: nodeLog('*'),
    handle: (message) => {
      const to = replyAddressOf(message);
      if (to === null) return;
      const device = message.subject.split('.')[2] ?? '';
      const read = readLogLevelRequest(message.payload);
      const detail = isId(device) ? (read.ok ? null : read.detail) : `${device} is no id of a device`;
      const reply =
        detail === null && read.ok
          ? levelReply(apply, device, read.body, to.encoding)
          : refusalOf(detail ?? '', to.encoding);
      answer(hub, to.subject, reply);
    },
  });
  return () => stopListening(subscription);
}

function refusalOf(detail: string, encoding: Encoding): EncodedReply {
  return encodeRefusal({ id: null, code: 'bad-arguments', detail, state: null, allowed: [] }, encoding);
}

function levelReply(
  apply: LogLevelsOptions['apply'],
  device: string,
  request: LogLevelRequest | null,
  encoding: Encoding,
): EncodedReply {
  try {
    return { payload: encode({ ...apply(device, request), device }, encoding) };
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return encodeFailure('unavailable', error.message, encoding);
  }
}
