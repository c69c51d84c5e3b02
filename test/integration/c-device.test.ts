/** The example device in C (`clients/c/example`) on real servers: under the conformance kit, and killed at random while it is commanded. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Command } from '../../machines/command.ts';
import { comparePositions, type Report, RING_SIZE_MAX } from '../../machines/report.ts';
import { connectToHub } from '../../src/nats/connect.ts';
import { encode } from '../../src/wire/codec.ts';
import { startBenchServer } from '../../tools/conform/bench-server.ts';
import { Bench, ringName } from '../../tools/conform/bench.ts';
import { conform, type ConformOptions } from '../../tools/conform/conform.ts';
import { TRIAL_LIMITS } from '../../tools/conform/limits.ts';
import { positionName } from '../../tools/conform/publish.ts';
import type { Verdict } from '../../tools/conform/rule.ts';
import { rules } from '../../tools/conform/rules.ts';
import { reportRules } from '../../tools/conform/rules/reports.ts';
import { startNatsServer } from '../../tools/dev/nats-server.ts';
import { projectFolder } from '../../tools/dev/project-folders.ts';
import { startSite } from '../../tools/dev/site.ts';
import {
  type Build,
  buildProgram,
  compilerNote,
  exampleSources,
  hasCompiler,
} from '../devices/c-compiler.ts';
import { CDevice, type CDeviceOptions } from '../devices/c-device.ts';
import { temporaryFolder } from '../servers/servers.ts';

/** With sanitizers where there are any: they end the device, and then the kit misses it. */
const build: Build = hasCompiler('sanitized') ? 'sanitized' : 'plain';
const program = temporaryFolder();
const limits = { ...TRIAL_LIMITS, holdMs: 1_000 };

let folder: string;
let removeFolder: () => void;
const ends: (() => Promise<void> | void)[] = [];

beforeEach(() => {
  ({ folder, remove: removeFolder } = temporaryFolder());
});
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
  removeFolder();
});

function startDevice(options: Omit<CDeviceOptions, 'program' | 'memoryFile'>): CDevice {
  const memoryFile = join(folder, `${options.device}.record`);
  const device = new CDevice({ program: join(program.folder, 'charge-point'), memoryFile, ...options });
  ends.push(() => device.end());
  return device;
}

async function connect(url: string): Promise<ConformOptions['connection']> {
  const connection = await connectToHub({ url, name: 'conform' });
  ends.push(() => connection.close());
  return connection;
}

/** A bench, and a site's leaf before it, where the device has a user of its own. */
async function startLeaf(): Promise<{
  readonly url: string;
  readonly server: string;
  readonly login: { readonly user: string; readonly password: string };
  readonly leaf: ConformOptions['ownServer'];
}> {
  const benchConf = join(folder, 'bench.conf');
  writeFileSync(
    benchConf,
    'listen: $BENCH_LISTEN\nhttp: $BENCH_MONITOR\nleafnodes { listen: $BENCH_LEAF }\nmax_payload: 1MB\n',
  );
  const bench = await startNatsServer<'client' | 'leaf'>({
    name: 'bench',
    configFile: benchConf,
    dataDir: join(folder, 'bench'),
    ports: {
      client: { port: 0, flag: '' },
      leaf: { port: 0, flag: '' },
      monitor: { port: 0, flag: '' },
    },
    variables: ({ client, leaf, monitor }) => ({
      BENCH_LISTEN: `127.0.0.1:${client}`,
      BENCH_LEAF: `127.0.0.1:${leaf}`,
      BENCH_MONITOR: `127.0.0.1:${monitor}`,
    }),
  });
  ends.push(() => bench.stop());
  const siteConf = join(folder, 'site.conf');
  const text = readFileSync(join(projectFolder, 'tools/dev/site.conf'), 'utf8');
  const configured = text
    .replace('user: device,', 'user: c-1, password: $DEVICE_PASSWORD,')
    .replace('no_auth_user: device', '')
    .replaceAll('device.*.', 'device.c-1.');
  writeFileSync(siteConf, configured);
  const site = await startSite({
    dataDir: join(folder, 'site'),
    hubLeafAddress: `127.0.0.1:${bench.ports.leaf}`,
    configFile: siteConf,
    variables: { DEVICE_PASSWORD: 'a "quoted\\ secret' },
  });
  ends.push(() => site.stop());
  return {
    url: `nats://127.0.0.1:${bench.ports.client}`,
    server: `127.0.0.1:${site.ports.client}`,
    login: { user: 'c-1', password: 'a "quoted\\ secret' },
    leaf: site,
  };
}

