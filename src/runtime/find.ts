/**
 * Answers `fleet.find` from the store: any node may, whoever owns the devices.
 */
import { twinDocument } from '../../actors/document.ts';
import type { ReplyAddress } from '../../actors/twin.ts';
import type { Kind } from '../../machines/kind.ts';
import { encodeFailure, encodeFound, encodeRefusal, type EncodedReply } from '../wire/reply.ts';
import { readFind } from '../wire/request.ts';
import { BY_ID } from './device-query.ts';
import type { FleetReader } from '../history/ports.ts';
import type { RuntimeLimits } from './limits.ts';
import type { Clock } from './ports.ts';

/** What answers `fleet.find`. */
export interface FindOptions {
  /** Of its own for this: what others ask of the store does not wait for finds. */
  readonly fleetReader: Pick<FleetReader, 'find'>;
  readonly kinds: readonly Kind[];
  readonly clock: Clock;
  readonly limits: Pick<RuntimeLimits, 'findsUnderWayMax' | 'serverErrorMs'>;
}

/** Makes the handler of `fleet.find`: payload in, encoded page of twin documents out. Never rejects. */
export function findHandler(
  options: FindOptions,
): (payload: Uint8Array, encoding: ReplyAddress['encoding']) => Promise<EncodedReply> {
  const { findsUnderWayMax, serverErrorMs } = options.limits;
  let underWay = 0;
  return async (payload, encoding) => {
    const read = readFind(payload);
    if (!read.ok) {
      const { id, detail } = read;
      return encodeRefusal({ id, code: 'bad-arguments', detail, state: null, allowed: [] }, encoding);
    }
    if (underWay >= findsUnderWayMax) {
      const detail = `${String(underWay)} others look for devices on this node already; ask again`;
      return encodeFailure('unavailable', detail, encoding);
    }
    underWay += 1;
    try {
      const { limit, cursor: after, filter } = read.body;
      const { devices, cursor } = await options.fleetReader.find({
        ...filter,
        order: BY_ID,
        limit,
        cursor: after === null ? null : { value: null, device: after },
      });
      const now = options.clock.now();
      const documents = devices.flatMap(({ twin }) => {
        const kind = options.kinds.find(({ name }) => name === twin.kind);
        return kind === undefined ? [] : [twinDocument({ twin, kind, now, serverErrorMs })];
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
