/**
 * HTTP as somebody uses it who knows nothing but `docs/http.md`: one request, and what it came to.
 */

/** What was answered; `null`: nothing that can be read. */
export interface HttpAnswer {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
}

/** May do everything over HTTP, and names who asks. */
export const OPERATE_TOKEN = 'a-token-that-may-operate';
const HEADERS = { authorization: `Bearer ${OPERATE_TOKEN}`, 'content-type': 'application/json' };
/** A connection on which nothing is heard for so long is given up, ms. */
const GIVE_UP_MS = 3_000;

/** Asks. Whatever goes wrong on the way is no answer. */
export async function ask(url: string, order?: object): Promise<HttpAnswer | null> {
  const method = order === undefined ? 'GET' : 'POST';
  const body = order === undefined ? {} : { body: JSON.stringify(order) };
  try {
    const signal = AbortSignal.timeout(GIVE_UP_MS);
    const response = await fetch(url, { method, headers: HEADERS, signal, ...body });
    return { status: response.status, body: (await response.json()) as HttpAnswer['body'] };
  } catch {
    return null;
  }
}

/** An event of a stream of server-sent events. */
export interface ServerSent {
  readonly id: string | null;
  readonly event: string;
  readonly data: Readonly<Record<string, unknown>>;
}

/** Reads events until the stream ends, breaks, or is aborted: it says which. */
export async function readEvents(
  url: string,
  options: { readonly lastId: string | null; readonly signal: AbortSignal },
  take: (event: ServerSent) => void,
): Promise<string> {
  const { lastId, signal } = options;
  const headers = lastId === null ? HEADERS : { ...HEADERS, 'last-event-id': lastId };
  try {
    const response = await fetch(url, { headers, signal });
    if (response.body === null || response.status !== 200) {
      await response.body?.cancel();
      return `status ${response.status}`;
    }
    let text = '';
    const decoder = new TextDecoder();
    for await (const bytes of response.body as unknown as AsyncIterable<Uint8Array>) {
      text += decoder.decode(bytes, { stream: true });
      const blocks = text.split('\n\n');
      text = blocks.pop() ?? '';
      for (const block of blocks) {
        const event = eventIn(block);
        if (event !== null) take(event);
      }
    }
    return 'ended';
  } catch (error) {
    if (!(error instanceof Error)) return String(error);
    return error.cause instanceof Error ? `${error.message}: ${error.cause.message}` : error.message;
  }
}

/** `null` for comments and for what only sets how soon to come back. */
function eventIn(block: string): ServerSent | null {
  const fields = new Map(
    block
      .split('\n')
      .filter((line) => !line.startsWith(':'))
      .map((line) => {
        const at = line.indexOf(': ');
        return [line.slice(0, at), line.slice(at + 2)] as const;
      }),
  );
  const event = fields.get('event');
  if (event === undefined) return null;
  return {
    id: fields.get('id') ?? null,
    event,
    data: JSON.parse(fields.get('data') ?? '') as ServerSent['data'],
  };
}
