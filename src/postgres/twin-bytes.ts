/**
 * A twin as bytes, while it rests: the row as the database sent it, or, once something happened to the twin, a form that takes
 * less room and time. Neither ever leaves the process.
 *
 * Invariant: I1  a row begins with the length of a kind's name, so its first byte is 0; the other form begins with PACKED.
 */
import { Packr, Unpackr } from 'msgpackr';
import type { Desired, Hold, SpokenFor, Twin } from '../../actors/twin.ts';
import type { Suspicion } from '../contract/twin-document.ts';
import type { Report } from '../../machines/report.ts';
import { CopiedRow } from './copied-row.ts';
import { encodeSnapshot } from './snapshot.ts';
import { makeTwin, readCopiedTwin } from './twin-row.ts';

const PACKED = 1;

const packr = new Packr({ useRecords: false, variableMapSize: true });
const unpackr = new Unpackr({ useRecords: false, mapsAsObjects: true });

type Places = readonly [
  kind: string,
  site: string,
  version: number,
  path: string,
  incarnation: number,
  report: Report | null,
  hold: Hold | null,
  suspicions: readonly Suspicion[],
  desiredVersion: number,
  desired: Desired['values'],
  snapshot: Uint8Array,
  via: SpokenFor | null,
];

/** Writes a twin. */
export function packTwin(twin: Twin): Uint8Array {
  const { newest, desired } = twin;
  const places: Places = [
    twin.kind,
    twin.site,
    twin.version,
    twin.path,
    twin.incarnation,
    newest === null ? null : newest.report,
    twin.hold,
    twin.suspicions,
    desired.version,
    desired.values,
    encodeSnapshot(twin),
    twin.via,
  ];
  const packed = packr.pack(places);
  const bytes = Buffer.allocUnsafe(packed.length + 1);
  bytes[0] = PACKED;
  bytes.set(packed, 1);
  return bytes;
}

/** Reads the twin of a device from either form. */
export function unpackTwin(device: string, bytes: Uint8Array): Twin {
  if (bytes[0] !== PACKED) return unpackRow(device, bytes);
  const places = unpackr.unpack(bytes.subarray(1)) as Places;
  const [
    kind,
    site,
    version,
    path,
    incarnation,
    reported,
    hold,
    suspicions,
    desiredVersion,
    desired,
    snapshot,
    via,
  ] = places;
  return makeTwin(device, {
    kind,
    site,
    version,
    path,
    incarnation,
    boot: reported === null ? null : reported.boot,
    seq: reported === null ? null : reported.seq,
    up: reported === null ? null : reported.up,
    reported,
    hold,
    suspicions,
    desired_version: desiredVersion,
    desired,
    snapshot,
    via,
  });
}

function unpackRow(device: string, bytes: Uint8Array): Twin {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  return readCopiedTwin(device, new CopiedRow(buffer, 0));
}
