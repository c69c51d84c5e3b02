import type { Checker } from './checker.ts';

/** What may never happen at all. */
export const soundness: Checker = {
  name: 'soundness',
  sentence:
    'no twin fails to decide, no process ends, nothing that is sent is unreadable or not stored before, the store refuses nothing',
  check: ({ record }) => record.faults.map(({ at, what }) => ({ at, device: null, text: what })),
};
