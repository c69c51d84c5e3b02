/**
 * Replays charging sessions: every connector becomes a device behind a site, lives its period, delivers it, and is then
 * looked up in Corral.
 */
import { deviceLinks } from '../../src/device/nats-link.ts';
import type { SendingOrder } from '../../src/device/outbox.ts';
import { connectToHub, type HubConnection } from '../../src/nats/connect.ts';
import { listen } from '../../src/nats/listen.ts';
import type { HubSecurity } from '../../src/nats/security.ts';
import { deviceCommand } from '../../src/wire/subjects.ts';
import { CommandLineError } from '../cli/command-line-error.ts';
import { CorralHttp } from '../cli/corral-http.ts';
import type { Progress } from '../cli/progress.ts';
import { eachOf } from './each-of.ts';
import { type Life, lifeOf } from './life.ts';
import { waitFor } from './patience.ts';
import type { Period, PeriodRecord } from './period.ts';
import { type LastReport, ReplayDevice } from './replay-device.ts';
import { deviceOf, nextRun } from './run-number.ts';
import { type CheckResult, compareTimes, expectedTimes, foundTimes, sameWithinMs } from './timeline-check.ts';

/** How a period is replayed. */
export interface ReplayOptions {
  /** A site's leaf, or the hub with a site's credentials. */
  readonly natsUrl: string;
  readonly security: HubSecurity;
  readonly httpUrl: string;
  readonly order: SendingOrder;
  /** `null`: the period is over, and delivered at once. A number: it is lived now, so many times faster. */
  readonly liveSpeed: number | null;
  readonly heartbeatMs: number;
  /** Give up when nothing moves for so long, ms. */
  readonly patienceMs: number;
  readonly progress: Progress;
}

/** What became of one device. */
export interface DeviceOutcome {
  readonly device: string;
  readonly life: Life;
  /** Reports it made; all are acked by the hub. */
  readonly sent: number;
  /** Reports of it in Corral's archive. */
  readonly stored: number;
  /** Reports of it that Corral heard more than once, and kept once. */
  readonly duplicates: number;
  readonly check: CheckResult;
}

/** What became of a replay. */
export interface ReplayOutcome {
  /** From 1: see `run-number.ts`. */
  readonly run: number;
  readonly devices: readonly DeviceOutcome[];
  /** From going on line until all was stored, ms. */
  readonly deliveryMs: number;
}

/** Devices are played in groups that buffer at most about this many reports at once; one device alone may exceed it. */
const BUFFERED_REPORTS_MAX = 1_500_000;

/** How often devices that run are given the time, ms. */
const TICK_MS = 50;

/** Replays a period. Throws {@link CommandLineError} when it cannot be done; a check that does not hold is no error. */
export async function replay(
  period: Period,
  record: PeriodRecord,
  options: ReplayOptions,
): Promise<ReplayOutcome> {
  const { progress, natsUrl, security, httpUrl } = options;
  const corral = new CorralHttp(httpUrl);
  const run = await nextRun(record.connectors, corral);
  const lives = record.connectors.map((connector) =>
    lifeOf(
      connector,
      record.sessions.filter((session) => session.connector === connector),
      period,
    ),
  );
  const connection = await connectToHub({ url: natsUrl, security, name: 'corral replay' });
  try {
    await checkSpeaksAsDevice(connection, deviceOf(record.connectors[0] ?? '', run));
    const links = deviceLinks({ connection });
    const delivered: Delivered[] = [];
    let deliveryMs = 0;
    for (const group of groupsOf(lives, options)) {
      const devices = group.map((life) => {
        const device = deviceOf(life.connector, run);
        const { order, heartbeatMs, liveSpeed } = options;
        return new ReplayDevice({
          device,
          life,
          link: links.link(device),
          order,
          heartbeatMs,
          speed: liveSpeed ?? 1,
        });
      });
      deliveryMs += await deliver(devices, corral, options);
      delivered.push(...devices.map(({ life, device, last }) => ({ device, life, last })));
    }
    progress.step(`checking the timelines of ${String(delivered.length)} devices`);
    return { run, deliveryMs, devices: await checkAll(delivered, corral, options.liveSpeed ?? 1) };
  } finally {
    await connection.close();
  }
}

