/**
 * Which sites there are, as the broker's own configuration says: every account that imports `site.<its name>.*.report`. So a new
 * site is a block in `nats.conf` and a reload, and nothing else.
 */
import { RequestError } from '@nats-io/nats-core';
import type { HubConnection } from './connect.ts';

/** Where the servers' account tells about accounts; `nats.conf` lets the runtime ask it, and nothing else there. */
export const ACCOUNTS_QUESTION = '$SYS.REQ.SERVER.PING.ACCOUNTZ';

/** How long the hub may take, ms. */
const ANSWER_MS = 2_000;

/** `site.<site>.*.report`: only the account of this name may import it. */
const SITE_IMPORT = /^site\.([^.*>]+)\.[^.]+\.report$/;

interface AccountsAnswer {
  readonly data?: {
    readonly accounts?: readonly string[];
    readonly account_detail?: { readonly imports?: readonly { readonly subject?: string }[] };
  };
}

/** Asks the broker. Accounts that were found to be sites are remembered, and not looked at again while they are there. */
export class SitesTold {
  readonly #hub: HubConnection;
  #known: ReadonlyMap<string, readonly string[]> = new Map();

  constructor(hub: HubConnection) {
    this.#hub = hub;
  }

  /** `null` when the hub does not tell; rejects when it does not answer in time. */
  async sites(): Promise<readonly string[] | null> {
    const accounts = (await this.#ask({}))?.accounts;
    if (accounts === undefined) return null;
    const found = new Map<string, readonly string[]>();
    for (const account of accounts) {
      const sites = this.#known.get(account) ?? (await this.#sitesOf(account));
      if (sites.length > 0) found.set(account, sites);
    }
    this.#known = found;
    return [...found.values()].flat();
  }

  async #sitesOf(account: string): Promise<readonly string[]> {
    const imports = (await this.#ask({ account }))?.account_detail?.imports ?? [];
    return [...new Set(imports.flatMap(({ subject = '' }) => SITE_IMPORT.exec(subject)?.[1] ?? []))];
  }

  async #ask(question: { readonly account?: string }): Promise<AccountsAnswer['data'] | null> {
    try {
      const options = { timeout: ANSWER_MS };
      const answer = await this.#hub.nats.request(ACCOUNTS_QUESTION, JSON.stringify(question), options);
      return answer.json<AccountsAnswer>().data ?? null;
    } catch (error) {
      // Nobody answers there, or this user may not ask: a configuration that does not tell.
      if (error instanceof RequestError && error.isNoResponders()) return null;
      if (error instanceof Error && /permissions violation/i.test(error.message)) return null;
      throw error;
    }
  }
}
