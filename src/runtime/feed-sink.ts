/**
 * Where a host's feed delivers: into its mailbox, so that what is said about a stream is taken in order with its messages.
 */
import type { Intake } from './intake.ts';
import type { Mailbox } from './mailbox.ts';
import type { FeedSink } from './ports.ts';

/** The sink of one host. */
export function feedSink(mailbox: Mailbox, intake: Intake): FeedSink {
  return {
    deliver: (batch) => mailbox.offerMessages(batch, (...which) => intake.judge(...which)),
    hearing: (isHearing) => mailbox.offer({ type: 'hearing', isHearing }),
    gone: (range) => {
      intake.skip(range);
      mailbox.offer({ type: 'gone', range });
    },
    reads: (which) => mailbox.offer({ type: 'reads', ...which }),
    opens: (streams) => mailbox.offer({ type: 'opens', streams }),
    readThrough: (stream) => mailbox.offer({ type: 'read-through', stream }),
  };
}
