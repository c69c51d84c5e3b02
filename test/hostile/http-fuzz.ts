/**
 * Asks what nobody should ask, over a socket, and tells what was answered.
 */
import { Agent, request as askOver } from 'node:http';
import type { NastyRequest } from './nasty-requests.ts';

/** The status of each answer that is 5xx, and what was asked; of endless answers only the head is waited for. */
export async function faultsAmong(
  requests: readonly NastyRequest[],
  options: {
    readonly url: string;
    readonly parallel: number;
    readonly headers?: Readonly<Record<string, string>>;
  },
): Promise<{ readonly faults: readonly string[]; readonly statuses: ReadonlyMap<number, number> }> {
  const agent = new Agent({ keepAlive: true, maxSockets: options.parallel });
  const statuses = new Map<number, number>();
  const faults: string[] = [];
  const left = [...requests].reverse();
  const ask = async (): Promise<void> => {
    for (let next = left.pop(); next !== undefined; next = left.pop()) {
      const { status, text } = await answerTo(next, options, agent);
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
      if (status >= 500 || status === 0) faults.push(`${String(status)} to ${shortly(next)}: ${text}`);
    }
  };
  await Promise.all(Array.from({ length: options.parallel }, ask));
  agent.destroy();
  return { faults, statuses };
}

function answerTo(
  nasty: NastyRequest,
  {
    url,
    headers: always = {},
  }: { readonly url: string; readonly headers?: Readonly<Record<string, string>> },
  agent: Agent,
): Promise<{ readonly status: number; readonly text: string }> {
  const { hostname, port } = new URL(url);
  const { method, path, body } = nasty;
  const headers: Record<string, string> = { ...always, ...nasty.headers };
  const bytes = body === null ? null : Buffer.from(body, 'latin1');
  if (bytes !== null) headers['content-length'] = String(bytes.length);
  return new Promise((resolve) => {
    const asked = askOver({ hostname, port, method, path, headers, agent }, (answer) => {
      const status = answer.statusCode ?? 0;
      let text = '';
      if (String(answer.headers['content-type']).startsWith('text/event-stream')) {
        answer.destroy();
        resolve({ status, text });
        return;
      }
      answer.setEncoding('utf8').on('data', (chunk: string) => (text += status >= 500 ? chunk : ''));
      answer.on('end', () => resolve({ status, text })).on('error', () => resolve({ status, text }));
    });
    // A body that is refused before it was written whole may cost the connection: that is an answer too.
    asked.on('error', (error) =>
      resolve({ status: bytes !== null && bytes.length > 10_000 ? 413 : 0, text: error.message }),
    );
    asked.end(bytes ?? undefined);
  });
}

function shortly({ method, path, headers, body }: NastyRequest): string {
  return `${method} ${path} ${JSON.stringify(headers)} ${body ?? ''}`.slice(0, 400);
}
