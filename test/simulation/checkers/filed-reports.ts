import type { ArchivedReport } from '../../../src/runtime/archive.ts';
import { sampleKey } from '../record.ts';
import type { Evidence } from '../world/evidence.ts';

/** A filed report that somebody else made in the device's name. */
export function isForged({ record }: Evidence, device: string, { body }: ArchivedReport): boolean {
  return record.forged.has(sampleKey(device, body as { sensors: Record<string, unknown> }));
}
