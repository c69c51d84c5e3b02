import type { Checker, Flaw } from '../../simulation/checkers/checker.ts';
import type { ToldVersion } from '../record.ts';
import type { StormEvidence } from '../evidence.ts';

/** Whoever asks after somebody was told is told no less, whichever node and protocol he asks. */
export const versions: Checker<StormEvidence> = {
  name: 'versions',
  sentence:
    'who asks for a twin is told no version older than one that anybody had been told before he asked, and none that the store never had',
  check: ({ record, store, devices }) =>
    record.versions.flatMap((asked): Flaw[] => {
      const { device, version, by, at, askedAt } = asked;
      // Somebody may still be told of devices of earlier storms: they fall silent.
      if (!devices.includes(device)) return [];
      const flaw = (text: string): Flaw[] => [{ at, device, text: `${by} told version ${version}: ${text}` }];
      const last = store.twins.get(device)?.version ?? 0;
      if (version > last) return flaw(`the store has ${last} in the end`);
      const newer = record.versions.find((before) => isNewer(before, asked, askedAt));
      return newer === undefined
        ? []
        : flaw(`${newer.by} had told ${newer.version} ${askedAt - newer.at} ms before that was asked`);
    }),
};

/** Times are whole ms: what was told in the ms of the question may have been told after it. */
function isNewer(before: ToldVersion, { device, version }: ToldVersion, askedAt: number): boolean {
  return before.device === device && before.version > version && before.at < askedAt && askedAt !== Infinity;
}
