/**
 * A value that several parts of the page look at, and that one of them changes.
 */
import { useEffect, useState } from 'preact/hooks';

/** A value with listeners. */
export class Observable<T> {
  #value: T;
  readonly #listeners = new Set<() => void>();

  constructor(value: T) {
    this.#value = value;
  }

  /** What it is now. */
  get value(): T {
    return this.#value;
  }

  /** Changes it, and tells everybody; nobody is told that it is still the same. */
  set(value: T): void {
    if (Object.is(value, this.#value)) return;
    this.#value = value;
    for (const listener of this.#listeners) listener();
  }

  /** Calls `listener` at every change, until the returned function is called. */
  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}

/** The value, in a component that is drawn again when it changes. */
export function useObservable<T>(observable: Observable<T>): T {
  const [value, setValue] = useState(observable.value);
  useEffect(() => {
    // It may have changed between drawing and this.
    setValue(() => observable.value);
    return observable.subscribe(() => {
      setValue(() => observable.value);
    });
  }, [observable]);
  return value;
}
