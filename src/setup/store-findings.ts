/** Whether Postgres can be relied on: who can reach it, as whom Corral comes, and whether it keeps what it answered. */
import type { ClientBase } from 'pg';
import { bad, type Finding, good, warning } from './finding.ts';
import { isReachable, serverAddress } from './server-address.ts';

/** What Postgres says of itself and of this connection. */
export interface StoreSettings {
  readonly fsync: string;
  readonly fullPageWrites: string;
  readonly synchronousCommit: string;
  /** Where it listens; `*` is everywhere. */
  readonly listenAddresses: string;
  readonly isSuperuser: boolean;
  readonly isEncrypted: boolean;
}

const SETTINGS = `select current_setting('fsync') as fsync,
  current_setting('full_page_writes') as "fullPageWrites",
  current_setting('synchronous_commit') as "synchronousCommit",
  current_setting('listen_addresses') as "listenAddresses",
  current_setting('is_superuser') = 'on' as "isSuperuser",
  coalesce((select ssl from pg_stat_ssl where pid = pg_backend_pid()), false) as "isEncrypted"`;

/** Looks at Postgres over a connection, which was made with `url`. */
export async function storeSetup(client: ClientBase, url: string): Promise<readonly Finding[]> {
  const { rows } = await client.query<StoreSettings>(SETTINGS);
  const [settings] = rows;
  if (settings === undefined) throw new Error('Postgres does not tell its settings');
  return storeFindings(settings, url);
}

/** Judges what it says. */
export function storeFindings(settings: StoreSettings, url: string): readonly Finding[] {
  return [
    transportFinding(settings, url),
    passwordFinding(settings, url),
    superuserFinding(settings, url),
    commitFinding(settings),
    safetyFinding(settings),
  ];
}

function isExposed({ listenAddresses }: StoreSettings, url: string): boolean {
  const listening = listenAddresses.split(',').map((address) => address.trim());
  return isReachable([...serverAddress(url).hosts, ...listening]);
}

function transportFinding(settings: StoreSettings, url: string): Finding {
  const { isEncrypted, listenAddresses } = settings;
  if (isEncrypted) return good('postgres-tls', 'this connection is encrypted');
  if (!isExposed(settings, url))
    return good('postgres-tls', 'this machine alone can reach it, so clear text will do');
  return bad(
    'postgres-tls',
    `listens on ${listenAddresses === '' ? 'other machines’ networks' : listenAddresses}, and this connection is not encrypted`,
    'let Postgres have a certificate, and CORRAL_POSTGRES_URL end in ?sslmode=verify-full: who is on the way changes what Corral believes',
  );
}

function passwordFinding(settings: StoreSettings, url: string): Finding {
  const { user, isPasswordUser } = serverAddress(url);
  if (!isPasswordUser) return good('postgres-password', `the password of ${user} is not its name`);
  const found = `the password of ${user} is its name`;
  if (!isExposed(settings, url))
    return good('postgres-password', `${found}, as in development; only this machine can reach it`);
  return bad('postgres-password', found, 'give it a password of its own: openssl rand -hex 24');
}

/** The development's Postgres has one user, who brought it up: that is known by a password that nobody else would have. */
function superuserFinding(settings: StoreSettings, url: string): Finding {
  const { user, isPasswordUser } = serverAddress(url);
  if (!settings.isSuperuser) return good('postgres-role', `${user} is no superuser`);
  const found = `${user} is a superuser`;
  const advice =
    'make a role that owns the database and no more (create role corral login; create database corral owner corral): a superuser reads and writes files of the machine';
  if (isPasswordUser && !isExposed(settings, url))
    return warning('postgres-role', `${found}, as in development; only this machine can reach it`, advice);
  return bad('postgres-role', found, advice);
}

function commitFinding({ synchronousCommit }: StoreSettings): Finding {
  if (synchronousCommit !== 'off')
    return good('synchronous-commit', `"${synchronousCommit}": a commit that was answered survives a crash`);
  return warning(
    'synchronous-commit',
    '"off" for this database or user',
    'nodes set it to "on" for their own sessions; let nobody else write these tables, or set it to "on" here too',
  );
}

function safetyFinding({ fsync, fullPageWrites }: StoreSettings): Finding {
  const off = [
    ...(fsync === 'off' ? ['fsync'] : []),
    ...(fullPageWrites === 'off' ? ['full_page_writes'] : []),
  ];
  if (off.length === 0) return good('crash-safety', 'fsync and full_page_writes are on');
  return bad(
    'crash-safety',
    `${off.join(' and ')} off`,
    'turn them on: a power cut loses commands that were answered, or the whole database',
  );
}
