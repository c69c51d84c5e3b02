/**
 * Seeds of worlds that once went wrong, each with what was wrong. A seed keeps its world only as long as the world draws its
 * chances in the same order; what a seed showed has a test of its own where it was repaired.
 */
export const regressions: readonly { readonly seed: number; readonly why: string }[] = [
  {
    seed: 662,
    why: 'what was committed and then forgotten was published by who had lost the partition, behind what the next owner had to say',
  },
  {
    seed: 723,
    why: 'a hold proved a command done of which its device had said for good that it cannot tell',
  },
  { seed: 1114, why: 'a copy of a report from two storages ago was news' },
  {
    seed: 1716,
    why: 'a wake-up that was due just when its node stood still took that time for silence of the device',
  },
  {
    seed: 1847,
    why: 'a copy of what was filed in doubt began a new count of boots, once a person had ended the doubt',
  },
  { seed: 2486, why: 'what was filed in doubt was filed again when a later boot had begun the new count' },
  { seed: 3181, why: 'what came before anybody knew of a new count of boots was filed once more under it' },
  { seed: 4721, why: 'more holes than a twin kept open were closed before their reports came' },
  { seed: 7893, why: 'a copy of what was filed in doubt began a new count of boots, and was filed again' },
];
