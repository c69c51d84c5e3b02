/**
 * A link that is down until it is released: the outage in which a device buffers its period.
 */
import type { DeviceLink, LinkListener } from '../../src/device/ports.ts';

/** See the head of this file. */
export class HeldLink implements DeviceLink {
  readonly #link: DeviceLink;
  #isHeld = true;
  /** The publish that hangs, as on a line that went dead. */
  #fail: (() => void) | null = null;
  #listener: LinkListener | null = null;
  #stopListening: (() => Promise<void>) | null = null;

  constructor(link: DeviceLink) {
    this.#link = link;
  }

  publish(payload: Uint8Array): Promise<void> {
    if (!this.#isHeld) return this.#link.publish(payload);
    return new Promise((_resolve, reject) => {
      this.#fail = () => {
        reject(new Error('the link was down'));
      };
    });
  }

  listen(listener: LinkListener): () => Promise<void> {
    this.#listener = listener;
    if (!this.#isHeld) this.#stopListening = this.#link.listen(listener);
    return async () => {
      this.#listener = null;
      await this.#stopListening?.();
    };
  }

  /** The link stands from now on. */
  release(): void {
    if (!this.#isHeld) return;
    this.#isHeld = false;
    if (this.#listener !== null) this.#stopListening = this.#link.listen(this.#listener);
    this.#fail?.();
  }
}
