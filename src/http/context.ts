/**
 * What every route is given: the instance it registers on, and the parts it asks.
 */
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import type {
  FastifyBaseLogger,
  FastifyInstance,
  RawReplyDefaultExpression,
  RawRequestDefaultExpression,
  RawServerDefault,
} from 'fastify';
import type { Registry } from 'prom-client';
import { twinDocument } from '../../actors/document.ts';
import type { TwinDocument } from '../contract/twin-document.ts';
import type { Twin } from '../../actors/twin.ts';
import type { Kind } from '../../machines/kind.ts';
import { ID_PATTERN } from '../../machines/report.ts';
import { type FleetReader, FleetReaderBusyError } from '../history/ports.ts';
import type { ChangeFeed } from '../runtime/change-feed.ts';
import type { Clock, InventoryEntry } from '../runtime/ports.ts';
import { forgottenDetail } from '../runtime/forgetting.ts';
import type { CommandPort, ForgetPort } from './command-port.ts';
import type { HttpCounters } from './counters.ts';
import { withDeadline } from './deadline.ts';
import type { Health } from './health.ts';
import type { NodeView } from './node-view.ts';
import { Problem } from './problem.ts';
import { rfc3339, rfc3339OrNull } from './rfc3339.ts';

/** A Fastify instance whose handlers are typed by their TypeBox schemas. */
export type HttpApp = FastifyInstance<
  RawServerDefault,
  RawRequestDefaultExpression,
  RawReplyDefaultExpression,
  FastifyBaseLogger,
  TypeBoxTypeProvider
>;

/** The parts HTTP asks. */
export interface HttpParts {
  readonly fleetReader: FleetReader;
  readonly kinds: readonly Kind[];
  readonly clock: Clock;
  readonly health: Health;
  readonly nodeView: NodeView;
  readonly changes: ChangeFeed;
  readonly commands: CommandPort;
  readonly forgetting: ForgetPort;
  readonly metrics: Registry;
  /** How far the clocks of two servers may differ, ms: it is part of every age. */
  readonly serverErrorMs: number;
}

/** What routes are given. */
export interface HttpContext extends HttpParts {
  readonly counters: HttpCounters;
}

/** How long an answer of the store is waited for, ms; after that the problem is `store-unavailable`. */
const STORE_WAIT_MS = 10_000;

/**
 * Asks the archive. That it cannot answer is the store's trouble and passes, so it becomes `store-unavailable`, with the cause, or `busy`
 * where as many ask as may; an error of the language itself is a fault of ours and stays one.
 */
export async function askStore<T>(
  { fleetReader, clock }: HttpContext,
  question: (fleetReader: FleetReader) => Promise<T>,
): Promise<T> {
  try {
    return await withDeadline({
      clock,
      limitMs: STORE_WAIT_MS,
      work: question(fleetReader),
      late: () => {
        throw new Error(`no answer within ${String(STORE_WAIT_MS)} ms`);
      },
    });
  } catch (cause) {
    if (cause instanceof TypeError || cause instanceof RangeError || cause instanceof SyntaxError)
      throw cause;
    if (cause instanceof FleetReaderBusyError)
      throw new Problem('busy', `${cause.message}; ask again`, { cause });
    throw new Problem('store-unavailable', 'the store gave no answer; nothing is lost, ask again', { cause });
  }
}

/** A device that exists. */
export interface KnownDevice {
  readonly twin: Twin;
  readonly inventory: InventoryEntry;
  readonly kind: Kind;
}

const deviceId = new RegExp(ID_PATTERN);

/** The device with this id. Throws the problems `unknown-device`, `forgotten` and `unknown-kind`. */
export async function knownDevice(context: HttpContext, device: string): Promise<KnownDevice> {
  if (!deviceId.test(device)) {
    throw new Problem(
      'unknown-device',
      'the path holds no id of a device: an id is 1 to 64 letters, digits, "_" or "-"',
    );
  }
  const found = await askStore(context, (fleetReader) => fleetReader.twin(device));
  if (found === null) throw await unknown(context, device);
  const kind = kindNamed(context, found.twin.kind);
  if (kind === null) {
    throw new Problem(
      'unknown-kind',
      `device "${device}" is of kind "${found.twin.kind}"; this node knows ${context.kinds.map(({ name }) => name).join(', ')}`,
    );
  }
  return { ...found, kind };
}

/** Nobody knows it, or nobody knows it any more. */
async function unknown(context: HttpContext, device: string): Promise<Problem> {
  const forgotten = await askStore(context, (fleetReader) => fleetReader.forgotten(device));
  if (forgotten === null) return new Problem('unknown-device', `no device "${device}" is known here`);
  return new Problem('forgotten', forgottenDetail(forgotten), {
    extensions: { forgottenAt: rfc3339(forgotten.at), erasedAt: rfc3339OrNull(forgotten.erasedAt) },
  });
}

/** The kind of this name, or `null` when this node does not have it. */
export function kindNamed(context: HttpContext, name: string): Kind | null {
  return context.kinds.find((kind) => kind.name === name) ?? null;
}

/** What the twin says of itself now. */
export function documentNow(context: HttpContext, twin: Twin, kind: Kind): TwinDocument {
  const { clock, serverErrorMs } = context;
  return twinDocument({ twin, kind, now: clock.now(), serverErrorMs });
}
