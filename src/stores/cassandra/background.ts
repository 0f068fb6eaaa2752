import type { CallOptions } from '../store.ts';

/** Tasks that run at one time; beyond it, whoever brings one waits for it. */
const TASKS_MAX = 256;

/**
 * Work that follows a reply: settling listings, forgetting what is done. Each piece may be lost at any moment, for
 * whoever meets what it left does it again.
 */
export class Background implements AsyncDisposable {
  readonly #stop = new AbortController();
  readonly #running = new Set<Promise<void>>();
  readonly #onError: (error: unknown) => void;

  constructor({ onError }: { onError: (error: unknown) => void }) {
    this.#onError = onError;
  }

  /** Starts `task`; resolves at once, or when it has ended where too many run. */
  async run(task: (options: CallOptions) => Promise<void>): Promise<void> {
    const running = this.#guard(task);
    this.#running.add(running);
    void running.finally(() => this.#running.delete(running));
    if (this.#running.size > TASKS_MAX) await running;
  }

  /** Waits for what runs now. */
  async idle(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running);
  }

  /** Waits for what runs, and starts nothing more. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.idle();
    this.#stop.abort();
  }

  async #guard(task: (options: CallOptions) => Promise<void>): Promise<void> {
    if (this.#stop.signal.aborted) return;
    try {
      await task({ signal: this.#stop.signal });
    } catch (error) {
      this.#onError(error);
    }
  }
}
