/**
 * Every NATS subject Corral speaks, in one place. `nats.conf` maps the contract's names (left) to the inner ones
 * (right), which carry the partition and, for devices, the site that the broker vouches for:
 *
 *   device.<id>.report         -> report.<partition>.<site>.<id>       stream DEVICES-<site>
 *   device.<id>.command        <- command.<site>.<id>
 *   twin.<id>.get|ledger|...   -> owner.<partition>.<via>.<asker>.<id>.get|ledger|...
 *   twin.<id>.command.<name>   -> owner.<partition>.<via>.<asker>.<id>.command.<name>
 *
 * A caller's account sees `twin.<id>.get`; its imports in `nats.conf` make `ask.<account>.twin.<id>.get` of it, with its own
 * name and no other, and the mapping writes `nats` for `<via>`. What a node asks for a user of HTTP it publishes itself.
 */
import { partitionOf } from './partition.ts';

/** The beginning of the names of all streams of reports. */
const REPORT_STREAM = 'DEVICES';

/**
 * Where the reports of all sites were kept before each had a stream of its own. A hub that has it still is read to its end; the
 * stream's subjects are its own name, on which nobody publishes.
 */
export const SHARED_REPORT_STREAM = { name: REPORT_STREAM, subjects: [REPORT_STREAM] } as const;

/** The stream of the reports of one site. */
export const siteStream = (site: string): string => `${REPORT_STREAM}-${site}`;
/** What it keeps. */
export const siteReports = (site: string): string => `report.*.${site}.*`;

/** A site's name stands in the name of its stream: no blank, no wildcard, and nothing that means something in a path. */
export function isSiteName(site: string): boolean {
  return /^[^\s.*>/\\\p{C}]+$/u.test(site);
}

/** Whether a stream of this name keeps reports. */
export function isReportStream(name: string): boolean {
  return name === REPORT_STREAM || name.startsWith(`${REPORT_STREAM}-`);
}

/** How long streams keep their messages, ms. A consumer that stays away longer has missed some. */
export const STREAM_MAX_AGE_MS = 7 * 24 * 3_600_000;

/** Streams on the hub, besides one for the reports of each site. */
export const STREAMS = {
  /** `twin.<id>.changed` and `twin.<id>.outcome`, so that a consumer can catch up. */
  changes: { name: 'CHANGES', subjects: ['twin.*.changed', 'twin.*.outcome'] },
  /** Messages that could not be read, each with its reason. */
  deadLetters: { name: 'DEADLETTER', subjects: ['deadletter.*.*'] },
} as const;

/** What a device of a site publishes its reports on; the broker maps it to {@link partitionReports}. */
export const deviceReport = (device: string): string => `device.${device}.report`;
/** What a device listens on. */
export const deviceCommand = (device: string): string => `device.${device}.command`;

/** All reports of one partition. */
export const partitionReports = (partition: number): string => `report.${String(partition)}.>`;
/** All reports that a device sent as one of a site. */
export const deviceReports = (partition: number, site: string, device: string): string =>
  `report.${String(partition)}.${site}.${device}`;
/** Where the runtime sends a command; the site's account sees it as {@link deviceCommand}. */
export const siteCommand = (site: string, device: string): string => `command.${site}.${device}`;

/** All backend requests for the twins of one partition. */
export const partitionRequests = (partition: number): string => `owner.${String(partition)}.>`;

/** What the hub makes of a subject of `twin.<id>` that an account asks, before it maps it to the owner. */
export const askedBy = (account: string, subject: string): string => `ask.${account}.${subject}`;
/** A command that a node asks for in the name of a token of HTTP: to the owner, past the mapping. */
export const httpCommand = (token: string, device: string, name: string): string =>
  `owner.${String(partitionOf(device))}.http.${token}.${device}.command.${name}`;

