/** What is made of the answers of the server after a commit whose connection was cut. */
import { describe, expect, test } from 'vitest';
import { Inquiries, type InquiryPort, type LeaseRow } from '../../../src/postgres/inquiry.ts';
import type { Commit, CommitResult } from '../../../src/runtime/ports.ts';

const LIMITS = { giveUpAfterMs: 100, inquiryPauseMs: 10 };
const EPOCH = 7;
const ADVANCE = { partition: 3, epoch: EPOCH, afterBatch: 20, journal: 0, published: 0 };
const NOTHING = { twins: [], reports: [], clocks: [], ledger: [], journal: [] };
const COMMIT: Commit = { ...NOTHING, partitions: [{ ...ADVANCE, positions: [], backlog: null }] };

/** A server whose process is gone, and that answers two questions: which leases there are, and which one a write of our own finds. */
function inquire(leases: readonly LeaseRow[], rewrite: InquiryPort['rewrite']): Promise<CommitResult> {
  let now = 0;
  const port: InquiryPort = {
    end: async () => true,
    leases: async () => leases,
    rewrite,
    monotonic: () => now,
    pause: async (ms) => void (now += ms),
  };
  return new Inquiries(port, LIMITS).after(COMMIT, { pid: 1, startedAt: 'then' });
}

const written: LeaseRow = { partition: 3, epoch: EPOCH, batch: 21 };

describe('a commit that is seen in the database', () => {
  test('was written once a write of our own, under the same rule, found it', async () => {
    expect(await inquire([written], async () => written)).toEqual({ type: 'committed' });
  });

  test('is not known to be while no write of our own is answered', async () => {
    const result = await inquire([written], () => Promise.reject(new Error('no answer')));
    expect(result).toMatchObject({ type: 'unavailable', cause: { message: 'no answer' } });
  });

  test('was not written where a standby has taken over meanwhile that does not have it', async () => {
    const result = await inquire([written], async () => ({ ...written, batch: 20 }));
    expect(result).toMatchObject({ type: 'unavailable' });
  });

  test('is lost where somebody else has taken the partition from that standby meanwhile', async () => {
    for (const found of [{ ...written, epoch: EPOCH + 1 }, null])
      expect(await inquire([written], async () => found)).toEqual({ type: 'fenced', partitions: [3] });
  });
});

test('a commit of a node that was deposed is lost, however many batches the next owner has written', async () => {
  const next = { partition: 3, epoch: EPOCH + 1, batch: 40 };
  expect(await inquire([next], async () => next)).toEqual({ type: 'fenced', partitions: [3] });
});
