/**
 * Keeps a stream of reports for each site, and knows which there are: so one site that says far too much fills a stream of its own,
 * is refused alone, and what was acknowledged to it stays.
 *
 * Which sites there are is asked of the broker every few seconds. A hub that does not tell (another configuration than `nats.conf`)
 * is said so once, and the sites that are known otherwise count. A site whose stream is not there yet has nobody who answers its
 * devices: they keep what they have, and send it again.
 *
 * Invariants:
 * I1  `names` are streams that the hub had when it was asked last; none goes while the hub cannot be asked.
 * I2  one look at a time; none after `stop` has resolved.
 */
import { type JetStreamManager, jetstreamManager } from '@nats-io/jetstream';
import { isReportStream, isSiteName, SHARED_REPORT_STREAM, siteStream } from '../wire/subjects.ts';
import type { HubConnection } from './connect.ts';
import { HubError, keepStream, reportStream, SITE_STREAM_BYTES, type StreamNotice } from './kept-stream.ts';
import { SitesTold } from './sites-told.ts';

/** How often the hub is asked, ms: a new site waits so long for its stream, and a little more. */
const LOOK_EVERY_MS = 2_000;
/** How often sites are asked for that are known otherwise, ms: it is a look at the whole inventory. */
const OTHERS_EVERY_MS = 60_000;
/** How long the hub may take to answer, ms. */
const ANSWER_MS = 5_000;

/** Something an operator may want to know. */
export type SiteStreamsNotice =
  | StreamNotice
  /** The hub does not say which sites there are: those in the inventory and in the configuration count. */
  | { readonly type: 'sites-untold'; readonly sites: readonly string[] }
  /** A site has no stream, and its devices are not heard: it is tried again. */
  | { readonly type: 'site-unheard'; readonly site: string; readonly detail: string }
  /** The hub could not be asked; it is tried again. */
  | { readonly type: 'sites-unknown'; readonly detail: string };

/** What keeping takes. */
export interface SiteStreamsOptions {
  readonly hub: HubConnection;
  /** Sites that are known otherwise: asked where the hub does not tell. Default: none. */
  readonly otherSites?: () => Promise<readonly string[]>;
  /** Room that each stream is to have, bytes. Default: {@link SITE_STREAM_BYTES}. */
  readonly bytes?: number;
  /** Copies of a stream that is created. Default: 1. */
  readonly replicas?: number;
  readonly onNotice?: (notice: SiteStreamsNotice) => void;
}

/** See the head of this file. */
export class SiteStreams {
  readonly #options: SiteStreamsOptions;
  readonly #told: SitesTold;
  readonly #listeners = new Set<(names: readonly string[]) => void>();
  /** What was said last of a site, or of all (`''`): it is said once. */
  readonly #saidOf = new Map<string, string>();
  /** Streams that were made or looked at: what an operator changes in them stays until a node starts. */
  readonly #kept = new Set<string>();
  #names: readonly string[] = [];
  #others: { readonly at: number; readonly sites: readonly string[] } | null = null;
  #timer: NodeJS.Timeout | null = null;
  #looking: Promise<void> = Promise.resolve();
  #isStopped = false;

  constructor(options: SiteStreamsOptions) {
    this.#options = options;
    this.#told = new SitesTold(options.hub);
  }

  /** The streams of reports, by name. */
  get names(): readonly string[] {
    return this.#names;
  }

  /** Calls `listener` when there are others, until the returned function is called. */
  onChange(listener: (names: readonly string[]) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** Makes what is missing, and looks again every few seconds. Rejects with {@link HubError} when the first look fails. */
  async start(): Promise<void> {
    try {
      await this.look();
    } catch (error) {
      throw new HubError(`the hub does not provide the streams of reports: ${messageOf(error)}`, error);
    }
    this.#arm();
  }

  /** Looks now. Rejects when the hub cannot be asked. */
  look(): Promise<void> {
    const next = this.#looking.catch(() => undefined).then(() => this.#look());
    this.#looking = next;
    return next;
  }

  /** Ends looking; the streams stay. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    await this.#looking.catch(() => undefined);
  }

  #arm(): void {
    if (this.#isStopped) return;
    this.#timer = setTimeout(() => {
      void this.#lookAgain().then(() => this.#arm());
    }, LOOK_EVERY_MS);
  }

  async #lookAgain(): Promise<void> {
    if (!this.#options.hub.isConnected()) return;
    try {
      await this.look();
      this.#saidOf.delete('look');
    } catch (error) {
      const detail = messageOf(error);
      this.#sayOnce('look', detail, { type: 'sites-unknown', detail });
    }
  }

  async #look(): Promise<void> {
    const { hub, replicas = 1, bytes = SITE_STREAM_BYTES } = this.#options;
    const onNotice = this.#options.onNotice ?? (() => undefined);
    const manager = await jetstreamManager(hub.nats, { checkAPI: false, timeout: ANSWER_MS });
    const there = new Set(await reportStreamsOf(manager));
    if (there.has(SHARED_REPORT_STREAM.name)) await narrow(manager);
    for (const name of this.#kept) if (!there.has(name)) this.#kept.delete(name);
    for (const site of await this.#sites()) {
      const name = siteStream(site);
      if (this.#kept.has(name) || this.#isStopped) continue;
      try {
        if (!isSiteName(site)) throw new Error('no stream can have its name: call it otherwise');
        await keepStream(manager, reportStream(site, bytes), { replicas, onNotice });
        this.#kept.add(name);
        there.add(name);
        this.#saidOf.delete(`site ${site}`);
      } catch (error) {
        const detail = messageOf(error);
        this.#sayOnce(`site ${site}`, detail, { type: 'site-unheard', site, detail });
      }
    }
    this.#tell([...there].sort());
  }

  async #sites(): Promise<readonly string[]> {
    const told = await this.#told.sites();
    if (told !== null) return told;
    const sites = await this.#otherSites();
    this.#sayOnce('told', sites.join(), { type: 'sites-untold', sites });
    return sites;
  }

  async #otherSites(): Promise<readonly string[]> {
    const now = performance.now();
    if (this.#others === null || now - this.#others.at >= OTHERS_EVERY_MS)
      this.#others = { at: now, sites: (await this.#options.otherSites?.()) ?? [] };
    return this.#others.sites;
  }

  #tell(names: readonly string[]): void {
    if (names.join(' ') === this.#names.join(' ')) return;
    this.#names = names;
    for (const listener of [...this.#listeners]) listener(names);
  }

  #sayOnce(about: string, what: string, notice: SiteStreamsNotice): void {
    if (this.#saidOf.get(about) === what) return;
    this.#saidOf.set(about, what);
    this.#options.onNotice?.(notice);
  }
}

async function reportStreamsOf(manager: JetStreamManager): Promise<readonly string[]> {
  const names: string[] = [];
  for await (const name of manager.streams.names()) if (isReportStream(name)) names.push(name);
  return names;
}

/** The one stream of all sites takes nothing more: its subjects would overlap with those of the sites' own. */
async function narrow(manager: JetStreamManager): Promise<void> {
  const { name, subjects } = SHARED_REPORT_STREAM;
  const { config } = await manager.streams.info(name);
  if (config.subjects.join() === subjects.join()) return;
  await manager.streams.update(name, { ...config, subjects: [...subjects] });
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
