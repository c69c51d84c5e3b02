/**
 * What is around every view: the way home, the search, the connection, the token, and the keys that work everywhere.
 */
import type { ComponentChildren, VNode } from 'preact';
import { useEffect } from 'preact/hooks';
import { followLink, goTo } from '../route.ts';
import { ConnectionBanner, ConnectionMark } from './connection-notice.tsx';
import { Search, SEARCH_ID } from './search.tsx';
import { TokenDialog } from './token-dialog.tsx';

/** The frame of the page. */
export function Shell({ children }: { readonly children: ComponentChildren }): VNode {
  useEffect(() => {
    addEventListener('keydown', onKey);
    addEventListener('click', followLink);
    return () => {
      removeEventListener('keydown', onKey);
      removeEventListener('click', followLink);
    };
  }, []);
  return (
    <>
      <a class="skip" href="#main">
        To the content
      </a>
      <header class="top">
        <a class="home" href="/" aria-label="Corral: the fleet">
          <Mark />
          Corral
        </a>
        <Search />
        <ConnectionMark />
        <TokenDialog />
      </header>
      <ConnectionBanner />
      {children}
    </>
  );
}

function Mark(): VNode {
  return (
    <svg viewBox="0 0 32 32" width="22" height="22" aria-hidden="true">
      <path
        d="M5 11h22M5 20h22M9 6v21M23 6v21"
        fill="none"
        stroke="currentColor"
        stroke-width="3"
        stroke-linecap="round"
      />
      <circle cx="16" cy="15.5" r="3.4" class="mark-dot" />
    </svg>
  );
}

/** Keys without a modifier, and not while somebody writes. */
function onKey(event: KeyboardEvent): void {
  if (event.defaultPrevented || event.metaKey || event.ctrlKey || event.altKey) return;
  const target = event.target as HTMLElement | null;
  if (target?.matches('input, select, textarea, dialog *') === true) return;
  if (event.key === '/') {
    event.preventDefault();
    document.getElementById(SEARCH_ID)?.focus();
  } else if (event.key === 'u' && location.pathname !== '/') {
    goTo('/');
  } else if (event.key === 'j' || event.key === 'k') {
    document.getElementById('devices')?.focus();
  }
}
