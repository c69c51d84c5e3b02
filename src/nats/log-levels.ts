/** Answers engineers who want to see more, or less, of one device in the log of every node (`node.log.<device>`). */
import { encode } from '../wire/codec.ts';
import { type LogLevelReply, type LogLevelRequest, nodeLog, readLogLevelRequest } from '../wire/log-level.ts';
import { isId } from '../wire/report.ts';
import { encodeFailure, encodeRefusal } from '../wire/reply.ts';
import { replyAddressOf } from './bus.ts';
import type { HubConnection } from './connect.ts';

/** What is asked of the log. */
export interface LogLevelsOptions {
  readonly hub: HubConnection;
  /** Sets the level, where one is given, and tells what the device has then. Throws a RangeError when there are too many. */
  readonly apply: (device: string, request: LogLevelRequest | null) => Omit<LogLevelReply, 'device'>;
}

/** Answers until the returned function has been called. */
export function serveLogLevels({ hub, apply }: LogLevelsOptions): () => Promise<void> {
  const subscription = hub.nats.subscribe(nodeLog('*'), {
    callback: (error, message) => {
      const to = error === null ? replyAddressOf(message) : null;
      if (to === null) return;
      const device = message.subject.split('.')[2] ?? '';
      const read = readLogLevelRequest(message.data);
      const detail = isId(device) ? (read.ok ? null : read.detail) : `${device} is no id of a device`;
      if (detail !== null || !read.ok) {
        const refusal = {
          id: null,
          code: 'bad-arguments',
          detail: detail ?? '',
          state: null,
          allowed: [],
        } as const;
        message.respond(encodeRefusal(refusal, to.encoding).payload);
        return;
      }
      message.respond(answer(apply, device, read.body, to.encoding));
    },
  });
  return async () => {
    if (!subscription.isClosed()) await subscription.drain();
  };
}

function answer(
  apply: LogLevelsOptions['apply'],
  device: string,
  request: LogLevelRequest | null,
  encoding: Parameters<typeof encode>[1],
): Uint8Array {
  try {
    return encode({ ...apply(device, request), device }, encoding);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return encodeFailure('unavailable', error.message, encoding).payload;
  }
}
