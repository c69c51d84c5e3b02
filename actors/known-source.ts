/** What is known of the source of a device to the owner of the device, who need not be the owner of the source. */
import type { Twin } from './twin.ts';

/** What is known of a source to those who decide about its devices. */
export interface Source {
  readonly id: string;
  readonly site: string;
  /** The boot of its newest report: the session in which it speaks. */
  readonly session: number;
  /** When anything was last heard of it. */
  readonly heardAt: number;
  /** Since when it is silent, or who speaks for it is; `null` while it is heard. */
  readonly awaySince: number | null;
  /** Who speaks for it; `null` where it speaks itself. */
  readonly via: string | null;
  /** Since when it is known to play again what was said before; `null` while it does not. */
  readonly replaysSince: number | null;
}

/** So many sources may speak for each other; the device of a longer chain is judged as if it spoke itself. */
export const SOURCE_CHAIN_MAX = 4;

/** The source of this name as it counts for a device; `null` where it is no reason for anything. */
export function sourceFor(
  { device, site }: Pick<Twin, 'device' | 'site'>,
  id: string,
  known: (id: string) => Source | undefined,
): Source | null {
  const source = known(id);
  if (source?.site !== site) return null;
  let next: Source | undefined = source;
  for (let length = 1; next !== undefined && next.via !== null; length += 1) {
    if (next.via === device || length === SOURCE_CHAIN_MAX) return null;
    next = known(next.via);
  }
  return source;
}
