/**
 * Which view is open, and with which filters: both are in the address, so that a view can be sent to somebody.
 */
import { useEffect, useState } from 'preact/hooks';

/** What the address says. */
export type Route =
  | { readonly view: 'fleet'; readonly query: URLSearchParams }
  | { readonly view: 'device'; readonly device: string; readonly query: URLSearchParams };

const MOVED = 'corral:moved';

/** Reads an address. */
export function routeOf(url: URL): Route {
  const device = /^\/devices\/([^/]+)$/.exec(url.pathname)?.[1];
  if (device === undefined) return { view: 'fleet', query: url.searchParams };
  return { view: 'device', device: decodeURIComponent(device), query: url.searchParams };
}

/** The address of a device's page. */
export function deviceAddress(device: string): string {
  return `/devices/${encodeURIComponent(device)}`;
}

/** Goes to an address of this page; `replace` leaves no trace for the way back. */
export function goTo(address: string, { replace = false }: { readonly replace?: boolean } = {}): void {
  if (replace) history.replaceState(null, '', address);
  else history.pushState(null, '', address);
  dispatchEvent(new Event(MOVED));
}

/** Changes the query of the address: `null` takes a parameter away. */
export function changeQuery(changes: Readonly<Record<string, string | null>>): void {
  const url = new URL(location.href);
  for (const [name, value] of Object.entries(changes)) {
    if (value === null) url.searchParams.delete(name);
    else url.searchParams.set(name, value);
  }
  goTo(`${url.pathname}${url.search}`, { replace: true });
}

/** The open view. */
export function useRoute(): Route {
  const [route, setRoute] = useState(() => routeOf(new URL(location.href)));
  useEffect(() => {
    const read = (): void => setRoute(routeOf(new URL(location.href)));
    addEventListener('popstate', read);
    addEventListener(MOVED, read);
    return () => {
      removeEventListener('popstate', read);
      removeEventListener(MOVED, read);
    };
  }, []);
  return route;
}

/** Follows a link inside the page without loading the page again. A click that asks for a new tab stays the browser's. */
export function followLink(event: MouseEvent): void {
  if (event.defaultPrevented || event.button !== 0) return;
  if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  const link = (event.target as Element | null)?.closest('a');
  if (link?.origin !== location.origin || link.target !== '' || !isView(link.pathname)) return;
  if (link.getAttribute('href')?.startsWith('#') === true) return;
  event.preventDefault();
  const isSameView = link.pathname === location.pathname;
  goTo(`${link.pathname}${link.search}`);
  if (link.hash !== '') document.getElementById(link.hash.slice(1))?.scrollIntoView({ block: 'nearest' });
  else if (!isSameView) scrollTo(0, 0);
}

function isView(path: string): boolean {
  return path === '/' || path.startsWith('/devices/');
}
