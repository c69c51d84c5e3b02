import { sampleKey } from '../record.ts';
import type { Checker, Flaw } from './checker.ts';

/** Documents hold whole ms, and so do uptimes. */
const WHOLE_MS = 2;

/** A document that says how old it is says the truth. */
export const freshness: Checker = {
  name: 'freshness',
  sentence:
    'a document that says fresh is no older than its kind allows, and its state was measured at asOf ± errorMs',
  check: ({ record, weather, hubOffsetMs }) => {
    const flaws: Flaw[] = [];
    for (const { request, at, body, node } of record.said) {
      if (request.operation !== 'get' || body.outcome !== undefined) continue;
      const { device } = request;
      const reported = (body.reported ?? {}) as Record<string, unknown>;
      const made = record.madeBySample.get(sampleKey(device, { sensors: reported }));
      const limitMs = record.devices.get(device)?.kind.limits.freshMs ?? 0;
      if (made === undefined) continue;
      const ageMs = at - made.measuredAt;
      if (body.quality === 'fresh' && ageMs > limitMs + weather.limits.serverErrorMs)
        flaws.push({ at, device, text: `${node} says fresh of what was measured ${ageMs} ms ago` });
      const { asOf, errorMs } = body as { asOf: number; errorMs: number | null };
      const offMs = asOf - (made.measuredAt + hubOffsetMs);
      if (errorMs !== null && Math.abs(offMs) > errorMs + WHOLE_MS)
        flaws.push({ at, device, text: `${node} says asOf ± ${errorMs} ms, and it is ${offMs} ms off` });
    }
    return flaws;
  },
};
