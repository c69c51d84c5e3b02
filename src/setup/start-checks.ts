/** What every start of a node looks at beside what it cannot do without, and writes into its log: as `corral doctor` says it. */
import type { Logger } from 'pino';
import pg from 'pg';
import { writeEvent } from '../telemetry/log-events.ts';
import type { HubConnection } from '../nats/connect.ts';
import { becauseOf, type Finding, warning } from './finding.ts';
import { hubSetup } from './hub-findings.ts';
import { storeSetup } from './store-findings.ts';

/** How long Postgres may take for the connection, and for the answer, ms. */
const ANSWER_MS = 5_000;

/** Logs whatever is not as it should be. It keeps no node from starting: what a node cannot do without, others have looked at. */
export async function logSetup(
  { natsUrl, postgresUrl }: { readonly natsUrl: string; readonly postgresUrl: string },
  { hub, log }: { readonly hub: HubConnection; readonly log: Logger },
): Promise<void> {
  const findings = await Promise.all([
    lookedAt('hub-setup', () => hubSetup(hub, natsUrl)),
    lookedAt('postgres-setup', () => postgresSetup(postgresUrl)),
  ]);
  for (const { check, verdict, found, advice } of findings.flat()) {
    if (verdict !== 'good') writeEvent(log, 'setup-finding', { check, verdict, found, advice });
  }
}

async function postgresSetup(connectionString: string): Promise<readonly Finding[]> {
  const client = new pg.Client({
    connectionString,
    application_name: 'corral',
    connectionTimeoutMillis: ANSWER_MS,
    query_timeout: ANSWER_MS,
  });
  client.on('error', () => undefined);
  try {
    await client.connect();
    return await storeSetup(client, connectionString);
  } finally {
    await client.end().catch(() => undefined);
  }
}

async function lookedAt(check: string, look: () => Promise<readonly Finding[]>): Promise<readonly Finding[]> {
  try {
    return await look();
  } catch (error) {
    return [warning(check, `could not be looked at: ${becauseOf(error)}`, 'corral doctor tries again')];
  }
}
