/**
 * Asks the node. What it refuses comes as a problem (RFC 9457), and what does not come at all as {@link NoAnswer}: the two are told
 * apart everywhere, because after the second nothing on the page is known to be true any more.
 */
import { learnServerTime } from './server-clock.ts';
import { token } from './token.ts';

/** The node has answered, and it was a refusal. */
export class ApiProblem extends Error {
  override readonly name = 'ApiProblem';
  readonly status: number;
  /** Stable; see `/problems`. */
  readonly code: string;
  /** For a command: what the node says is known of it; `null` where it does not say. */
  readonly acceptance: string | null;

  constructor(status: number, code: string, detail: string, acceptance: string | null = null) {
    super(detail);
    this.status = status;
    this.code = code;
    this.acceptance = acceptance;
  }
}

/** Nobody has answered. */
export class NoAnswer extends Error {
  override readonly name = 'NoAnswer';
}

/** How long an answer is waited for, ms. */
const ANSWER_WAIT_MS = 15_000;

/** An answer that takes longer is late: until it is there, what was answered before is not known to be true any more, ms. */
const ANSWER_LATE_MS = 4_000;

/** Calls `onLate` when the work takes so long that nobody can know what is true meanwhile. */
export async function noticeLate<T>(work: Promise<T>, onLate: () => void): Promise<T> {
  const timer = setTimeout(onLate, ANSWER_LATE_MS);
  try {
    return await work;
  } finally {
    clearTimeout(timer);
  }
}

/** An answer with what HTTP says about it. */
export interface Answer<T> {
  readonly status: number;
  readonly headers: Headers;
  /** `null` for an answer without a body, as 304 is. */
  readonly body: T | null;
}

/** How something is asked. */
export interface Asking {
  readonly method?: 'GET' | 'POST';
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  readonly signal?: AbortSignal;
}

/** The body of a GET. Throws {@link ApiProblem}, {@link NoAnswer}, and what `signal` was aborted with. */
export async function get<T>(path: string, signal?: AbortSignal): Promise<T> {
  const { body } = await ask<T>(path, signal === undefined ? {} : { signal });
  if (body === null) throw new NoAnswer(`${path} was answered without a body`);
  return body;
}

/** Asks for JSON. Throws {@link ApiProblem}, {@link NoAnswer}, and what `signal` was aborted with. */
export async function ask<T>(path: string, asking: Asking = {}): Promise<Answer<T>> {
  const response = await send(path, asking);
  if (response.status === 304) return { status: 304, headers: response.headers, body: null };
  const text = await bodyOf(path, response);
  if (!response.ok) throw problemOf(response, text);
  return {
    status: response.status,
    headers: response.headers,
    body: text === '' ? null : (JSON.parse(text) as T),
  };
}

/** The text of a GET, for what is not JSON. */
export async function getText(path: string, signal?: AbortSignal): Promise<string> {
  const response = await send(path, signal === undefined ? {} : { signal });
  const text = await bodyOf(path, response);
  if (!response.ok) throw problemOf(response, text);
  return text;
}

/** The headers that every question carries. */
export function authorized(headers: Readonly<Record<string, string>> = {}): Record<string, string> {
  const bearer = token();
  return bearer === null ? { ...headers } : { ...headers, authorization: `Bearer ${bearer}` };
}

async function send(path: string, { method = 'GET', headers, body, signal }: Asking): Promise<Response> {
  const patience = AbortSignal.timeout(ANSWER_WAIT_MS);
  const content: Record<string, string> = body === undefined ? {} : { 'content-type': 'application/json' };
  try {
    const response = await fetch(path, {
      method,
      headers: authorized({ ...content, ...headers }),
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: signal === undefined ? patience : AbortSignal.any([signal, patience]),
      cache: 'no-store',
    });
    learnServerTime(Date.parse(response.headers.get('date') ?? ''));
    return response;
  } catch (cause) {
    throw unanswered(path, cause, signal);
  }
}

async function bodyOf(path: string, response: Response): Promise<string> {
  try {
    return await response.text();
  } catch (cause) {
    throw unanswered(path, cause);
  }
}

function unanswered(path: string, cause: unknown, signal?: AbortSignal): unknown {
  if (signal?.aborted === true) return cause;
  return new NoAnswer(`${path} was not answered`, { cause });
}

function problemOf(response: Response, text: string): ApiProblem {
  const { status } = response;
  try {
    const body = JSON.parse(text) as Partial<Pick<ApiProblem, 'code' | 'acceptance'>> & {
      readonly detail?: string;
    };
    const { code = 'unknown', detail = response.statusText, acceptance = null } = body;
    return new ApiProblem(status, code, detail, acceptance);
  } catch {
    // Something between the browser and the node has answered in its own words.
    return new ApiProblem(status, 'unknown', `${String(status)} ${response.statusText}`);
  }
}
