import { expect, test } from 'vitest';
import { HUB_VERSION_MIN, isAtLeast } from '../../../src/nats/hub.ts';

test.each(['2.12.7', '2.12.10', '2.13.0', '2.15.1', '3.0.0', '2.14.0-beta.2'])(
  'nats-server %s is new enough',
  (version) => {
    expect(isAtLeast(version, HUB_VERSION_MIN)).toBe(true);
  },
);

test.each(['2.9.10', '2.10.27', '2.12.6', '2.12.6-binary.1', '1.99.99', '', 'unknown'])(
  'nats-server %s is too old, or cannot be told',
  (version) => {
    expect(isAtLeast(version, HUB_VERSION_MIN)).toBe(false);
  },
);
