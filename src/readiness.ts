import type { NamedStore } from './server.ts';

/** How long one store may take to show that it can write, in milliseconds. */
const CHECK_MS_MAX = 5_000;
/** How long a result is given again, in milliseconds: asking often costs no more writes. */
const RESULT_MS_MAX = 1_000;

/** Whether a server can serve, as `/health/ready` answers it. */
export interface Health {
  readonly status: 200 | 503;
  /** One line for each store. */
  readonly body: string;
}

export const LIVE: Health = { status: 200, body: 'live\n' };

/**
 * Ready means: every store can write. Each writes and syncs something small, at most once a second however many ask.
 */
export class Readiness {
  readonly #stores: readonly NamedStore[];
  readonly #closing: AbortSignal;
  #checking: Promise<Health> | undefined;
  #endedAtMs = Number.NEGATIVE_INFINITY;
  #isRunning = false;

  /** Not ready any more once `closing` fires. */
  constructor(stores: readonly NamedStore[], { closing }: { closing: AbortSignal }) {
    this.#stores = stores;
    this.#closing = closing;
  }

  async check(): Promise<Health> {
    if (this.#closing.aborted) return { status: 503, body: 'stopping\n' };
    const isOld = !this.#isRunning && performance.now() - this.#endedAtMs > RESULT_MS_MAX;
    if (this.#checking === undefined || isOld) this.#checking = this.#run();
    return await this.#checking;
  }

  async #run(): Promise<Health> {
    this.#isRunning = true;
    try {
      const signal = AbortSignal.any([AbortSignal.timeout(CHECK_MS_MAX), this.#closing]);
      const results = await Promise.all(this.#stores.map((named) => checkStore(named, signal)));
      const isReady = results.every(({ ok }) => ok);
      return { status: isReady ? 200 : 503, body: results.map(({ line }) => line).join('') };
    } finally {
      this.#isRunning = false;
      this.#endedAtMs = performance.now();
    }
  }
}

async function checkStore({ name, store }: NamedStore, signal: AbortSignal): Promise<{ ok: boolean; line: string }> {
  try {
    await store.checkWritable({ signal });
    return { ok: true, line: `${name}: ready\n` };
  } catch (error) {
    // Said in full, for whoever asks is told nothing else; the requests that fail are logged.
    return { ok: false, line: `${name}: not ready: ${reasonOf(error)}\n` };
  }
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.name === 'TimeoutError' ? `no answer within ${CHECK_MS_MAX / 1000} s` : error.message;
}
