/** Devices that post their reports to the web application: each of so many connections sends one after the other. */
import { Agent, request } from 'node:http';
import type { FleetMessage } from './fleet-mix.ts';

const CONNECTIONS = 64;

/** Posts all messages; rejects when one is not taken. */
export async function postAll(port: number, messages: Iterator<FleetMessage>): Promise<void> {
  const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS });
  const worker = async (): Promise<void> => {
    for (let next = messages.next(); next.done !== true; next = messages.next()) {
      await post({ agent, port, ...next.value });
    }
  };
  try {
    await Promise.all(Array.from({ length: CONNECTIONS }, worker));
  } finally {
    agent.destroy();
  }
}

function post(options: {
  readonly agent: Agent;
  readonly port: number;
  readonly device: string;
  readonly payload: Uint8Array;
}): Promise<void> {
  const { agent, port, device, payload } = options;
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/octet-stream', 'content-length': payload.length };
    const posting = request(
      { agent, port, host: '127.0.0.1', method: 'POST', path: `/devices/${device}/reports`, headers },
      (response) => {
        response.resume();
        response.once('end', () => {
          if (response.statusCode === 204) resolve();
          else reject(new Error(`the web application answered ${String(response.statusCode)}`));
        });
      },
    );
    posting.once('error', reject);
    posting.end(payload);
  });
}
