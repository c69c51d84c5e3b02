/**
 * Remote starts through a gateway, on real servers, while the world goes back: the database is restored from a backup and the hub loses the
 * tail of its streams, in the middle of it. 17 % of the starts are accepted and have no effect, effects come up to 272 s late, 1 % of the
 * calls get no answer; station, gateway's patience and customers live 100 times as fast, and a command may start for 1 s in place of 20.
 * Servers, links, twins and agents live in everybody's time.
 *
 * In the end ledger, device and history agree for each start, and what the restored database has forgotten is told as that.
 * A few of them here; `CORRAL_REMOTE_STARTS=34000` for as many as in the log that the shares are from, `CORRAL_REMOTE_STARTS_SEED` for others.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, expect, test } from 'vitest';
import { connectCorral, type CommandResult, type Corral, CorralRefusal } from '../../src/client/corral.ts';
import { migrate } from '../../src/postgres/migrate.ts';
import { type DatabaseEye, openEye } from '../contract/database-eye.ts';
import { until } from '../nodes/node.ts';
import { impatientChargePoint, startNodeWithKinds } from '../nodes/node-with-kinds.ts';
import type { NodeProcess } from '../nodes/node-process.ts';
import { Customers } from '../remote-starts/customers.ts';
import { startGateway } from '../remote-starts/gateway.ts';
import { judge, type Judgement } from '../remote-starts/judgement.ts';
import type { Calamities, Said, ToldInterval } from '../remote-starts/said.ts';
import type { Truth } from '../remote-starts/truth.ts';
import { type BackedUpServer, startPostgres } from '../servers/servers.ts';
import { Chance } from '../simulation/world/chance.ts';
import { World } from '../servers/world.ts';

const STARTS = Number(process.env.CORRAL_REMOTE_STARTS ?? 24);
const SEED = Number(process.env.CORRAL_REMOTE_STARTS_SEED ?? 1);
/** Of few starts each trouble meets some of them at least, and no more is said of how many. */
const IS_LARGE = STARTS >= 100;
const SPEED = 100;
/** Charge points behind the gateway: of many starts each has a dozen at least, and a large run has no more of them than two cores carry. */
const DEVICES = Math.min(64, Math.ceil(STARTS / (IS_LARGE ? 12 : 4)));
const START_WINDOW_MS = 1_000;
const RESEND_MS = 250;
/** The parts of all starts after which something happens: copy the database, copy the hub's store, set that back, set the database back. */
const [BACK_UP, KEEP, SET_HUB_BACK, SET_BACK] = [0.2, 0.35, 0.5, 0.65];
/** No more than this part of all starts is asked for before the database is set back. */
const BEFORE_SET_BACK = 0.85;
/** Charge points that are looked at together in the end: a node tells no more than a few readers of its history at a time. */
const JUDGED_AT_ONCE = 4;
/** In the end it is looked so often, so far apart, ms. */
const [LOOKS_MAX, LOOK_EVERY_MS] = [15, 2_000];
/** Answers of a node over HTTP that is asked too much: 429 by one address, 503 of its store. */
const ASK_AGAIN: readonly number[] = [429, 503];
/** What cannot end is a fault, and no slow machine, ms. */
const LIMIT_MS = 600_000 + 1_000 * STARTS;

let world: World;

afterEach(async () => {
  await world.end();
});

/** How far it has got, and who waits for that. Nobody is so far ahead that everything is over before something has happened to the servers. */
class Progress {
  done = 0;
  #begun = 0;
  #allowed = Math.floor(KEEP * STARTS);
  #waiting: (() => void)[] = [];

