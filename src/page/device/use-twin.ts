/**
 * The twin of one device, as the node says it now. It is read again when the node tells of a change, and every few seconds with its
 * entity tag: qualities change by the passing of time alone.
 */
import { useEffect, useRef, useState } from 'preact/hooks';
import type { Heard } from '../ageing.ts';
import { ApiProblem, ask, noticeLate } from '../api/request.ts';
import { learnServerTime, serverNow } from '../api/server-clock.ts';
import type { Twin } from '../api/twin.ts';
import { connection, useEvents } from '../connection.ts';
import { useObservable } from '../observable.ts';

/** How often it is asked whether anything has changed, ms. */
const ASK_MS = 2_000;

/** The status with which the node says that the device is forgotten. */
const FORGOTTEN = 410;

/** Many changes in a row are read as one, ms. */
const GATHER_MS = 60;

/** What is known of the twin. */
export interface KnownTwin {
  readonly twin: Heard<Twin> | null;
  /** What the node refused; a device that does not exist, for one. */
  readonly problem: ApiProblem | null;
  /** True while an answer is due for longer than it should take. */
  readonly isLate: boolean;
  /** When the node told last how it is, server time, ms epoch. */
  readonly toldAt: number | null;
  /** Grows with everything that was told of the device: what was asked about it is asked again. */
  readonly revision: number;
  /** Asks now, for whoever has just changed something. */
  readonly refresh: () => void;
}

/** Follows a device. */
export function useTwin(device: string): KnownTwin {
  const path = `/v1/devices/${encodeURIComponent(device)}`;
  const [twin, setTwin] = useState<Heard<Twin> | null>(null);
  const [problem, setProblem] = useState<ApiProblem | null>(null);
  const [isLate, setLate] = useState(false);
  const [toldAt, setToldAt] = useState<number | null>(null);
  const [revision, setRevision] = useState(0);
  const tag = useRef<string | null>(null);
  const gathering = useRef<number | null>(null);

  const read = async (signal?: AbortSignal): Promise<void> => {
    const condition: Record<string, string> = tag.current === null ? {} : { 'if-none-match': tag.current };
    try {
      const asked = ask<Twin>(path, { headers: condition, ...(signal && { signal }) });
      const { body, headers } = await noticeLate(asked, () => setLate(true));
      setProblem(null);
      setLate(false);
      if (body !== null) learnTime(body);
      setToldAt(serverNow());
      if (body === null) return;
      tag.current = headers.get('etag');
      setTwin({ said: body, heardAt: performance.now() });
      setRevision((number) => number + 1);
    } catch (error) {
      // That nobody answers is what the connection is there to tell.
      if (!(error instanceof ApiProblem)) return;
      setProblem(error);
      if (error.status !== FORGOTTEN) return;
      // Nothing of it is kept, here neither.
      tag.current = null;
      setTwin(null);
    }
  };
  const refresh = (): void => {
    gathering.current ??= window.setTimeout(() => {
      gathering.current = null;
      void read();
    }, GATHER_MS);
  };

  // What was asked meanwhile may have failed, also where the twin is the same as before: it is asked again.
  const isKnown = useObservable(connection).type !== 'lost' && problem === null && !isLate;
  const wasKnown = useRef(isKnown);
  useEffect(() => {
    if (isKnown && !wasKnown.current) setRevision((number) => number + 1);
    wasKnown.current = isKnown;
  }, [isKnown]);

  useEffect(() => {
    const ended = new AbortController();
    void read(ended.signal);
    const timer = window.setInterval(() => {
      if (!document.hidden) void read(ended.signal);
    }, ASK_MS);
    return () => {
      ended.abort();
      clearInterval(timer);
      if (gathering.current !== null) clearTimeout(gathering.current);
    };
  }, [path]);
  // A device that nobody knows yet is there from its first event on. The stream is opened without waiting for the twin: whether the node
  // is there has to be known also where it never says anything of the device.
  useEvents(problem?.status === 404 || problem?.status === FORGOTTEN ? '/v1/events' : `${path}/events`, {
    onEvent: ({ event, data }) => {
      if ((data as { readonly device?: string }).device !== device && event !== 'gone') return;
      // What became of a command may leave the twin as it was.
      if (event === 'outcome') setRevision((number) => number + 1);
      refresh();
    },
    onLive: refresh,
  });
  return { twin, problem, isLate, toldAt, revision, refresh };
}

/** What was measured then is so old by now, at the server. */
function learnTime({ asOf, ageMs }: Twin): void {
  if (asOf !== null && ageMs !== null) learnServerTime(Date.parse(asOf) + ageMs);
}
