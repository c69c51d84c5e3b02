/**
 * A link with dead spots. While its device has no reception nothing gets through in either direction, and the hub is not
 * told; commands sent meanwhile are lost, as they are in a garage.
 */
import type { DeviceLink, LinkListener } from '../../src/device/ports.ts';

/** A link that can be told to lose its reception. */
export class PatchyLink implements DeviceLink {
  readonly #link: DeviceLink;
  #listener: LinkListener | null = null;
  #hasReception = true;

  constructor(link: DeviceLink) {
    this.#link = link;
  }

  get hasReception(): boolean {
    return this.#hasReception;
  }

  set hasReception(hasReception: boolean) {
    if (this.#hasReception === hasReception) return;
    this.#hasReception = hasReception;
    if (hasReception) this.#listener?.restored();
  }

  async publish(payload: Uint8Array): Promise<void> {
    if (!this.#hasReception) throw new Error('no reception');
    await this.#link.publish(payload);
  }

  listen(listener: LinkListener): () => Promise<void> {
    this.#listener = listener;
    const stop = this.#link.listen({
      command: (payload) => {
        if (this.#hasReception) listener.command(payload);
      },
      restored: () => {
        if (this.#hasReception) listener.restored();
      },
    });
    return async () => {
      this.#listener = null;
      await stop();
    };
  }
}
