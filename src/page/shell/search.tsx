/**
 * The search for a device by a part of its id. On the fleet's view it narrows the list; from elsewhere it leads there.
 */
import type { VNode } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { changeQuery, goTo, useRoute } from '../route.ts';

/** The id of the field, for the key that leads to it. */
export const SEARCH_ID = 'search';

/** Somebody who types fast asks once, ms. */
const PAUSE_MS = 120;

/** The field. Enter goes to the list, where Enter opens a device. */
export function Search(): VNode {
  const route = useRoute();
  const wanted = route.view === 'fleet' ? (route.query.get('q') ?? '') : '';
  const [text, setText] = useState(wanted);
  // What was asked for last. An effect may come later than Enter: it would ask again, and lead back from whatever is opened meanwhile.
  const asked = useRef(wanted);
  const cancel = useRef<() => void>(() => undefined);
  useEffect(() => {
    asked.current = wanted;
    setText(wanted);
  }, [wanted]);
  useEffect(() => {
    if (text === asked.current) return undefined;
    const timer = setTimeout(() => narrow(text), PAUSE_MS);
    cancel.current = () => clearTimeout(timer);
    return cancel.current;
  }, [text]);

  return (
    <form
      role="search"
      onSubmit={(event) => {
        event.preventDefault();
        cancel.current();
        asked.current = text;
        narrow(text);
        document.getElementById('devices')?.focus();
      }}
    >
      <label class="visually-hidden" for={SEARCH_ID}>
        Search by id
      </label>
      <input
        id={SEARCH_ID}
        type="search"
        placeholder="Search by id"
        aria-keyshortcuts="/"
        autocomplete="off"
        spellcheck={false}
        maxLength={64}
        value={text}
        // Nothing else is in any id.
        onInput={({ currentTarget }) => setText(currentTarget.value.replaceAll(/[^A-Za-z0-9_-]/g, ''))}
        onKeyDown={(event) => {
          if (event.key === 'ArrowDown') document.getElementById('devices')?.focus();
        }}
      />
      <kbd aria-hidden="true">/</kbd>
    </form>
  );
}

function narrow(text: string): void {
  if (location.pathname === '/') changeQuery({ q: text === '' ? null : text });
  else if (text !== '') goTo(`/?q=${encodeURIComponent(text)}`);
}
