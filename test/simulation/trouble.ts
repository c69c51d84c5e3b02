/**
 * What can go wrong in a world: faults, which happen by themselves, and mishaps, which follow.
 */

/** Sorts of faults, with how often one happens in a world that has them, ms on average. */
export const FAULTS = {
  'device-link-cut': 600_000,
  'device-link-bad': 600_000,
  'site-cut': 2_400_000,
  'hub-away': 2_400_000,
  'node-link-cut': 900_000,
  'node-link-freeze': 900_000,
  'backend-link-cut': 1_800_000,
  'store-link-cut': 900_000,
  'store-away': 2_400_000,
  'store-fails': 1_200_000,
  'store-mute': 1_200_000,
  'node-crash': 600_000,
  'node-pause': 600_000,
  'node-stop': 1_200_000,
  'device-kill': 600_000,
  'device-power-cut': 900_000,
  'device-wipe': 3_600_000,
  'device-breakdown': 1_800_000,
  'gateway-undecided': 1_200_000,
  'device-flood': 600_000,
  'quartz-drift': 600_000,
  'wall-clock-set': 900_000,
  'server-clock-set': 300_000,
} as const;
export type FaultSort = keyof typeof FAULTS;

/** What follows from those in the single case, and from the weather itself. */
export const MISHAPS = [
  'message-lost',
  'message-doubled',
  'message-late',
  'message-overtaken',
  'message-kept-by-a-cut-link',
  'command-at-its-deadline',
  'commit-failed',
  'commit-unsaid',
  'node-died-in-a-step',
  'device-died-in-a-step',
  'lease-ran-out-asleep',
  'takeover',
  'read-again',
  'passed-over',
  'reports-lost-by-storage',
  'id-reused',
  'away-as-a-wait-ends',
  'command-undecided',
  'command-amended',
  'boot-leaps',
  'seq-leaps',
  'ring-leaps',
  'storageless-device',
  'uncounted-start',
  'device-forgotten',
  'hub-set-back',
  'tail-noticed',
  'message-lost-by-hub',
  'store-set-back',
  'commit-forgotten',
  'lying-clock',
  'clock-lied',
] as const;
export type Mishap = (typeof MISHAPS)[number];
