/**
 * The cursor of a list of devices: the last device of the page before, with what it was sorted by where that is not its id.
 */
import { ID_PATTERN } from '../../machines/report.ts';
import type { DeviceCursor } from '../history/ports.ts';
import { badQuery } from './problem.ts';

const NO_VALUE = 'none';
const deviceId = new RegExp(ID_PATTERN);

/** Writes a cursor. */
export function deviceCursor({ value, device }: DeviceCursor, isSortedById: boolean): string {
  return isSortedById ? device : `${value === null ? NO_VALUE : String(value)}~${device}`;
}

/** Reads a cursor; `null` when none was given. Throws `bad-query` for anything that was not given out for this order. */
export function readDeviceCursor(text: string | undefined, isSortedById: boolean): DeviceCursor | null {
  if (text === undefined) return null;
  const [first = '', second] = text.split('~', 2);
  const device = isSortedById ? first : (second ?? '');
  const value = isSortedById || first === NO_VALUE ? null : Number(first);
  const hasForm = deviceId.test(device) && (second === undefined) === isSortedById && !Number.isNaN(value);
  if (hasForm && first !== '') return { value, device };
  throw badQuery('cursor', 'expected `cursor` of the page before, as it was given out for the same `sort`');
}
