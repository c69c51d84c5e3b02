/**
 * Tells the log of answers of 500 and above: of one route and one code at most one line a while, with how many were left out. Whoever asks
 * decides how often that happens (2,000 times in ten seconds may one address), and must not fill the disk with what he is refused.
 */
import type { FastifyRequest } from 'fastify';
import { writeEvent } from '../telemetry/log-events.ts';
import type { Clock } from '../runtime/ports.ts';
import type { ProblemCode } from './problem.ts';

/** Of one route and code at most one line in this time, ms. */
export const FAILURE_LINE_MS = 10_000;

/** The failures of one node. */
export class FailureLog {
  readonly #clock: Clock;
  /** By route and code, of which there are few: when a line was written, and how many were left out since. */
  readonly #last = new Map<string, { readonly at: number; leftOut: number }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** A request was answered with `code`, because of `err`. */
  note(request: FastifyRequest, code: ProblemCode, err: unknown): void {
    const { method, url, routeOptions } = request;
    const sort = `${code} ${routeOptions.url ?? ''}`;
    const at = this.#clock.monotonic();
    const last = this.#last.get(sort);
    if (last !== undefined && at - last.at < FAILURE_LINE_MS) {
      last.leftOut += 1;
      return;
    }
    this.#last.set(sort, { at, leftOut: 0 });
    writeEvent(request.log, 'http-failed', { method, url, code, err, leftOut: last?.leftOut ?? 0 });
  }
}
