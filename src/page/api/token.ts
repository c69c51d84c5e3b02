/**
 * The bearer token the user has entered. It is kept for as long as the tab is open and never longer: a token that commands devices
 * does not belong into a browser's permanent storage.
 */
const KEY = 'corral.token';

/** The token, or `null` when none was entered. */
export function token(): string | null {
  return sessionStorage.getItem(KEY);
}

/** Keeps a token; `null` forgets it. */
export function keepToken(entered: string | null): void {
  if (entered === null || entered === '') sessionStorage.removeItem(KEY);
  else sessionStorage.setItem(KEY, entered);
}
