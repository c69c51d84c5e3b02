/** Who is connected to the hub, as its servers tell it: one entry of the list that `CONNZ` answers with. */
import { type Static, Type } from '@sinclair/typebox';

const Count = Type.Integer({ minimum: 0 });

/** What is read of a server's list of connections, clients and leafs alike (nats-server, `server/monitor.go`, `ConnInfo`). */
const ConnectionSchema = Type.Object({
  cid: Count,
  kind: Type.String(),
  ip: Type.Optional(Type.String()),
  port: Type.Optional(Type.Integer()),
  start: Type.String(),
  name: Type.Optional(Type.String()),
  account: Type.Optional(Type.String()),
  authorized_user: Type.Optional(Type.String()),
  in_msgs: Count,
  in_bytes: Count,
  out_msgs: Count,
  out_bytes: Count,
});

/** A server's answer to `CONNZ`: a page of its list, or why there is none. */
export const ConnectionPageSchema = Type.Object({
  server: Type.Object({ id: Type.String(), name: Type.String() }),
  data: Type.Optional(
    Type.Object({
      now: Type.String(),
      total: Count,
      connections: Type.Optional(Type.Union([Type.Array(ConnectionSchema), Type.Null()])),
    }),
  ),
  error: Type.Optional(Type.Object({ description: Type.String() })),
});
/** A page of a server's list. */
export type ConnectionPage = Static<typeof ConnectionPageSchema>;

/** What went one way. */
export interface Traffic {
  readonly messages: number;
  readonly bytes: number;
}

/** A connection to one of the hub's servers. Its name was chosen by whoever connected: never trust it, nor print it as it is. */
export interface Visitor {
  /** The name of the server; a cluster has several. */
  readonly server: string;
  readonly serverId: string;
  /** Names the connection at its server, never a second one. */
  readonly cid: number;
  readonly kind: 'client' | 'leaf';
  /** The role, or the site. `null` while it has not logged in. */
  readonly account: string | null;
  readonly user: string | null;
  readonly name: string | null;
  readonly address: string | null;
  /** RFC 3339, by the server's clock. */
  readonly since: string;
  /** By the server's clock, ms: when the counts were read. */
  readonly countedAt: number;
  /** What the hub received from it. */
  readonly in: Traffic;
  /** What the hub sent to it. */
  readonly out: Traffic;
}

/** The connections of a page. */
export function visitorsOf({ server, data }: ConnectionPage): readonly Visitor[] {
  return (data?.connections ?? []).map((connection) => ({
    server: server.name,
    serverId: server.id,
    cid: connection.cid,
    kind: connection.kind === 'Leafnode' ? 'leaf' : 'client',
    account: connection.account ?? null,
    user: connection.authorized_user ?? null,
    name: connection.name ?? null,
    address: addressOf(connection),
    since: connection.start,
    countedAt: Date.parse(data?.now ?? ''),
    in: { messages: connection.in_msgs, bytes: connection.in_bytes },
    out: { messages: connection.out_msgs, bytes: connection.out_bytes },
  }));
}

function addressOf({ ip, port }: Static<typeof ConnectionSchema>): string | null {
  if (ip === undefined || port === undefined) return null;
  return ip.includes(':') ? `[${ip}]:${String(port)}` : `${ip}:${String(port)}`;
}

/** Which connections are meant; what is not given does not matter. */
export interface VisitorFilter {
  readonly cid?: number;
  readonly server?: string;
  /** The account: a site's name, or a role's. */
  readonly site?: string;
  readonly user?: string;
}

/**
 * Those that are meant. It is decided here and not by the server: asked for an account that a reload has removed, a server
 * answers that there is none, and keeps the connections that it has of it.
 */
export function visitorsLike(visitors: readonly Visitor[], filter: VisitorFilter): readonly Visitor[] {
  const { cid, server, site, user } = filter;
  return visitors.filter(
    (visitor) =>
      (cid === undefined || visitor.cid === cid) &&
      (server === undefined || visitor.server === server) &&
      (site === undefined || visitor.account === site) &&
      (user === undefined || visitor.user === user),
  );
}