/** Whether the credentials are a site's: said at once, and not after a period was played for nothing. */
async function checkSpeaksAsDevice(connection: HubConnection, device: string): Promise<void> {
  const refusals: Error[] = [];
  const subscription = listen(connection, {
    subject: deviceCommand(device),
    handle: () => undefined,
    refused: (error) => refusals.push(error),
  });
  // A refusal comes before the answer to the flush.
  await connection.nats.flush();
  subscription.unsubscribe();
  const [refusal] = refusals;
  if (refusal === undefined) return;
  throw new CommandLineError(
    "The user in CORRAL_NATS_URL may not speak as a device: give a site's leaf (the `site` of npm start), or the hub with a site's user.",
    { cause: refusal },
  );
}

/** A device that has delivered everything and is switched off: its buffer is no longer needed. */
interface Delivered {
  readonly device: string;
  readonly life: Life;
  readonly last: LastReport;
}

function groupsOf(lives: readonly Life[], { heartbeatMs, liveSpeed }: ReplayOptions): Life[][] {
  if (liveSpeed !== null) return [[...lives]];
  const groups: Life[][] = [];
  let reports = Infinity;
  for (const life of lives) {
    const ofLife = (life.endsAt - life.bornAt) / heartbeatMs + life.moments.length;
    if (reports + ofLife > BUFFERED_REPORTS_MAX) {
      groups.push([]);
      reports = 0;
    }
    groups.at(-1)?.push(life);
    reports += ofLife;
  }
  return groups;
}

/** Lets devices live and deliver; returns how long delivery took, ms. */
async function deliver(
  devices: readonly ReplayDevice[],
  corral: CorralHttp,
  options: ReplayOptions,
): Promise<number> {
  const { liveSpeed } = options;
  let timer: NodeJS.Timeout | undefined;
  try {
    if (liveSpeed === null) await playAll(devices, options);
    else for (const device of devices) await device.start();
    const startedAt = performance.now();
    for (const device of devices) device.goOnLine();
    const failed = new Promise<never>((_resolve, reject) => {
      timer = setInterval(() => {
        for (const device of devices) device.catchUp().catch(reject);
      }, TICK_MS);
    });
    await Promise.race([failed, awaitDelivery(devices, corral, options)]);
    return Math.round(performance.now() - startedAt);
  } catch (error) {
    await Promise.allSettled(devices.map((device) => device.stop()));
    throw error;
  } finally {
    clearInterval(timer);
  }
}

async function playAll(devices: readonly ReplayDevice[], { progress }: ReplayOptions): Promise<void> {
  let reports = 0;
  for (const [index, device] of devices.entries()) {
    await device.start();
    await device.playToEnd();
    reports += device.last.seq;
    progress.at(
      `playing  ${count(index + 1)} of ${count(devices.length)} devices, ${count(reports)} reports buffered`,
    );
  }
  progress.step(`played   ${count(devices.length)} devices, ${count(reports)} reports buffered`);
}

async function awaitDelivery(
  devices: readonly ReplayDevice[],
  corral: CorralHttp,
  options: ReplayOptions,
): Promise<void> {
  const { progress, liveSpeed } = options;
  if (liveSpeed !== null) await awaitLives(devices, options);
  await awaitAcks(devices, options);
  // They stay on line until Corral has caught up, so that it can ask them how they are and be answered.
  await awaitStored(devices, corral, options);
  await Promise.all(devices.map((device) => device.finish()));
  await awaitStored(devices, corral, options);
  const sent = sum(devices, ({ last }) => last.seq);
  progress.step(`stored   ${count(sent)} reports of ${count(devices.length)} devices`);
}

