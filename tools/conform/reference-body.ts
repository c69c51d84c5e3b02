/**
 * A charge point without hardware, for the reference device: nobody uses it but the commands it gets. Its relay falls open
 * when the power goes, so after a restart nothing shows what was executed before.
 */
import type { Command } from '../../machines/command.ts';
import type { Report } from '../../machines/report.ts';
import type {
  ActResult,
  BodyChange,
  BodyView,
  DeviceBody,
  Reading,
  Verdict,
} from '../../src/device/ports.ts';

/** Power while charging, W. */
const POWER_W = 11_000;

/** See the head of this file. */
export class ReferenceBody implements DeviceBody {
  readonly #restart: () => void;
  #isCharging = false;
  #changed: (change: BodyChange) => void = () => undefined;

  /** `restart` starts the agent anew. */
  constructor(restart: () => void) {
    this.#restart = restart;
  }

  read({ hold }: BodyView): Reading {
    const state = this.#isCharging ? 'charging' : hold !== null ? 'reserved' : 'available';
    const isPlugged = this.#isCharging;
    const powerW = this.#isCharging ? POWER_W : 0;
    return {
      state,
      sensors: { hatchOpen: isPlugged, cableConnected: isPlugged, carPresent: isPlugged, powerW },
      firmware: 'reference',
    };
  }

  judge(command: Command, { hold }: BodyView): Verdict {
    switch (command.name) {
      case 'reserve':
        return this.#isCharging || hold !== null
          ? { type: 'refuse', reason: 'busy' }
          : { type: 'accept', hold: 'begin', acts: false };
      case 'release':
        return { type: 'accept', hold: 'end', acts: false };
      case 'start':
        return this.#isCharging
          ? { type: 'refuse', reason: 'busy' }
          : { type: 'accept', hold: 'end', acts: true };
      case 'stop':
        return this.#isCharging
          ? { type: 'accept', hold: 'keep', acts: true }
          : { type: 'refuse', reason: 'not-charging' };
      case 'reboot':
        return this.#isCharging
          ? { type: 'refuse', reason: 'busy' }
          : { type: 'accept', hold: 'keep', acts: true };
      default:
        return { type: 'refuse', reason: 'unknown-command' };
    }
  }

  async act(command: Command): Promise<ActResult> {
    this.#isCharging = command.name === 'start';
    this.#changed({});
    return { outcome: 'done' };
  }

  restart(): void {
    this.#restart();
  }

  async wasExecuted(): Promise<boolean | null> {
    return null;
  }

  scan(): NonNullable<Report['components']> {
    return [{ slot: 'controller', model: 'reference', serial: '1' }];
  }

  watch(changed: (change: BodyChange) => void): () => void {
    this.#changed = changed;
    return () => {
      this.#changed = () => undefined;
    };
  }
}
