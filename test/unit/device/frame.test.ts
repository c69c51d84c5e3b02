import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Report } from '../../../machines/report.ts';
import { frameOverhead, framePayload } from '../../../src/device/frame.ts';
import { AGENT_LIMITS } from '../../../src/device/limits.ts';
import { encode, type Encoding } from '../../../src/wire/codec.ts';
import { FRAME_REPORTS_MAX, readReports } from '../../../src/wire/report.ts';

const reportOf = (seq: number): Report => ({
  boot: 1,
  seq,
  up: seq * 10,
  state: 'available',
  sensors: { level: seq / 3, note: 'ä€😀' },
});

describe.each<Encoding>(['json', 'msgpack'])('a frame in %s', (encoding) => {
  const counts = [1, 2, 15, 16, 17, 255, 256, 5_000];

  test.each(counts)('of %i reports is read by the server as these reports, in order', (count) => {
    const reports = Array.from({ length: count }, (_, index) => reportOf(index + 1));
    const payload = framePayload(
      reports.map((report) => encode(report, encoding)),
      encoding,
    );
    expect(readReports('cp-001', payload)).toEqual({ ok: true, reports, problems: [] });
  });

  test('is no longer than its reports and the overhead', () => {
    const sizes = fc.array(fc.nat({ max: 2_000 }), { minLength: 1, maxLength: 70 });
    fc.assert(
      fc.property(sizes, (lengths) => {
        const reports = lengths.map((length) => new Uint8Array(length));
        const bytes = lengths.reduce((sum, length) => sum + length, 0);
        const frame = framePayload(reports, encoding);
        expect(frame.length).toBeLessThanOrEqual(bytes + frameOverhead(lengths.length));
      }),
    );
  });
});

test('a MessagePack list of more than 65,535 parts is still a list', () => {
  const payload = framePayload(
    Array.from({ length: 70_000 }, () => encode({}, 'msgpack')),
    'msgpack',
  );
  expect(readReports('cp-001', payload)).toMatchObject({ ok: false, reason: 'bad-frame' });
});

test('the limits of an agent are within those of the server', () => {
  expect(AGENT_LIMITS.frameReportsMax).toBeLessThanOrEqual(FRAME_REPORTS_MAX);
  expect(AGENT_LIMITS.frameBytesMax).toBeLessThan(1_000_000);
});
