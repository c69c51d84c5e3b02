/**
 * Says that something could not be read, and why: in place of what would be there, never beside an old answer that looks like a new one.
 */
import type { VNode } from 'preact';
import { ApiProblem } from '../api/request.ts';

/** One sentence for whatever went wrong. */
export function sentenceOf(error: unknown): string {
  if (error instanceof ApiProblem) {
    if (error.status === 401) return `A token is needed: ${error.message}`;
    return `${error.message} (${error.code})`;
  }
  return error instanceof Error ? error.message : String(error);
}

/** The sentence, where something is missing. */
export function Failure({ error }: { readonly error: unknown }): VNode {
  return (
    <p class="failure" role="alert">
      {sentenceOf(error)}
    </p>
  );
}