  /** Resolves when one more start may be asked for. */
  readonly begin = async (): Promise<void> => {
    while (this.#begun >= this.#allowed) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    this.#begun += 1;
  };

  readonly end = (): void => {
    this.done += 1;
  };

  /** This part of all starts may have been asked for from now on. */
  allow(part: number): void {
    this.#allowed = Math.floor(part * STARTS);
    for (const resume of this.#waiting.splice(0)) resume();
  }

  async until(part: number): Promise<number> {
    const wanted = Math.floor(part * STARTS);
    const look = async () => ({
      done: this.done >= wanted,
      seen: `${String(this.done)} of ${String(wanted)}`,
    });
    await until('so many remote starts have come to their end', look, LIMIT_MS);
    return Date.now();
  }
}

/** What happens to the servers meanwhile. */
async function goBack(postgres: BackedUpServer, progress: Progress): Promise<Calamities> {
  const backUpBegan = await progress.until(BACK_UP);
  await postgres.backUp();
  progress.allow(SET_HUB_BACK);
  const keepingBegan = await progress.until(KEEP);
  await world.hub.keepStore();
  progress.allow(SET_BACK);
  await progress.until(SET_HUB_BACK);
  await world.hub.setStoreBack();
  const hubSetBack = Date.now();
  progress.allow(BEFORE_SET_BACK);
  const databaseLost = await progress.until(SET_BACK);
  await postgres.setBack();
  progress.allow(1);
  return { backUpBegan, keepingBegan, hubSetBack, databaseLost, databaseSetBack: Date.now() };
}

async function ledgerOf(corral: Corral, device: string, id: string): Promise<CommandResult | null> {
  try {
    return await corral.ledger(device, id);
  } catch (error) {
    if (error instanceof CorralRefusal && error.code === 'unknown-id') return null;
    throw error;
  }
}

async function timelineOf({ httpUrl }: NodeProcess, device: string): Promise<readonly ToldInterval[]> {
  const intervals: ToldInterval[] = [];
  for (let next: string | null = `/v1/devices/${device}/timeline?limit=500`; next !== null;) {
    const response = await fetch(`${httpUrl}${next}`);
    if (ASK_AGAIN.includes(response.status)) {
      await pause(LOOK_EVERY_MS);
      continue;
    }
    if (!response.ok)
      throw new Error(`${next} was answered with ${String(response.status)}: ${await response.text()}`);
    const page = (await response.json()) as { intervals: ToldInterval[]; next: string | null };
    intervals.push(...page.intervals);
    ({ next } = page);
  }
  return intervals;
}

/** Who says something of a charge point in the end. */
interface SaidBy {
  readonly corral: Corral;
  readonly eye: DatabaseEye;
  readonly reader: NodeProcess;
  readonly customers: Customers;
}

/** All that is said of a charge point, once every report that will ever be read was. */
async function saidOf({ device }: Truth, { corral, eye, reader, customers }: SaidBy): Promise<Said> {
  const ledger = new Map<string, CommandResult | null>();
  for (const { id } of customers.asked) ledger.set(id, await ledgerOf(corral, device, id));
  const stored = await eye.query<{ position: string; state: string }>(
    "select boot || '/' || seq as position, state from history where device = $1",
    [device],
  );
  const document = await corral.get(device);
  const { asked, givenUpAt } = customers;
  return { asked, givenUpAt, ledger, document, stored, timeline: await timelineOf(reader, device) };
}

/** What was acknowledged last is read a moment later: looks again while anything is wrong, and that may be why. */
async function judgeInTheEnd(
  truth: Truth,
  say: () => Promise<Said>,
  calamities: Calamities,
): Promise<Judgement> {
  for (let looks = 1; ; looks += 1) {
    const judgement = judge(truth, await say(), calamities);
    if (judgement.flaws.length === 0 || looks === LOOKS_MAX) return judgement;
    await pause(LOOK_EVERY_MS);
  }
}

function sumOf(counts: readonly Readonly<Record<string, number>>[]): Record<string, number> {
  const sums: Record<string, number> = {};
  for (const [name, count] of counts.flatMap((one) => Object.entries(one)))
    sums[name] = (sums[name] ?? 0) + count;
  return sums;
}

test(
  `${String(STARTS)} remote starts on real servers, over a restore and a truncation, end with ledger, device and history in agreement`,
  async () => {
    const begunAt = Date.now();
    const postgres = await startPostgres();
    world = await World.start({ postgres });
    await migrate(world.databaseUrl);
    const kind = impatientChargePoint({ resendMs: RESEND_MS }, { startWindowMs: START_WINDOW_MS });
    await startNodeWithKinds(world, [kind]);
    const devices = Array.from({ length: DEVICES }, (_, index) => `cp-${String(index)}`);
    const gateway = await startGateway({ url: world.site.url, devices, seed: SEED, speed: SPEED });
    world.add(() => gateway.kill());
    const corral = await connectCorral({ url: world.hub.url('backend') });
    world.add(() => corral.close());
    const progress = new Progress();
    const chance = new Chance(SEED).fork('customers');
    const customers = devices.map(
      (device) => new Customers({ corral, device, chance: chance.fork(device), speed: SPEED }),
    );
    const lives = customers.map((one, index) =>
      one.live(Math.floor(STARTS / DEVICES) + (index < STARTS % DEVICES ? 1 : 0), progress),
    );
    const [calamities] = await Promise.all([goBack(postgres, progress), ...lives]);
    // Who had come to the end before the database was set back may be in doubt anew, by what that has forgotten.
    await Promise.all(customers.map((one) => one.untilFree()));
    const truths = await gateway.end();
    const reader = await world.startNode({ isStandby: true });
    const judgements: Judgement[] = [];
    const left = truths.values();
    const judgeTheNext = async (): Promise<void> => {
      const eye = await openEye(world.databaseUrl);
      for (const truth of left) {
        const own = customers[devices.indexOf(truth.device)]!;
        const say = (): Promise<Said> => saidOf(truth, { corral, eye, reader, customers: own });
        judgements.push(await judgeInTheEnd(truth, say, calamities));
      }
      await eye.close();
    };
    await Promise.all(Array.from({ length: JUDGED_AT_ONCE }, judgeTheNext));
    const starts = truths.flatMap((truth) => truth.starts);
    const asked = customers.flatMap((one) => one.asked);
    const figures = {
      starts: starts.length,
      sessions: starts.filter(({ sessionAt }) => sessionAt !== null).length,
      unanswered: starts.filter(({ isAnswered }) => !isAnswered).length,
      slowestEffectMs: Math.round(Math.max(...starts.map(({ effectMs }) => effectMs ?? 0))),
      undecided: asked.filter(({ wasUndecided }) => wasUndecided).length,
      otherCustomersRefused: asked.filter(({ wasOtherRefused }) => wasOtherRefused).length,
      outcomes: sumOf(judgements.map(({ outcomes }) => outcomes)),
      operator: sumOf(customers.map(({ operator }) => operator)),
      lostReports: judgements.reduce((sum, { lostReports }) => sum + lostReports, 0),
      reports: truths.reduce((sum, { made }) => sum + made.length, 0),
      seconds: Math.round((Date.now() - begunAt) / 1_000),
      disagreements: judgements.flatMap(({ flaws }) => flaws).length,
    };
    if (process.env.CORRAL_REMOTE_STARTS !== undefined) console.info(JSON.stringify(figures));
    expect([...customers.flatMap(({ flaws }) => flaws), ...judgements.flatMap(({ flaws }) => flaws)]).toEqual(
      [],
    );
    // What the test is about has happened.
    expect(figures.undecided).toBeGreaterThan(IS_LARGE ? STARTS / 20 : 0);
    expect(figures.otherCustomersRefused).toBeGreaterThan(IS_LARGE ? STARTS / 30 : 0);
    expect(figures.outcomes.forgotten).toBeGreaterThan(0);
    expect(figures.lostReports).toBeGreaterThan(0);
  },
  LIMIT_MS,
);
