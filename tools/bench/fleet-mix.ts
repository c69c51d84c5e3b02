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
const GOLDEN_SECTION = 0.618_033_988_749_895;

/** The stream of reports the fleet makes. */
export function mixOptions({ mix }: Pick<FleetMix, 'mix'>): ReportMixOptions {
  return { seed: SEED, mix, stepMs: STEP_MS };
}

/**
 * So many reports after the first ones (which `populate` wrote): round by round over all devices, as a fleet's heartbeats come
 * in.
 */
export function* fleetMessages(fleet: FleetMix, messages: number): Generator<FleetMessage> {
  const { devices, encoding } = fleet;
  const options = mixOptions(fleet);
  const stride = strideOver(devices);
  for (let number = 0; number < messages; number += 1) {
    const index = ((number % devices) * stride) % devices;
    const { device, report } = mixedReport(options, index, 1 + Math.floor(number / devices));
    yield { device, payload: encode(report, encoding) };
  }
}

/**
 * A step that leads over all of so many items, each once, in an order that has nothing to do with theirs: items that come soon
 * after one another are as far apart as they can be.
 */
export function strideOver(items: number): number {
  let stride = Math.max(1, Math.round(items * GOLDEN_SECTION));
  while (commonDivisor(items, stride) !== 1) stride += 1;
  return stride;
}

function commonDivisor(a: number, b: number): number {
  return b === 0 ? a : commonDivisor(b, a % b);
}
