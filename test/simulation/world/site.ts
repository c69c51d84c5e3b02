/**
 * The site: the way between the hub and its devices, over a network that loses, doubles, delays and reorders. It tells the
 * record what has reached the hub.
 */
import type { MemoryHub } from '../../../src/memory/hub.ts';
import { NotStored, type Refusal } from '../../../src/memory/message-stream.ts';
import { readReports } from '../../../src/wire/report.ts';
import { siteStream } from '../../../src/wire/subjects.ts';
import { sampleKey, type WorldRecord } from '../record.ts';
import type { Chance } from './chance.ts';
import type { Device, ReportIntake } from './device.ts';
import type { Network } from './network.ts';
import type { Schedule } from './schedule.ts';

/** The one site of the world. */
export const SITE = 'depot';

/** How far from its deadline a command arrives when the network is at its worst, ms: whole ones are how devices count. */
const WORST_MOMENTS = [-1, -0.01, 0, 0.5, 0.99, 1.01, 20, 2_000, 30_000];
/** Of so many commands every copy arrives at one of those moments. */
const WORST_PART = 0.1;

/** What a server answers where a stream does not store, or nobody listens on its subjects. */
const REFUSALS: Readonly<Record<Refusal, string | null>> = {
  full: JSON.stringify({
    error: { code: 503, err_code: 10077, description: 'maximum bytes exceeded' },
    stream: siteStream(SITE),
    seq: 0,
  }),
  away: '',
  silent: null,
};

export interface SiteOptions {
  readonly hub: MemoryHub;
  readonly network: Network;
  readonly schedule: Schedule;
  readonly chance: Chance;
  readonly record: WorldRecord;
}

export class Site implements ReportIntake {
  /** The network is never at its worst any more. */
  isCalm = false;
  readonly #options: SiteOptions;
  /** By device and number: how far from its deadline every copy arrives, ms; `null` for as soon as it can. */
  readonly #moments = new Map<string, number | null>();

  constructor(options: SiteOptions) {
    this.#options = options;
  }

  /** From now on the device hears what the hub has for it. */
  connect(device: Device): void {
    this.#options.hub.onCommand(SITE, device.name, (payload) => this.#handOn(device, payload));
  }

  takeReport(device: string, payload: Uint8Array): string | null {
    const { record, schedule } = this.#options;
    const answer = this.#store(device, payload);
    if (!answer.isStored) return answer.text;
    const read = readReports(device, payload);
    if (!read.ok) {
      record.faults.push({
        at: schedule.now,
        what: `${device} sent what cannot be read: ${read.detail}`,
      });
      return answer.text;
    }
    for (const report of read.reports) {
      const made = record.madeBySample.get(sampleKey(device, report));
      const what = `${device} sent report ${report.boot}/${report.seq} before it was stored`;
      if (made === undefined) record.faults.push({ at: schedule.now, what });
      else made.storedAt ??= schedule.now;
    }
    record.arrivals.push({ device, at: schedule.now, lostAt: null });
    return answer.text;
  }

  /** Stores what somebody else of the site says in the device's name; false where the hub refuses. */
  takeForged(device: string, payload: Uint8Array): boolean {
    return this.#store(device, payload).isStored;
  }

  /** What the hub's stream makes of it, and answers; `null`: nothing. */
  #store(device: string, payload: Uint8Array): { readonly isStored: boolean; readonly text: string | null } {
    const { hub, record, schedule } = this.#options;
    const stream = siteStream(SITE);
    try {
      const { sequence } = hub.storeReport(SITE, device, payload);
      record.noteStored(hub.reports.of(SITE), schedule.now);
      return { isStored: true, text: JSON.stringify({ stream, seq: sequence }) };
    } catch (error) {
      if (!(error instanceof NotStored)) throw error;
      return { isStored: false, text: REFUSALS[error.refusal] };
    }
  }

  /** Hands a command on to its device. Sometimes it takes exactly as long as is worst. */
  #handOn(device: Device, payload: Uint8Array): void {
    const { network } = this.#options;
    const deliver = (): void => device.hear(payload);
    const deadline = this.isCalm ? null : device.deadlineOf(payload);
    const moment = deadline === null ? null : this.#momentFor(`${device.name} ${deadline.n}`);
    if (deadline === null || moment === null) network.send('hub', device.name, deliver);
    else network.sendAt('hub', device.name, deadline.at + moment, deliver);
  }

  /** The same for every copy: otherwise one of them nearly always comes in time. */
  #momentFor(command: string): number | null {
    const { chance } = this.#options;
    const known = this.#moments.get(command);
    if (known !== undefined) return known;
    const moment = chance.hits(WORST_PART) ? chance.pick(WORST_MOMENTS) : null;
    this.#moments.set(command, moment);
    return moment;
  }
}
