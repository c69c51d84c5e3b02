/** The doctor's look at the store: as a node would find it. */
import pg from 'pg';
import { migrationState } from '../../src/postgres/migrate.ts';
import { serverTime } from '../../src/postgres/server-time.ts';
import { storeSetup } from '../../src/setup/store-findings.ts';
import { clockFinding } from './clock-check.ts';
import { bad, becauseOf, type Finding, good, warning } from '../../src/setup/finding.ts';

/** The oldest Postgres that is supported, as `server_version_num` has it. */
const VERSION_MIN = 150_000;
const CONNECT_MS = 5_000;
/** What a node takes: connections for commits, for readers, and one for migrations. */
const CONNECTIONS_PER_NODE = 13;

/** Looks at everything of Postgres, as far as it gets. */
export async function postgresFindings(connectionString: string): Promise<readonly Finding[]> {
  const client = new pg.Client({
    connectionString,
    connectionTimeoutMillis: CONNECT_MS,
    query_timeout: CONNECT_MS,
    application_name: 'corral doctor',
  });
  client.on('error', () => undefined);
  try {
    await client.connect();
    const settings = await readSettings(client);
    return [
      good(
        'postgres',
        `connected to ${client.host}:${String(client.port)}, database ${client.database ?? ''}`,
      ),
      versionFinding(settings),
      await migrationFinding(client),
      ...(await storeSetup(client, connectionString)),
      connectionsFinding(settings),
      await namesFinding(client),
      await clockFinding({ server: 'store', now: () => serverTime(client) }, 'Postgres'),
    ];
  } catch (error) {
    return [
      bad(
        'postgres',
        becauseOf(error),
        'start Postgres; CORRAL_POSTGRES_URL holds its address, user and password',
      ),
    ];
  } finally {
    await client.end().catch(() => undefined);
  }
}

type Settings = ReadonlyMap<string, string>;

const NAMES = ['server_version', 'server_version_num', 'max_connections'];

async function readSettings(client: pg.Client): Promise<Settings> {
  const { rows } = await client.query<{ name: string; setting: string }>(
    'select name, setting from pg_settings where name = any($1)',
    [NAMES],
  );
  return new Map(rows.map(({ name, setting }) => [name, setting]));
}

function versionFinding(settings: Settings): Finding {
  const found = `Postgres ${settings.get('server_version') ?? 'of an unknown version'}`;
  if (Number(settings.get('server_version_num')) >= VERSION_MIN)
    return good('postgres-version', `${found}, 15 or newer`);
  return bad('postgres-version', found, 'update to Postgres 15 or newer');
}

async function migrationFinding(client: pg.Client): Promise<Finding> {
  try {
    const { applied, pending } = await migrationState(client);
    if (pending.length === 0) return good('migrations', `all ${String(applied.length)} applied`);
    const found = `${String(applied.length)} applied, not yet: ${pending.join(', ')}`;
    return warning('migrations', found, 'start a node of this version: it applies them');
  } catch (error) {
    return bad(
      'migrations',
      becauseOf(error),
      'run the version of Corral that this database belongs to, or a newer one',
    );
  }
}

/** So many pairs of names are shown. */
const NAMES_SHOWN = 5;

/** Ids tell capitals from small letters, people do not: two that differ in nothing else are one device under two names, or soon mixed up. */
export async function namesFinding(client: pg.Client): Promise<Finding> {
  const { rows: found } = await client.query<{ isThere: boolean }>(
    `select to_regclass('device') is not null as "isThere"`,
  );
  if (found[0]?.isThere !== true) return good('device-names', 'there are no devices yet');
  const { rows } = await client.query<{ names: string[] }>(
    `select array_agg(id order by registered desc, id) as names from device
    group by lower(id) having count(*) > 1 order by min(id) limit ${String(NAMES_SHOWN + 1)}`,
  );
  if (rows.length === 0) return good('device-names', 'no two differ in capitals alone');
  const pairs = rows.slice(0, NAMES_SHOWN).map(({ names }) => names.join(' and '));
  const more = rows.length > NAMES_SHOWN ? ', and more' : '';
  return warning(
    'device-names',
    `${pairs.join(', ')}${more} differ in capitals alone`,
    'find out which one the device says (corral get), correct the other where it was typed, and let corral forget it',
  );
}

function connectionsFinding(settings: Settings): Finding {
  const most = Number(settings.get('max_connections'));
  const found = `max_connections is ${String(most)}`;
  if (most >= 2 * CONNECTIONS_PER_NODE) return good('connections', found);
  const wanted = String(2 * CONNECTIONS_PER_NODE);
  return warning(
    'connections',
    found,
    `a node takes up to ${String(CONNECTIONS_PER_NODE)}: allow ${wanted} for two`,
  );
}
