/**
 * The hardware of a charge point that does what it is told: for tests that run the reference agent against real servers.
 */
import type { Command } from '../../machines/command.ts';
import type {
  ActResult,
  BodyChange,
  BodyView,
  DeviceBody,
  Reading,
  Verdict,
} from '../../src/device/ports.ts';

/** A socket with a meter; people may use it, and commands do. */
export class ChargePointBody implements DeviceBody {
  meterWh = 0;
  isCharging = false;
  /** Whether a reservation moves hardware too: a barrier that goes up before the bay. */
  readonly hasBarrier: boolean;
  /** Called when the device's own state is asked about a command, and when it begins to execute one. */
  onJudge: (command: Command) => void = () => undefined;
  onAct: (command: Command) => Promise<void> | void = () => undefined;
  #changed: (change: BodyChange) => void = () => undefined;

  constructor({ hasBarrier = false }: { readonly hasBarrier?: boolean } = {}) {
    this.hasBarrier = hasBarrier;
  }

  /** The meter moves on, which is worth a report. */
  meter(): void {
    this.meterWh += 1;
    this.#changed({});
  }

  read({ hold }: BodyView): Reading {
    const state = this.isCharging ? 'charging' : hold === null ? 'available' : 'reserved';
    return { state, sensors: { meterWh: this.meterWh }, firmware: '1.0' };
  }

  judge(command: Command, { hold }: BodyView): Verdict {
    this.onJudge(command);
    const busy: Verdict = { type: 'refuse', reason: 'busy' };
    switch (command.name) {
      case 'reserve':
        return this.isCharging || hold !== null
          ? busy
          : { type: 'accept', hold: 'begin', acts: this.hasBarrier };
      case 'release':
        return { type: 'accept', hold: 'end', acts: false };
      case 'start':
        return this.isCharging ? busy : { type: 'accept', hold: 'end', acts: true };
      case 'stop':
        return { type: 'accept', hold: 'keep', acts: true };
      default:
        return { type: 'refuse', reason: 'unknown-command' };
    }
  }

  async act(command: Command): Promise<ActResult> {
    await this.onAct(command);
    if (command.name === 'start') this.isCharging = true;
    if (command.name === 'stop') this.isCharging = false;
    return { outcome: 'done' };
  }

  async wasExecuted(): Promise<boolean | null> {
    return null;
  }

  scan(): null {
    return null;
  }

  watch(changed: (change: BodyChange) => void): () => void {
    this.#changed = changed;
    return () => {
      this.#changed = () => undefined;
    };
  }
}
