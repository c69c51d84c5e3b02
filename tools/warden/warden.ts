/** The hub's warden: sees who is connected, and cuts connections. It speaks with the user `warden` of nats.conf. */
import { TypeCompiler } from '@sinclair/typebox/compiler';
import { Type } from '@sinclair/typebox';
import { setTimeout as sleep } from 'node:timers/promises';
import { type ConnectOptions, connectToHub, type HubConnection, ownInbox } from '../../src/nats/connect.ts';
import { type Measure, type Talker, talkersOf } from './talker.ts';
import { type ConnectionPage, ConnectionPageSchema, type Visitor, visitorsOf } from './visitor.ts';

/** How long all servers are given to answer, ms: nobody knows how many there are. One that is slower is not listed. */
const SERVERS_MS = 1_000;
/** How long one server may take for an answer, ms. */
const ANSWER_MS = 5_000;
/** Connections in one answer: some 250 KB. */
const PAGE_SIZE = 512;
/** Pages of one server: more than the 65,536 connections that it takes by default. What is beyond is not listed. */
const PAGES_MAX = 136;

const Page = TypeCompiler.Compile(ConnectionPageSchema);
const KickReply = TypeCompiler.Compile(
  Type.Object({ error: Type.Optional(Type.Object({ description: Type.String() })) }),
);

/** The hub did not do what a warden may ask of it; one sentence. */
export class WardenError extends Error {
  override readonly name = 'WardenError';
}

/** A connection as warden. */
export interface Warden {
  /** Everybody who is connected to any server of the hub. Throws {@link WardenError}. */
  list(): Promise<readonly Visitor[]>;
  /** The same with rates over `ms`, the worst talker first. */
  talkers(ms: number, by: Measure): Promise<readonly Talker[]>;
  /**
   * Cuts a connection; `gone` when it had ended before. Whoever it was may come back at once while its password holds.
   * Throws {@link WardenError}.
   */
  kick(visitor: Visitor): Promise<'kicked' | 'gone'>;
  /** Whether this is the warden's own connection. */
  isOwn(visitor: Visitor): boolean;
  close(): Promise<void>;
}

/** Connects, with the credentials of the user `warden`. Throws `ConnectError`. */
export async function connectWarden(as: Pick<ConnectOptions, 'url' | 'security'>): Promise<Warden> {
  const inboxPrefix = ownInbox(as.url, as.security);
  const hub = await connectToHub({ ...as, inboxPrefix, name: 'corral warden' });
  const list = (): Promise<readonly Visitor[]> => listVisitors(hub);
  return {
    list,
    talkers: async (ms, by) => {
      const before = await list();
      await sleep(ms);
      return talkersOf(before, await list(), by);
    },
    kick: (visitor) => kick(hub, visitor),
    isOwn: ({ serverId, cid }) => serverId === hub.nats.info?.server_id && cid === hub.nats.info.client_id,
    close: () => hub.close(),
  };
}

async function listVisitors(hub: HubConnection): Promise<readonly Visitor[]> {
  const visitors = new Map<string, Visitor>();
  const add = (page: ConnectionPage): void => {
    for (const visitor of visitorsOf(page))
      visitors.set(`${visitor.serverId} ${String(visitor.cid)}`, visitor);
  };
  const firstPages = await allAnswers(hub);
  if (firstPages.length === 0) throw new WardenError('no server of the hub says who is connected to it');
  for (const first of firstPages) {
    add(first);
    const total = first.data?.total ?? 0;
    // Somebody may come or go between two pages: nobody is listed twice, and who is missed is in the next list.
    for (let page = 1; page * PAGE_SIZE < total && page < PAGES_MAX; page += 1) {
      add(await answerOf(hub, first.server.id, page));
    }
  }
  return [...visitors.values()];
}

/** The first page of every server. */
async function allAnswers(hub: HubConnection): Promise<readonly ConnectionPage[]> {
  const pages: ConnectionPage[] = [];
  try {
    const answers = await hub.nats.requestMany('$SYS.REQ.SERVER.PING.CONNZ', requestOf(0), {
      strategy: 'timer',
      maxWait: SERVERS_MS,
    });
    for await (const answer of answers) pages.push(pageOf(answer.string()));
  } catch (error) {
    if (error instanceof WardenError) throw error;
    throw new WardenError('the hub has no account for wardens: does it run nats.conf of this version?', {
      cause: error,
    });
  }
  return pages;
}

async function answerOf(hub: HubConnection, serverId: string, page: number): Promise<ConnectionPage> {
  const subject = `$SYS.REQ.SERVER.${serverId}.CONNZ`;
  return pageOf(await asked(hub, subject, requestOf(page * PAGE_SIZE)));
}

function requestOf(offset: number): string {
  return JSON.stringify({ auth: true, sort: 'cid', offset, limit: PAGE_SIZE });
}

async function kick(hub: HubConnection, { serverId, cid }: Visitor): Promise<'kicked' | 'gone'> {
  const reply = parsed(await asked(hub, `$SYS.REQ.SERVER.${serverId}.KICK`, JSON.stringify({ cid })));
  if (!KickReply.Check(reply))
    throw new WardenError('a server of the hub gave an answer that cannot be read');
  if (reply.error === undefined) return 'kicked';
  if (reply.error.description.includes('no such client')) return 'gone';
  throw new WardenError(`the hub did not cut it: ${reply.error.description}`);
}

async function asked(hub: HubConnection, subject: string, request: string): Promise<string> {
  try {
    return (await hub.nats.request(subject, request, { timeout: ANSWER_MS })).string();
  } catch (error) {
    throw new WardenError('a server of the hub gives no answer: it may have ended meanwhile', {
      cause: error,
    });
  }
}

function pageOf(text: string): ConnectionPage {
  const page = parsed(text);
  if (!Page.Check(page)) throw new WardenError('a server of the hub gave an answer that cannot be read');
  if (page.error === undefined) return page;
  throw new WardenError(`a server of the hub does not say who is connected: ${page.error.description}`);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Neither schema takes it.
    return undefined;
  }
}
