import { expect, test } from 'vitest';
import { Backlog } from '../../../src/runtime/backlog.ts';
import { Intake } from '../../../src/runtime/intake.ts';
import { DEFAULT_LIMITS } from '../../../src/runtime/limits.ts';
import type { PartitionState } from '../../../src/runtime/partition-state.ts';
import type { Delivery } from '../../../src/runtime/ports.ts';

const POSITION = 1_000;
const { burst } = DEFAULT_LIMITS.deviceRate;

/** A host that has decided everything of the stream up to a position. */
function intake(): Intake {
  const partition = { partition: 1, backlog: new Backlog([]), positions: { of: () => POSITION } };
  const partitions = new Map([[1, partition as unknown as PartitionState]]);
  return new Intake({ limits: DEFAULT_LIMITS, partitions });
}

/** What is said at once from a sequence on, by one device, and how the last of it is judged. */
function lastVerdict(judge: Intake, from: number): string {
  const where = { stream: 's', partition: 1, receivedAt: 0, site: 'depot', device: 'cp-1' };
  const verdicts = Array.from({ length: burst + 1 }, (_, index): string => {
    const delivery: Delivery = { ...where, sequence: from + index, payload: new Uint8Array([0x80]) };
    return judge.judge(delivery);
  });
  return verdicts.at(-1) ?? '';
}

test('what was decided before costs nobody his rate when it is delivered again', () => {
  const judge = intake();
  expect(lastVerdict(judge, 1)).toBe('in-turn');
  expect(lastVerdict(judge, POSITION + 1)).toBe('above');
});

test('a stream that was made anew is judged from its first message on', () => {
  const judge = intake();
  expect(lastVerdict(judge, 1)).toBe('in-turn');
  judge.skip({ stream: 's', from: POSITION + 1, to: 0 });
  expect(lastVerdict(judge, 1)).toBe('above');
});

test('messages that are gone from the stream leave what was decided as it is', () => {
  const judge = intake();
  expect(lastVerdict(judge, 1)).toBe('in-turn');
  judge.skip({ stream: 's', from: 1, to: 500 });
  expect(lastVerdict(judge, 501)).toBe('in-turn');
});
