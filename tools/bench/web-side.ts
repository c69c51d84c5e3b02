/**
 * What most people would write instead: a web application that takes one report a request, and commits it in a transaction of
 * its own, which updates the device's row and adds a row to its history. It knows nothing of order, doubt or commands.
 */
import Fastify from 'fastify';
import type { AddressInfo } from 'node:net';
import pg from 'pg';
import { kinds } from '../../machines/kinds.ts';
import type { Report } from '../../machines/report.ts';
import { decode } from '../../src/wire/codec.ts';
import type { RoundOrder, RoundTimer } from './round.ts';
import type { RoundSide } from './runtime-side.ts';

/** Connections to Postgres: as many as two processors keep busy, waiting for the disk included. */
const CONNECTIONS = 20;

const UPDATE = {
  name: 'update',
  text: `update twin t set version = t.version + 1, path = $2, received_at = now(), measured_at = now(),
      boot = $3, seq = $4, up = $5, firmware = $6, reported = $7
    from device d where d.id = $1 and t.device = d.key returning t.device`,
};

const INSERT = {
  name: 'insert',
  text: `insert into report (device, incarnation, boot, seq, up, received_at, is_late, state, body)
    values ($1, 1, $2, $3, $4, now(), false, $5, $6)`,
};

const ONE_ROW = { report: 1, twin: 1, transition: 0, lease: 0, other: 0 };

/** Begins to listen. */
export async function startWebSide(
  { postgresUrl }: RoundOrder,
  timer: RoundTimer,
): Promise<RoundSide & { readonly port: number }> {
  const pool = new pg.Pool({ connectionString: postgresUrl, max: CONNECTIONS });
  const observe = new Map(kinds.map((kind) => [kind.name, kind.observe]));
  const app = Fastify();
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
  app.post<{ Params: { device: string }; Body: Buffer }>(
    '/devices/:device/reports',
    async (request, reply) => {
      timer.arrived();
      const decoded = decode(request.body);
      if (!decoded.ok) return reply.code(400).send(decoded);
      const report = decoded.value as Report;
      const path = observe.get(report.kind ?? '')?.(report) ?? report.state;
      await commitReport(pool, request.params.device, report, path);
      timer.committed(ONE_ROW);
      return reply.code(204).send();
    },
  );
  await app.listen({ host: '127.0.0.1', port: 0 });
  return {
    port: (app.server.address() as AddressInfo).port,
    stop: async () => {
      await app.close();
      await pool.end();
    },
  };
}

async function commitReport(pool: pg.Pool, id: string, report: Report, path: string): Promise<void> {
  const { boot, seq, up, state, firmware } = report;
  const body = JSON.stringify(report);
  const client = await pool.connect();
  try {
    await client.query('begin');
    const update = { ...UPDATE, values: [id, path, boot, seq, up, firmware ?? null, body] };
    const { rows } = await client.query<{ device: number }>(update);
    await client.query({ ...INSERT, values: [rows[0]?.device, boot, seq, up, state, body] });
    await client.query('commit');
    client.release();
  } catch (error) {
    client.release(true);
    throw error;
  }
}
