/**
 * Devices that come back after an outage, all at once: each says how it is now, and then empties its buffer in one frame, as the
 * reference agent does.
 */
import type { HubConnection } from '../../src/nats/connect.ts';
import { encode } from '../../src/wire/codec.ts';
import { deviceReport } from '../../src/wire/subjects.ts';
import { mixedReport } from '../fleet/report-mix.ts';
import { type FleetMix, mixOptions } from './fleet-mix.ts';

/** Who comes back. */
export interface Burst {
  readonly devices: number;
  /** Reports in the buffer of each. */
  readonly reports: number;
}

const ACK_TIMEOUT_MS = 60_000;

/** They come back; resolves when the hub has stored everything. They are no devices of the fleet, and were never heard. */
export async function comeBack(connection: HubConnection, fleet: FleetMix, burst: Burst): Promise<void> {
  await Promise.all(
    Array.from({ length: burst.devices }, async (_, number) => {
      const reports = Array.from(
        { length: burst.reports },
        (_each, step) => mixedReport(mixOptions(fleet), fleet.devices + number, step).report,
      );
      const { device } = mixedReport(mixOptions(fleet), fleet.devices + number, 0);
      for (const frame of [reports.slice(-1), reports.slice(0, -1)]) {
        const payload = encode(frame, fleet.encoding);
        await connection.nats.request(deviceReport(device), payload, { timeout: ACK_TIMEOUT_MS });
      }
    }),
  );
}
