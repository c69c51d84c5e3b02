/**
 * Links over NATS: many agents on one connection, which leads to a site's leaf or straight to the hub. A publish is a plain
 * request on `device.<id>.report`; its answer is the PubAck of the stream DEVICES, which comes back through the site's
 * import. No `Nats-Msg-Id` is sent: frames differ from try to try, a device with a wiped storage would repeat ids, and
 * the twin drops what it has seen anyway.
 */
import type { HubConnection } from '../nats/connect.ts';
import { listen as listenOn } from '../nats/listen.ts';
import { deviceCommand, deviceReport } from '../wire/subjects.ts';
import type { DeviceLink, LinkListener } from './ports.ts';
import { assertStored, PublishError } from './publish-answer.ts';

/** Links that share a connection. */
export interface DeviceLinks {
  /** The link of one device. */
  link(device: string): DeviceLink;
}

/** Options of links. */
export interface DeviceLinksOptions {
  /** To a site's leaf, or to the hub with the site's credentials (`connectToHub`). */
  readonly connection: HubConnection;
  /** An ack is waited for this long, ms. Default: 5 s. */
  readonly ackTimeoutMs?: number;
}

const ACK_TIMEOUT_MS = 5_000;

/** Makes links on a connection, which stays its maker's to close. */
export function deviceLinks({ connection, ackTimeoutMs = ACK_TIMEOUT_MS }: DeviceLinksOptions): DeviceLinks {
  return {
    link: (device) => ({
      publish: async (payload) => {
        // While there is no connection the client would keep the request, and all that follow it, and send them later.
        if (!connection.isConnected()) {
          throw new PublishError('not-connected', 'there is no connection to the server');
        }
        await publish(connection, { device, payload, ackTimeoutMs });
      },
      listen: (listener) => listen(connection, device, listener),
    }),
  };
}

function listen(connection: HubConnection, device: string, listener: LinkListener): () => Promise<void> {
  const forget = connection.onChange((isConnected) => {
    if (isConnected) listener.restored();
  });
  const subscription = listenOn(connection, {
    subject: deviceCommand(device),
    handle: ({ payload }) => listener.command(payload),
  });
  return async () => {
    forget();
    subscription.unsubscribe();
  };
}

async function publish(
  connection: HubConnection,
  request: { readonly device: string; readonly payload: Uint8Array; readonly ackTimeoutMs: number },
): Promise<void> {
  const { device, payload, ackTimeoutMs } = request;
  let answer: string;
  try {
    const message = await connection.nats.request(deviceReport(device), payload, { timeout: ackTimeoutMs });
    answer = message.string();
  } catch (cause) {
    const because = cause instanceof Error ? cause.message : String(cause);
    throw new PublishError('no-ack', `no ack for a report of ${device}: ${because}`, cause);
  }
  assertStored(device, answer);
}
