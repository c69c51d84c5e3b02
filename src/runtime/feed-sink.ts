/**
 * Where a host's feed delivers: into its mailbox, so that what is said about a stream is taken in order with its messages.
 */
import type { HubDates } from './hub-dates.ts';
import type { Intake } from './intake.ts';
import type { Mailbox } from './mailbox.ts';
import type { FeedSink } from './ports.ts';

/** The sink of one host. */
export function feedSink(parts: {
  readonly mailbox: Mailbox;
  readonly intake: Intake;
  readonly dates: HubDates;
}): FeedSink {
  const { mailbox, intake, dates } = parts;
  return {
    deliver: (batch) => mailbox.offerMessages(dates.received(batch), (...which) => intake.judge(...which)),
    caughtUp: (isHearing) => mailbox.offer({ type: 'caught-up', isHearing }),
    gap: (range) => {
      intake.skip(range);
      dates.skip(range);
      mailbox.offer({ type: 'gap', range });
    },
    streamIdentified: (which) => mailbox.offer({ type: 'stream-identified', ...which }),
    opens: (streams) => mailbox.offer({ type: 'opens', streams }),
    readThrough: (stream) => mailbox.offer({ type: 'read-through', stream }),
  };
}
