import { setTimeout as sleep } from 'node:timers/promises';

/** How fast a load goes: as fast as it can, but for the time in which something else needs the processors. */
export class Pace {
  readonly #restMs: number;
  /** Resolves when the clients need not rest any more. */
  #spared: Promise<void> | undefined;

  /** @param restMs What a client that spares the processors rests before each request, in milliseconds. */
  constructor(restMs: number) {
    this.#restMs = restMs;
  }

  /** Clients wait for this before each request. */
  readonly turn = async (): Promise<void> => {
    if (this.#spared !== undefined) await Promise.race([this.#spared, sleep(this.#restMs, undefined, { ref: false })]);
  };

  /** Runs `work` while clients rest. */
  async spare(work: () => Promise<void>): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#spared = promise;
    try {
      await work();
    } finally {
      this.#spared = undefined;
      resolve();
    }
  }
}