/** Has a device forgotten, at the word of a token of HTTP: there is no other way to ask for it. */
export const httpForget = (token: string, device: string): string =>
  `owner.${String(partitionOf(device))}.http.${token}.${device}.forget`;

/** Asks for the twin document. */
export const twinGet = (device: string): string => `twin.${device}.get`;
/** Asks how a command stands. */
export const twinLedger = (device: string): string => `twin.${device}.ledger`;
/** Changes the desired configuration. */
export const twinDesired = (device: string): string => `twin.${device}.desired`;
/** Commands the device. */
export const twinCommand = (device: string, name: string): string => `twin.${device}.command.${name}`;
/** A line of the journal became known; in the stream CHANGES. */
export const twinChanged = (device: string): string => `twin.${device}.changed`;
/** A command's outcome became known; in the stream CHANGES. */
export const twinOutcome = (device: string): string => `twin.${device}.outcome`;
/** Finds devices, whoever owns them. */
export const FLEET_FIND = 'fleet.find';

/** Where a message that could not be read is kept: by reason, and by partition of the subject it came on. */
export const deadLetter = (reason: string, partition: number): string =>
  `deadletter.${reason}.${String(partition)}`;

const REPORT_PREFIX = 'report.';

/** A report subject taken apart, or `null` when it is not one. It runs for every message of the stream. */
export function parseReportSubject(
  subject: string,
): { readonly partition: number; readonly site: string; readonly device: string } | null {
  if (!subject.startsWith(REPORT_PREFIX)) return null;
  const siteAt = subject.indexOf('.', REPORT_PREFIX.length) + 1;
  const deviceAt = subject.indexOf('.', siteAt) + 1;
  if (siteAt === 0 || deviceAt === 0 || subject.includes('.', deviceAt)) return null;
  const partition = Number(subject.slice(REPORT_PREFIX.length, siteAt - 1));
  if (!Number.isInteger(partition) || partition < 0) return null;
  return { partition, site: subject.slice(siteAt, deviceAt - 1), device: subject.slice(deviceAt) };
}

/** A subject of the stream CHANGES taken apart, or `null` when it is not one. */
export function parseChangeSubject(
  subject: string,
): { readonly device: string; readonly type: 'changed' | 'outcome' } | null {
  const [root, device, type, ...rest] = subject.split('.');
  if (root !== 'twin' || device === undefined || rest.length > 0) return null;
  return type === 'changed' || type === 'outcome' ? { device, type } : null;
}

/** What a backend asks of a twin. */
export type TwinOperation =
  | { readonly type: 'get' }
  | { readonly type: 'ledger' }
  | { readonly type: 'desired' }
  | { readonly type: 'command'; readonly name: string }
  /** Only over HTTP: no account is given a subject for it. */
  | { readonly type: 'forget' };

/** A request as its subject tells it. */
export interface ParsedRequest {
  readonly partition: number;
  /** Who asks, which no caller writes itself: `nats:<account>` by the hub, `http:<token name>` by the node that was asked. */
  readonly asker: string;
  readonly device: string;
  readonly operation: TwinOperation;
}

/** A request subject taken apart, or `null` when it is not one. */
export function parseRequestSubject(subject: string): ParsedRequest | null {
  const [root, partition, via, caller, device, verb, name, ...rest] = subject.split('.');
  if (root !== 'owner' || partition === undefined || !/^\d+$/.test(partition)) return null;
  if ((via !== 'nats' && via !== 'http') || caller === undefined) return null;
  if (device === undefined || rest.length > 0) return null;
  const where = { partition: Number(partition), asker: `${via}:${caller}`, device };
  if (verb === 'command' && name !== undefined) return { ...where, operation: { type: 'command', name } };
  if (name !== undefined) return null;
  if (verb === 'forget' && via === 'http') return { ...where, operation: { type: verb } };
  if (verb === 'get' || verb === 'ledger' || verb === 'desired')
    return { ...where, operation: { type: verb } };
  return null;
}
