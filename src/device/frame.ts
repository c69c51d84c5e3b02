/**
 * Several encoded reports as one payload: a MessagePack or JSON list of them, put together without encoding them again,
 * so that a report is the same bytes however often and in whatever company it is sent.
 */
import type { Encoding } from '../wire/codec.ts';

/** The most bytes a list adds around `reports` reports. */
export function frameOverhead(reports: number): number {
  return 5 + reports;
}

/** The payload for these reports, which are all in `encoding`: a single one as it is, several as a list. */
export function framePayload(reports: readonly Uint8Array[], encoding: Encoding): Uint8Array {
  const [only] = reports;
  if (only !== undefined && reports.length === 1) return only;
  return encoding === 'msgpack' ? msgpackList(reports) : jsonList(reports);
}

function msgpackList(items: readonly Uint8Array[]): Uint8Array {
  const count = items.length;
  const header = Buffer.alloc(count < 0x10 ? 1 : count <= 0xffff ? 3 : 5);
  if (count < 0x10) {
    header.writeUInt8(0x90 | count);
  } else if (count <= 0xffff) {
    header.writeUInt8(0xdc);
    header.writeUInt16BE(count, 1);
  } else {
    header.writeUInt8(0xdd);
    header.writeUInt32BE(count, 1);
  }
  return Buffer.concat([header, ...items]);
}

function jsonList(items: readonly Uint8Array[]): Uint8Array {
  const comma = Buffer.from(',');
  const parts: Uint8Array[] = [Buffer.from('[')];
  for (const [index, item] of items.entries()) {
    if (index > 0) parts.push(comma);
    parts.push(item);
  }
  return Buffer.concat([...parts, Buffer.from(']')]);
}