const broken = (verdicts: readonly Verdict[]): readonly string[] =>
  verdicts
    .filter(({ verdict }) => verdict !== 'kept')
    .map(({ rule, verdict, detail }) => `${rule} ${verdict}: ${detail}`);

/** The rules in pieces, each with the rules about what was heard at its end. */
function pieces(size: number): readonly (readonly string[])[] {
  const log = reportRules.map(({ id }) => id);
  const asked = rules.map(({ id }) => id).filter((id) => !log.includes(id));
  const first = Array.from({ length: Math.ceil(asked.length / size) }, (_, index) => index * size);
  return first.map((from) => [...asked.slice(from, from + size), ...log]);
}

describe.skipIf(!hasCompiler('plain'))(`the example device in C${compilerNote('plain')}`, () => {
  beforeAll(() => buildProgram(build, exampleSources(), join(program.folder, 'charge-point')));

  test('keeps every rule behind a real leaf, with a password, and killed before each dozen of them', async () => {
    const { url, server, login, leaf } = await startLeaf();
    const connection = await connect(url);
    const device = startDevice({ device: 'c-1', server, encoding: 'msgpack', login });
    const kept = new Set<string>();
    for (const only of pieces(12)) {
      const result = await conform({
        device: 'c-1',
        level: 'full',
        connection,
        limits,
        restart: device.kill,
        ownServer: leaf,
        only,
        tell: ({ type }) => {
          if (type === 'waiting') void device.kill();
        },
      });
      // What a piece has no occasion for, frames say, another one has.
      expect(broken(result.rules.filter(({ verdict }) => verdict === 'broken'))).toEqual([]);
      for (const { rule, verdict } of result.rules) if (verdict === 'kept') kept.add(rule);
    }
    // Nobody has time for two heartbeats here.
    expect(rules.map(({ id }) => id).filter((id) => !kept.has(id))).toEqual(['heartbeat']);
    expect(device.stderr).not.toMatch(/Sanitizer|runtime error/);
  });

  test('keeps every rule in JSON too, in one go', async () => {
    const bench = await startBenchServer();
    ends.push(() => bench.end());
    const connection = await connect(bench.url);
    const server = `127.0.0.1:${bench.port}`;
    const device = startDevice({ device: 'c-2', server, encoding: 'json' });
    const result = await conform({
      device: 'c-2',
      level: 'full',
      connection,
      limits,
      restart: device.kill,
      ownServer: bench,
      only: null,
    });
    // Nobody has time for two heartbeats here.
    expect(broken(result.rules)).toEqual([expect.stringMatching(/^heartbeat not-testable: /)]);
    expect(device.stderr).not.toMatch(/Sanitizer|runtime error/);
  });

  test('says nothing that becomes untrue, killed at random while it is commanded', async () => {
    const server = await startBenchServer();
    ends.push(() => server.end());
    const bench = new Bench(await connect(server.url), 'c-3');
    await bench.open();
    ends.push(() => bench.close());
    const device = startDevice({ device: 'c-3', server: `127.0.0.1:${server.port}`, encoding: 'msgpack' });
    const commander = new Commander(bench, device, 7);
    for (let round = 0; round < KILLS; round += 1) await commander.commandAndKill();
    await commander.settle();
    const reports = uniqueReports(bench);
    expect(new Set(reports.map(({ boot }) => boot)).size).toBeGreaterThan(KILLS / 2);
    expect(contradictions(reports, commander.sent)).toEqual([]);
    expect(device.stderr).not.toMatch(/Sanitizer|runtime error/);
  });
});

// ---------------------------------------------------------------------------------------------------------- killed at random

/** So often the power is cut. */
const KILLS = 40;

/** Commands between two cuts, at most. */
const COMMANDS_MAX = 6;

/** Between a command and the cut that follows it, ms: about as long as it takes to be stored and reported. */
const CUT_AFTER_MAX_MS = 12;

/** Sends commands, cuts the power in the middle of some, and goes on with whatever device comes back. */
class Commander {
  readonly sent: Command[] = [];
  readonly #bench: Bench;
  readonly #device: CDevice;
  #state: number;
  #n = 0;
  #epoch = 1;

  constructor(bench: Bench, device: CDevice, seed: number) {
    this.#bench = bench;
    this.#device = device;
    this.#state = seed;
  }

  /** Commands a device that is there, and cuts its power a moment after the last command. */
  async commandAndKill(): Promise<void> {
    const before = await this.#present();
    const count = 1 + this.#draw(COMMANDS_MAX);
    for (let index = 0; index < count; index += 1) this.#send(before);
    await this.#bench.listen(this.#draw(CUT_AFTER_MAX_MS));
    await this.#device.kill();
  }

