/** The fleet of a bench: the same devices and the same reports in every run. */
import { encode, type Encoding } from '../../src/wire/codec.ts';
import { type Mix, mixedReport, type ReportMixOptions } from '../fleet/report-mix.ts';

/** How large it is, and what it says. */
export interface FleetMix {
  readonly devices: number;
  readonly mix: Mix;
  readonly encoding: Encoding;
}

/** A report of the fleet, ready to be sent. */
export interface FleetMessage {
  readonly device: string;
  readonly payload: Uint8Array;
}

/** The site behind which all devices are. */
export const SITE = 'depot';

const SEED = 1;
/** A device reports once a minute, by its own clock. */
const STEP_MS = 60_000;
/** A prime: devices report in an order that has nothing to do with the order of their rows. */
const STRIDE = 1_000_003;

/** The stream of reports the fleet makes. */
export function mixOptions({ mix }: Pick<FleetMix, 'mix'>): ReportMixOptions {
  return { seed: SEED, mix, stepMs: STEP_MS };
}

/**
 * So many reports after the first ones (which `populate` wrote): round by round over all devices, as a fleet's heartbeats come
 * in. They begin `skip` messages later.
 */
export function* fleetMessages(fleet: FleetMix, messages: number, skip = 0): Generator<FleetMessage> {
  const { devices, encoding } = fleet;
  const options = mixOptions(fleet);
  for (let number = skip; number < skip + messages; number += 1) {
    const index = ((number % devices) * STRIDE) % devices;
    const { device, report } = mixedReport(options, index, 1 + Math.floor(number / devices));
    yield { device, payload: encode(report, encoding) };
  }
}
