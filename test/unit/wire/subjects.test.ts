import { describe, expect, test } from 'vitest';
import { PARTITIONS, fnv1a32, partitionOf } from '../../../src/wire/partition.ts';
import {
  httpCommand,
  httpForget,
  parseReportSubject,
  parseRequestSubject,
} from '../../../src/wire/subjects.ts';

describe('a report subject', () => {
  test('tells partition, site and device', () => {
    expect(parseReportSubject('report.31.depot.cp-001')).toEqual({
      partition: 31,
      site: 'depot',
      device: 'cp-001',
    });
  });

  test.each([
    'report.1.depot',
    'report.1.depot.a.b',
    'report.x.depot.a',
    'reports.1.depot.a',
    'report.-1.depot.a',
    'report',
    'report.1',
  ])('is not %s', (subject) => {
    expect(parseReportSubject(subject)).toBeNull();
  });
});

describe('a request subject', () => {
  test('tells partition, who asks, device and operation', () => {
    expect(parseRequestSubject('owner.7.nats.booking.cp-001.get')).toEqual({
      partition: 7,
      asker: 'nats:booking',
      device: 'cp-001',
      operation: { type: 'get' },
    });
    expect(parseRequestSubject('owner.7.http.till-2.cp-001.command.reserve')).toEqual({
      partition: 7,
      asker: 'http:till-2',
      device: 'cp-001',
      operation: { type: 'command', name: 'reserve' },
    });
  });

  test.each([
    'owner.7.nats.backend.cp-001',
    'owner.7.nats.backend.cp-001.delete',
    'owner.7.nats.backend.cp-001.command',
    'owner.7.nats.backend.cp-001.command.a.b',
    'owner.x.nats.backend.a.get',
    'owner.7.nats.backend.a.get.b',
    'owner.7.mail.backend.a.get',
    'owner.7.cp-001.get',
  ])('is not %s', (subject) => {
    expect(parseRequestSubject(subject)).toBeNull();
  });

  test('that asks to forget a device is one over HTTP alone', () => {
    const subject = httpForget('till-2', 'cp-001');
    expect(parseRequestSubject(subject)).toMatchObject({
      asker: 'http:till-2',
      operation: { type: 'forget' },
    });
    expect(parseRequestSubject(subject.replace('.http.', '.nats.'))).toBeNull();
  });

  test('of a command over HTTP reaches the partition that the hub maps its device to', () => {
    expect(httpCommand('till-2', 'cp-001', 'reserve')).toBe(
      `owner.${String(partitionOf('cp-001'))}.http.till-2.cp-001.command.reserve`,
    );
  });
});

describe('a partition', () => {
  test('is FNV-1a 32 of the device id, modulo 32', () => {
    // Test vectors of the function's authors (Fowler, Noll, Vo), 32 bits, FNV-1a.
    expect(fnv1a32('')).toBe(0x811c9dc5);
    expect(fnv1a32('a')).toBe(0xe40c292c);
    expect(fnv1a32('foobar')).toBe(0xbf9cf968);
    expect(partitionOf('foobar')).toBe(0xbf9cf968 % PARTITIONS);
  });

  test('gets its share of devices', () => {
    const counts = new Array<number>(PARTITIONS).fill(0);
    for (let device = 0; device < 32_000; device += 1) counts[partitionOf(`cp-${String(device)}`)]! += 1;
    expect(Math.min(...counts)).toBeGreaterThan(800);
    expect(Math.max(...counts)).toBeLessThan(1_200);
  });
});
