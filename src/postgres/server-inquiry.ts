/** Puts the questions of an inquiry to Postgres (see `inquiry.ts`). */
import { setTimeout as pause } from 'node:timers/promises';
import type { Backend, InquiryPort, LeaseRow } from './inquiry.ts';
import { asError, type SessionPool, warningOf } from './sessions.ts';

/** How long the server takes at most to end one of its processes before it is asked again, ms. */
const TERMINATION_WAIT_MS = 1_000;

/** Asks over connections of the pool. */
export function serverInquiry(sessions: SessionPool): InquiryPort {
  const end = async ({ pid, startedAt }: Backend): Promise<boolean> => {
    const running = await sessions.query({
      text: `select pg_terminate_backend(pid, $3) from pg_stat_activity
        where pid = $1 and backend_start = $2::timestamptz`,
      values: [pid, startedAt, TERMINATION_WAIT_MS],
    });
    return running.length === 0;
  };
  return {
    end,
    leases: (partitions) =>
      sessions.query<LeaseRow>({
        text: 'select partition, epoch, batch from lease where partition = any($1::smallint[])',
        values: [partitions],
      }),
    async rewrite(partition) {
      const session = await sessions.open();
      try {
        const warned = warningOf(session);
        const { rows } = await session.client.query<LeaseRow>(
          'update lease set batch = batch where partition = $1 returning partition, epoch, batch',
          [partition],
        );
        const warning = warned();
        if (warning !== null) throw warning;
        session.release();
        return rows[0] ?? null;
      } catch (error) {
        session.release(asError(error));
        // It may wait for a standby for ever.
        await end(session.backend);
        throw error;
      }
    },
    monotonic: () => performance.now(),
    pause: (ms) => pause(ms),
  };
}
