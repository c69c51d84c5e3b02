import { AckPolicy, type ConsumerConfig } from '@nats-io/jetstream';
import { nanos } from '@nats-io/nats-core';
import { describe, expect, test } from 'vitest';
import { consumerFlaw, RESENDS_PER_SECOND_MAX } from '../../../src/nats/consumer-watch.ts';

/** As a hub tells of a consumer for which nothing was asked. */
const DEFAULT = {
  ack_policy: AckPolicy.Explicit,
  ack_wait: nanos(30_000),
  max_ack_pending: 1_000,
  max_deliver: -1,
};
const config = (given: Partial<ConsumerConfig>): ConsumerConfig =>
  ({ ...DEFAULT, ...given }) as ConsumerConfig;

describe('a consumer of CHANGES', () => {
  test.each<[string, Partial<ConsumerConfig>]>([
    ['by default', {}],
    ['that leaves 10,000 messages unacknowledged', { max_ack_pending: 10_000 }],
    ['of which every message is acknowledged by a later one', { ack_policy: AckPolicy.All }],
    ['that acknowledges nothing', { ack_policy: AckPolicy.None, ack_wait: nanos(1) }],
    ['that sends nothing twice', { max_deliver: 1, ack_wait: nanos(1) }],
    [
      'that sends as much again as it may',
      { max_ack_pending: RESENDS_PER_SECOND_MAX, ack_wait: nanos(1_000) },
    ],
    ['that sends one message again at once', { max_ack_pending: 1, ack_wait: nanos(1) }],
  ])('%s may be had', (_, given) => {
    expect(consumerFlaw(config(given))).toBeNull();
  });

  test.each<[string, Partial<ConsumerConfig>, RegExp]>([
    ['that pushes', { deliver_subject: 'twin.cp-1.x' }, /^it pushes to twin\.cp-1\.x/],
    ['that pushes and sends nothing twice', { deliver_subject: 'x', max_deliver: 1 }, /^it pushes/],
    ['that sends again at once', { ack_wait: 1 }, /^it may send 1000 messages again after 0 ms/],
    [
      'that sends more again than it may',
      { max_ack_pending: 1_001, ack_wait: nanos(1_000) },
      /1001 messages again after 1000 ms/,
    ],
    ['whose second attempt comes at once', { backoff: [nanos(30_000), 1] }, /after 0 ms/],
    [
      'whose unacknowledged messages nobody bounds',
      { max_ack_pending: -1 },
      /^it may send any number of messages/,
    ],
  ])('%s is removed', (_, given, flaw) => {
    expect(consumerFlaw(config(given))).toMatch(flaw);
  });
});
