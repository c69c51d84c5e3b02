import { expect, test } from 'vitest';
import { parseDeliveryInfo } from '../../../src/nats/delivery-info.ts';

const info = { sequence: 17, deliveryNo: 5, storedAt: 1_774_000_000_124, pending: 3 };

test('the short form of an ack subject is read, and the time is rounded up to a ms', () => {
  expect(parseDeliveryInfo('$JS.ACK.DEVICES.corral-x.1.17.5.1774000000123456789.3')).toEqual(info);
});

test('the long form is read, with and without its last token', () => {
  expect(parseDeliveryInfo('$JS.ACK.hub.ACCOUNT.DEVICES.corral-x.1.17.5.1774000000123456789.3')).toEqual(
    info,
  );
  expect(
    parseDeliveryInfo('$JS.ACK.hub.ACCOUNT.DEVICES.corral-x.1.17.5.1774000000123456789.3.token'),
  ).toEqual(info);
});

test.each([
  '',
  '_INBOX.abc.1',
  '$JS.ACK.DEVICES.corral-x.1.17.5',
  '$JS.ACK.DEVICES.c.1.many.5.1774000000123456789.3',
  '$JS.ACK.DEVICES.c.1.-17.5.1774000000123456789.3',
  '$JS.ACK.DEVICES.c.1.0.5.1774000000123456789.3',
  '$JS.ACK.DEVICES.c.1.17.5.soon.3',
  '$JS.ACK.DEVICES.c.1.17.5.1774000000123456789.-3',
  '$JS.ACK.DEVICES.c.1.17.5.1774000000123456789.',
  '$JS.ACK.DEVICES.c.1.1e300.5.1774000000123456789.3',
])('nothing is read from %j', (subject) => {
  expect(parseDeliveryInfo(subject)).toBeNull();
});
