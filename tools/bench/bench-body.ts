/** The hardware of a charge point that is only ever reserved and released. */
import type { Command } from '../../machines/command.ts';
import type { ActResult, BodyView, DeviceBody, Reading, Verdict } from '../../src/device/ports.ts';

/** See the head of this file. */
export class BenchBody implements DeviceBody {
  read({ hold }: BodyView): Reading {
    return { state: hold === null ? 'available' : 'reserved', sensors: { meterWh: 0 }, firmware: '1.0' };
  }

  judge({ name }: Command, { hold }: BodyView): Verdict {
    if (name === 'reserve' && hold === null) return { type: 'accept', hold: 'begin', acts: false };
    if (name === 'release') return { type: 'accept', hold: 'end', acts: false };
    return { type: 'refuse', reason: 'busy' };
  }

  async act(): Promise<ActResult> {
    return { outcome: 'done' };
  }

  async wasExecuted(): Promise<boolean | null> {
    return null;
  }

  scan(): null {
    return null;
  }

  watch(): () => void {
    return () => undefined;
  }
}
