/**
 * The reference agent as a device of its own, over real NATS: what to compare one's firmware with, and what the kit must
 * pass. Ended and started again with the same file it is a device that was restarted.
 */
import { startAgent } from '../../src/device/agent.ts';
import type { DeviceAgent } from '../../src/device/device-agent.ts';
import type { AgentListener } from '../../src/device/agent-event.ts';
import { FileStorage } from '../../src/device/file-storage.ts';
import { AGENT_LIMITS } from '../../src/device/limits.ts';
import { deviceLinks } from '../../src/device/nats-link.ts';
import { uptimeClock } from '../../src/device/uptime-clock.ts';
import { connectToHub } from '../../src/nats/connect.ts';
import type { Encoding } from '../../src/wire/codec.ts';
import { ReferenceBody } from './reference-body.ts';

/** Which device, where. */
export interface ReferenceDeviceOptions {
  readonly device: string;
  readonly natsUrl: string;
  /** Its storage. */
  readonly memoryFile: string;
  readonly encoding: Encoding;
  readonly tell?: AgentListener;
}

/** A running reference device. */
export interface ReferenceDevice {
  /** The number of its first boot. */
  readonly boot: number;
  /** Resolves with `null` when it was stopped, or with the error that ended it. */
  readonly ended: Promise<Error | null>;
  /** Stops it in order, and disconnects. */
  readonly stop: () => Promise<void>;
}

/** Starts it. Throws `ConnectError`, or the error of its storage. */
export async function startReferenceDevice(options: ReferenceDeviceOptions): Promise<ReferenceDevice> {
  const { device, natsUrl, memoryFile, encoding, tell } = options;
  const connection = await connectToHub({ url: natsUrl, name: device });
  const links = deviceLinks({ connection });
  let next: Promise<DeviceAgent> | null = null;
  const boot = (): Promise<DeviceAgent> =>
    startAgent({
      device,
      kind: 'charge-point',
      encoding,
      order: 'current-first',
      limits: AGENT_LIMITS,
      clock: uptimeClock(),
      storage: new FileStorage({ file: memoryFile, device }),
      link: links.link(device),
      body: new ReferenceBody(() => {
        next = boot();
      }),
      ...(tell !== undefined && { tell }),
    });
  try {
    const first = await boot();
    let agent = first;
    const live = async (): Promise<Error | null> => {
      for (;;) {
        const error = await agent.ended;
        if (error !== null || next === null) return error;
        agent = await next;
        next = null;
      }
    };
    const ended = live();
    const stop = async (): Promise<void> => {
      await agent.stop();
      await connection.close();
    };
    return { boot: first.status().boot, ended, stop };
  } catch (error) {
    await connection.close();
    throw error;
  }
}
