/**
 * A twin and its device, with a link between them that does what the test says: nothing moves by itself.
 */
import type { Command } from '../../../machines/command.ts';
import type { Report } from '../../../machines/report.ts';
import type { Decision } from '../../../actors/decision.ts';
import { ModelDevice, type ModelDeviceOptions } from './model-device.ts';
import { Stage, type StageOptions, T0 } from './stage.ts';

export class Pair extends Stage {
  readonly device: ModelDevice;
  #handled = 0;

  constructor(options: StageOptions & Partial<ModelDeviceOptions> = {}) {
    super(options);
    this.device = new ModelDevice({ startsAt: T0 - 60_000, ...options });
  }

  /** The device measures a report now; the test decides when it arrives. */
  measure(given: Partial<Report> = {}): Report {
    return this.device.report(this.now, given);
  }

  /** The device reports, and the twin hears it at once. */
  report(given: Partial<Report> = {}): Decision {
    return this.hear(this.measure(given));
  }

  /** The device handles everything sent since it did so last, and the twin hears its answer at once. */
  answer(): Decision {
    this.arrive();
    return this.report();
  }

  /** The device handles everything sent since it did so last, and says nothing yet. */
  arrive(): void {
    for (const command of this.unhandled()) this.device.receive(command, this.now);
  }

  /** Takes what was sent out of the link: it is lost, or arrives when the test hands it to the device. */
  unhandled(): readonly Command[] {
    const commands = this.commands.slice(this.#handled);
    this.#handled = this.commands.length;
    return commands;
  }

  /** First contact, and the round trip that bounds how old the knowledge is. */
  meet(): this {
    this.report();
    this.answer();
    return this;
  }

  /** Asks for a reservation, which the device makes. */
  reserve(id: string, holdMs = 900_000): this {
    this.ask('reserve', { id, args: { holdMs } });
    this.answer();
    return this;
  }
}
