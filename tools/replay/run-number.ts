/**
 * Which run of a replay this is.
 *
 * A replay delivers weeks that have just passed by the devices' own clocks. No device can live the same weeks twice, and one
 * whose second past overlaps its first has no timeline that is true. So a replay takes devices that Corral has never heard
 * of: `50245-1` in the first run, `50245-1-r2` in the second.
 */
import { isId } from '../../src/wire/report.ts';
import type { CorralHttp } from '../cli/corral-http.ts';
import { CommandLineError } from '../cli/command-line-error.ts';
import { eachOf } from './each-of.ts';

/** More runs against one Corral than this are refused: start afresh instead. */
const RUNS_MAX = 1_000;

/** The device of a connector in a run, from 1. */
export function deviceOf(connector: string, run: number): string {
  return run === 1 ? connector : `${connector}-r${String(run)}`;
}

/** The first run in which Corral knows none of the devices. Throws {@link CommandLineError} when an id becomes too long. */
export async function nextRun(connectors: readonly string[], corral: CorralHttp): Promise<number> {
  for (let run = 1; run <= RUNS_MAX; run += 1) {
    const devices = connectors.map((connector) => deviceOf(connector, run));
    const tooLong = devices.find((device) => !isId(device));
    if (tooLong !== undefined) throw new CommandLineError(`${tooLong} is too long for the id of a device.`);
    const known: string[] = [];
    await eachOf(devices, async (device) => {
      if (known.length === 0 && (await corral.twin(device)) !== null) known.push(device);
    });
    if (known.length === 0) return run;
  }
  throw new CommandLineError(
    `This file was replayed ${String(RUNS_MAX)} times into this Corral: start it with --fresh.`,
  );
}
