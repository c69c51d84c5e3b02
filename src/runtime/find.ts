/**
 * Answers `fleet.find` from the store: any node may, whoever owns the devices.
 */
import { twinDocument } from '../../actors/document.ts';
import type { ReplyAddress } from '../../actors/twin.ts';
import type { Kind } from '../../machines/kind.ts';
import { encodeFailure, encodeFound, encodeRefusal, type EncodedReply } from '../wire/reply.ts';
import { readFind } from '../wire/request.ts';
import { ANY_DEVICE, BY_ID } from './device-query.ts';
import type { Archive } from './archive.ts';
import type { Clock } from './ports.ts';

/** So many pages are looked up at once; whoever asks for one more is told `unavailable`. */
const UNDER_WAY_MAX = 100;

/** What answers `fleet.find`. */
export interface FindOptions {
  readonly archive: Archive;
  readonly kinds: readonly Kind[];
  readonly clock: Clock;
  readonly serverErrorMs: number;
}

/** Makes the handler of `fleet.find`: payload in, encoded page of twin documents out. Never rejects. */
export function findHandler(
  options: FindOptions,
): (payload: Uint8Array, encoding: ReplyAddress['encoding']) => Promise<EncodedReply> {
  let underWay = 0;
  return async (payload, encoding) => {
    const read = readFind(payload);
    if (!read.ok) {
      const { id, detail } = read;
      return encodeRefusal({ id, code: 'bad-arguments', detail, state: null, allowed: [] }, encoding);
    }
    if (underWay >= UNDER_WAY_MAX)
      return encodeFailure('unavailable', 'too many ask for devices on this node; ask again', encoding);
    underWay += 1;
    try {
      const { limit, cursor: after, ...filter } = read.body;
      const { devices, cursor } = await options.archive.find({
        ...ANY_DEVICE,
        ...filter,
        order: BY_ID,
        limit,
        cursor: after === null ? null : { value: null, device: after },
      });
      const now = options.clock.now();
      const documents = devices.flatMap(({ twin }) => {
        const kind = options.kinds.find(({ name }) => name === twin.kind);
        return kind === undefined
          ? []
          : [twinDocument({ twin, kind, now, serverErrorMs: options.serverErrorMs })];
      });
      return encodeFound({ devices: documents, cursor: cursor?.device ?? null }, encoding);
    } catch (error) {
      const because = error instanceof Error ? error.message : String(error);
      return encodeFailure('unavailable', `the store could not be asked: ${because}`, encoding);
    } finally {
      underWay -= 1;
    }
  };
}
