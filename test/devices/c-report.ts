/** Tells the C harness of a report, part by part, so that it can write it. */
import type { Report } from '../../machines/report.ts';
import { type CHarness, word } from './c-harness.ts';

const orNone = (value: number | string | undefined): string => (value === undefined ? '-' : String(value));

/** A number as value and decimals, which is how firmware has it. */
function decimalOf(number: number): string {
  const [whole = '', fraction = ''] = String(number).split('.');
  return `${whole}${fraction} ${String(fraction.length)}`;
}

function sensorLine(name: string, value: unknown, sinceMs: number | undefined): string {
  if (typeof value === 'boolean') return `sensor ${word(name)} binary ${String(value)} 0 ${orNone(sinceMs)}`;
  if (typeof value === 'number') return `sensor ${word(name)} number ${decimalOf(value)} -`;
  if (typeof value === 'string') return `sensor ${word(name)} text ${word(value)} 0 -`;
  throw new Error(`the C core has no sensor with ${JSON.stringify(value)}`);
}

/** Tells of `report`; the next `write` writes it. Throws where it has a field that the core does not write. */
export function tellReport(core: CHarness, report: Report): void {
  const {
    boot,
    seq,
    up,
    at,
    state,
    sensors,
    since,
    commands,
    hold,
    firmware,
    config,
    components,
    kind,
    via,
    ...others
  } = report;
  if (Object.keys(others).length > 0)
    throw new Error(`the C core does not write ${Object.keys(others).join()}`);
  core.tell(`report ${String(boot)} ${String(seq)} ${String(up)} ${word(state)}`);
  if (at !== undefined) core.tell(`at ${String(at)}`);
  for (const [name, value] of Object.entries(sensors)) core.tell(sensorLine(name, value, since?.[name]));
  if (commands !== undefined) core.tell('command -');
  for (const entry of commands ?? []) {
    const { n, outcome, reason, fence } = entry;
    core.tell(`command ${String(n)} ${outcome} ${orNone(reason)} ${orNone(fence?.boot)}`);
  }
  if (hold !== undefined && hold !== null) core.tell(`hold ${word(hold.id)} ${String(hold.leftMs)}`);
  if (firmware !== undefined) core.tell(`firmware ${word(firmware)}`);
  if (config !== undefined) core.tell(`config ${String(config.version)}`);
  for (const { slot, model, serial, firmware: version } of components ?? [])
    core.tell(
      `component ${[slot, model, serial].map(word).join(' ')} ${version === undefined ? '-' : word(version)}`,
    );
  if (kind !== undefined) core.tell(`kind ${word(kind)}`);
  if (via !== undefined) core.tell(`via ${word(via.id)} ${String(via.session)}`);
}