  /** Waits until the device has answered everything that it has heard of. */
  async settle(): Promise<void> {
    await this.#present();
  }

  /** Asks until the device answers; resolves with the report that does. */
  async #present(): Promise<Report> {
    for (;;) {
      const { n } = this.#command({ name: 'report' });
      const named = (): Report | null =>
        uniqueReports(this.#bench).find(({ commands }) => commands?.some((entry) => entry.n === n)) ?? null;
      try {
        return await this.#bench.until(named, { withinMs: 250, what: 'no answer came' });
      } catch {
        // It was not there yet, or was not subscribed when this was sent: asked again under another number.
      }
    }
  }

  /** A command as a server sends it, or one of a deposed server, of another boot, too late, or sent before. */
  #send({ boot, up }: Report): void {
    const again = this.sent[this.#draw(this.sent.length)];
    const how = this.#draw(10);
    const names = ['reserve', 'release', 'start', 'stop', 'report'] as const;
    const name = names[this.#draw(names.length)] ?? 'report';
    const deadline = name === 'report' ? {} : { boot, notAfterUp: up + 60_000 };
    if (how === 0 && again !== undefined) this.#bench.send(encode(again, 'msgpack'));
    else if (how === 1) this.#command({ name, ...deadline, epoch: this.#epoch - 1 });
    else if (how === 2) this.#command({ name: 'stop', boot, notAfterUp: Math.max(0, up - 1) });
    else if (how === 3) this.#command({ name: 'stop', boot: boot - 1, notAfterUp: up + 60_000 });
    else this.#command({ name, ...deadline, ...(name === 'reserve' && { holdMs: 60_000 }) });
    if (how === 4) this.#epoch += 1;
  }

  #command(given: Partial<Command> & Pick<Command, 'name'>): Command {
    this.#n += 1 + this.#draw(3);
    const command = { n: this.#n, epoch: this.#epoch, id: `cut-${this.#n}`, args: {}, ...given };
    this.sent.push(command);
    this.#bench.send(encode(command, 'msgpack'));
    return command;
  }

  /** A whole number below `end`, the same ones from the same seed. */
  #draw(end: number): number {
    this.#state = (Math.imul(this.#state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((this.#state / 2 ** 32) * end);
  }
}

/** Every report that was heard, once, in the order in which they were made. */
function uniqueReports({ publishes }: Bench): readonly Report[] {
  const byName = new Map<string, Report>();
  for (const report of publishes.flatMap(({ reports }) => reports)) byName.set(positionName(report), report);
  return [...byName.values()].sort(comparePositions);
}

/** Whatever the reports say that cannot all be true. */
function contradictions(reports: readonly Report[], sent: readonly Command[]): readonly string[] {
  const found: string[] = [];
  const said = new Map<number, string>();
  const denied = new Map<number, string>();
  let highestEpoch = 0;
  let hold: Report['hold'] = null;
  for (const report of reports) {
    const name = positionName(report);
    const ring = report.commands ?? [];
    for (const { n, outcome, reason = '' } of ring) {
      const before = said.get(n);
      const now = `${outcome} ${reason}`;
      if (before !== undefined && before !== now) found.push(`${name}: n ${n} was ${before} and is ${now}`);
      if (outcome === 'done' && denied.has(n))
        found.push(`${name}: n ${n} is done, and ${denied.get(n)!} denied it`);
      const command = sent.find((one) => one.n === n);
      if (before === undefined && outcome === 'done' && (command?.epoch ?? 0) < highestEpoch)
        found.push(`${name}: n ${n} of epoch ${command?.epoch ?? 0} was obeyed after epoch ${highestEpoch}`);
      said.set(n, now);
    }
    for (const { n, epoch } of sent) {
      const isNamed = ring.some((entry) => entry.n === n);
      if (isNamed) highestEpoch = Math.max(highestEpoch, epoch);
      const mayBePushedOut = ring.length >= RING_SIZE_MAX && ring.every((entry) => entry.n > n);
      if (isNamed || mayBePushedOut) continue;
      if (said.has(n))
        found.push(`${name}: n ${n} was ${said.get(n)!} and is not named; ${ringName(report)}`);
      if (ring.some((entry) => entry.n > n)) denied.set(n, name);
    }
    const { hold: shown = null } = report;
    if (shown !== null && hold?.id === shown.id && shown.leftMs > hold.leftMs)
      found.push(`${name}: the hold ${shown.id} grew from ${hold.leftMs} to ${shown.leftMs} ms`);
    hold = shown;
  }
  return found;
}
