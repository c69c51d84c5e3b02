/**
 * An answer of the node, kept up to date: asked again whenever `revision` changes. While it is asked again the last one stays; when
 * that fails, it goes: an old answer is never shown as if it were a new one.
 */
import { useEffect, useState } from 'preact/hooks';
import { get } from '../api/request.ts';

/** What is known of the answer. */
export interface Asked<T> {
  readonly answer: T | null;
  readonly failure: unknown;
}

/** The answer of `read`, which is GET of the path unless told otherwise. A new path begins anew. */
export function useAnswer<T>(
  path: string,
  revision: unknown,
  read: (path: string, signal: AbortSignal) => Promise<T> = get,
): Asked<T> {
  const [asked, setAsked] = useState<Asked<T> & { readonly path: string }>({
    path,
    answer: null,
    failure: null,
  });
  useEffect(() => {
    const ended = new AbortController();
    read(path, ended.signal).then(
      (answer) => {
        if (!ended.signal.aborted) setAsked({ path, answer, failure: null });
      },
      (failure: unknown) => {
        if (!ended.signal.aborted) setAsked({ path, answer: null, failure });
      },
    );
    return () => ended.abort();
  }, [path, revision]);
  return asked.path === path ? asked : { answer: null, failure: null };
}
