/**
 * Chooses the stretch of time that is shown: how long, and up to when.
 */
import type { VNode } from 'preact';
import { serverNow } from '../api/server-clock.ts';
import { changeQuery } from '../route.ts';
import { type HistoryWindow, LENGTHS } from './history-window.ts';

/** The buttons, and the moment. */
export function WindowPicker({ shown }: { readonly shown: HistoryWindow }): VNode {
  const { until } = shown;
  return (
    <div class="window-picker" role="group" aria-label="Stretch of time">
      {LENGTHS.map(({ name, label }) => (
        <button
          key={name}
          type="button"
          aria-pressed={name === shown.name}
          onClick={() => changeQuery({ window: name })}
        >
          {label}
        </button>
      ))}
      <label>
        before
        <input
          type="datetime-local"
          step="1"
          aria-label="before this moment, UTC"
          value={until === null ? '' : new Date(until).toISOString().slice(0, 19)}
          onChange={({ currentTarget: { value } }) =>
            changeQuery({ until: value === '' ? null : `${value}Z` })
          }
        />
        UTC
      </label>
      {until === null ? (
        <button type="button" class="quiet" onClick={() => changeQuery({ until: isoNow() })}>
          Hold still
        </button>
      ) : (
        <button type="button" class="quiet" onClick={() => changeQuery({ until: null })}>
          Back to now
        </button>
      )}
    </div>
  );
}

function isoNow(): string | null {
  const now = serverNow();
  return now === null ? null : new Date(now).toISOString();
}
