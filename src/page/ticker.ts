/**
 * Counts on. Ages on the page tick once a second, all in the same moment, and not while nobody looks.
 */
import { useEffect, useState } from 'preact/hooks';

const listeners = new Set<() => void>();
let timer: number | null = null;

function beat(): void {
  if (document.hidden) return;
  for (const listener of listeners) listener();
}

/** The monotonic clock, ms: the component is drawn again every second. */
export function useTick(): number {
  const [now, setNow] = useState(() => performance.now());
  useEffect(() => {
    const listener = (): void => setNow(performance.now());
    listeners.add(listener);
    timer ??= window.setInterval(beat, 1_000);
    document.addEventListener('visibilitychange', listener);
    return () => {
      listeners.delete(listener);
      document.removeEventListener('visibilitychange', listener);
      if (listeners.size > 0 || timer === null) return;
      window.clearInterval(timer);
      timer = null;
    };
  }, []);
  return now;
}
