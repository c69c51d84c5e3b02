/**
 * Where the user enters the token: to look, where the node asks for one, and to command.
 */
import type { VNode } from 'preact';
import { useRef, useState } from 'preact/hooks';
import { keepToken, token } from '../api/token.ts';

/** A button and its dialog. The token is kept in this tab alone; every view starts again with it. */
export function TokenDialog(): VNode {
  const dialog = useRef<HTMLDialogElement>(null);
  const [entered, setEntered] = useState('');
  const has = token() !== null;

  const keep = (value: string | null): void => {
    keepToken(value?.trim() ?? null);
    location.reload();
  };

  return (
    <>
      <button
        type="button"
        class="quiet"
        aria-label={has ? 'Token: one is kept' : 'Enter a token'}
        onClick={() => dialog.current?.showModal()}
      >
        {has ? 'Token ✓' : 'Token'}
      </button>
      <dialog ref={dialog} aria-labelledby="token-title">
        <form
          method="dialog"
          onSubmit={(event) => {
            event.preventDefault();
            if (entered.trim() !== '') keep(entered);
          }}
        >
          <h2 id="token-title">Token</h2>
          <p>
            A token for operating lets this page send commands. It is kept in this tab and forgotten when the
            tab is closed.
          </p>
          <label>
            Token
            <input
              type="password"
              name="token"
              autocomplete="off"
              spellcheck={false}
              value={entered}
              onInput={(event) => setEntered(event.currentTarget.value)}
            />
          </label>
          <div class="buttons">
            <button type="submit">Keep it</button>
            {has && (
              <button type="button" onClick={() => keep(null)}>
                Forget it
              </button>
            )}
            <button type="button" onClick={() => dialog.current?.close()}>
              Cancel
            </button>
          </div>
        </form>
      </dialog>
    </>
  );
}
