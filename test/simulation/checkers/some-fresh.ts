import type { Checker } from './checker.ts';

/** A world in which nothing is ever fresh would pass every other property of what is said to be fresh. */
export const someFresh: Checker = {
  name: 'some-fresh',
  sentence: 'once everything works again every device is said to be fresh by some document',
  check: ({ record, truth, calmAt, endedAt }) => {
    const fresh = new Set<string>();
    for (const { request, body, at } of record.said) {
      if (request.operation === 'get' && body.quality === 'fresh' && at > calmAt) fresh.add(request.device);
    }
    return [...truth.keys()]
      .filter((device) => !fresh.has(device))
      .map((device) => ({
        at: endedAt,
        device,
        text: 'no document says fresh, though it was asked and answered',
      }));
  },
};