/** A device whose life is over goes off line: its time would run on faster than the world's, to no purpose. */
async function awaitLives(
  devices: readonly ReplayDevice[],
  { progress, patienceMs }: ReplayOptions,
): Promise<void> {
  await waitFor({
    look: () => {
      for (const device of devices) if (device.isOver) void device.finish();
      return Promise.resolve(sum(devices, ({ uptime, endUp }) => Math.min(uptime, endUp)));
    },
    goal: () => sum(devices, ({ endUp }) => endUp),
    seen: () => {
      const over = devices.filter(({ isOver }) => isOver).length;
      const reports = sum(devices, ({ last }) => last.seq);
      progress.at(
        `living   ${count(over)} of ${count(devices.length)} devices are done, ${count(reports)} reports`,
      );
    },
    patienceMs,
    complaint: () => 'The devices do not live',
  });
}

async function awaitAcks(
  devices: readonly ReplayDevice[],
  { progress, patienceMs }: ReplayOptions,
): Promise<void> {
  const made = (): number => sum(devices, ({ last }) => last.seq);
  await waitFor({
    look: () => Promise.resolve(made() - sum(devices, (device) => device.status().pending)),
    goal: made,
    seen: (acked) => progress.at(`sending  ${count(acked)} of ${count(made())} reports acked by the hub`),
    patienceMs,
    complaint: (acked) => {
      const problem = devices.find((device) => device.publishProblem !== null)?.publishProblem;
      const because = problem === undefined ? '' : ` (${String(problem)})`;
      return `The hub has acked ${count(acked)} of ${count(made())} reports${because}`;
    },
  });
}

/** Waits until Corral has committed every report that the devices have made. */
async function awaitStored(
  devices: readonly ReplayDevice[],
  corral: CorralHttp,
  { progress, patienceMs }: ReplayOptions,
): Promise<void> {
  const stored = new Map<ReplayDevice, number>();
  const behind = (): ReplayDevice[] =>
    devices.filter((device) => (stored.get(device) ?? 0) < device.last.seq);
  const goal = (): number => sum(devices, ({ last }) => last.seq);
  await waitFor({
    look: async () => {
      await eachOf(behind(), async (device) => {
        const twin = await corral.twin(device.device);
        const { boot, seq, missing } = twin?.sequence ?? { boot: null, seq: null, missing: 0 };
        if (boot === device.last.boot && seq !== null) stored.set(device, seq - missing);
      });
      return sum(devices, (device) => stored.get(device) ?? 0);
    },
    goal,
    seen: (done) => progress.at(`storing  ${count(done)} of ${count(goal())} reports stored by Corral`),
    patienceMs,
    complaint: (done) => {
      const [first] = behind();
      const example =
        first === undefined
          ? ''
          : `, of ${first.device} ${count(stored.get(first) ?? 0)} of ${count(first.last.seq)}`;
      return `Corral has stored ${count(done)} of ${count(goal())} reports${example}`;
    },
  });
}

async function checkAll(
  delivered: readonly Delivered[],
  corral: CorralHttp,
  speed: number,
): Promise<DeviceOutcome[]> {
  const outcomes: DeviceOutcome[] = [];
  await eachOf(delivered, async ({ device, life, last }) => {
    const twin = await corral.twin(device);
    const timeline = await corral.timeline(device);
    if (twin === null) throw new CommandLineError(`Corral has forgotten the device ${device}.`);
    outcomes.push({
      device,
      life,
      sent: last.seq,
      stored: sum(timeline, ({ reports }) => reports),
      duplicates: twin.sequence.duplicates,
      check: compareTimes(expectedTimes(life), foundTimes(timeline, last, speed), sameWithinMs(speed)),
    });
  });
  return outcomes.sort((a, b) => (a.device < b.device ? -1 : 1));
}

function sum<Item>(items: readonly Item[], of: (item: Item) => number): number {
  return items.reduce((total, item) => total + of(item), 0);
}

function count(number: number): string {
  return number.toLocaleString('en-GB');
}
