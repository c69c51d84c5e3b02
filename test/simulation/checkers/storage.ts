import type { Checker } from './checker.ts';

/** A device finds what it has stored. */
export const storage: Checker = {
  name: 'storage',
  sentence:
    'whatever a disk does to what was not synced, a device finds the memory that it stored last, and all reports of before it',
  check: ({ record }) => record.brokenStorages.map(({ at, device, what }) => ({ at, device, text: what })),
};
