import { mkdir, open } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';

/** Strict: an acknowledged write survives a power cut. Relaxed: it survives the end of the process only. */
export type Durability = 'strict' | 'relaxed';

/** Only the owner may look into data directories. */
const DIRECTORY_MODE = 0o700;

/** Makes `directory` and its parents where they are missing; when it resolves, their entries are on stable storage. */
export async function makeDirectory(directory: string, durability: Durability): Promise<void> {
  const path = resolve(directory);
  const firstMade = await mkdir(path, { recursive: true, mode: DIRECTORY_MODE });
  if (durability === 'relaxed') return;
  // Where it was there, its own entry is synced all the same: the process that made it may not have done so yet.
  const top = dirname(firstMade === undefined ? path : resolve(firstMade));
  for (let at = dirname(path); ; at = dirname(at)) {
    await syncDirectory(at);
    if (at === top || at === dirname(at)) return;
  }
}

/** Syncs the entries of a directory. */
export async function syncDirectory(path: string): Promise<void> {
  await using handle = await open(path, 'r');
  await handle.sync();
}

/** What a directory's sync needs of an open file. */
export interface SyncHandle {
  sync(): Promise<void>;
  close(): void;
}

/**
 * Syncs one directory for many writers: those who ask while a sync runs share the next one.
 *
 * A sync that was asked for covers every entry made before; a failed one fails everybody who waited for it.
 */
export class DirectorySync implements AsyncDisposable {
  readonly #handle: SyncHandle;
  #running: Promise<void> | undefined;
  #next: Promise<void> | undefined;

  constructor(handle: SyncHandle) {
    this.#handle = handle;
  }

  /** Resolves when every entry made before the call is on stable storage. */
  sync(): Promise<void> {
    if (this.#running === undefined) return this.#start();
    this.#next ??= this.#running.then(
      () => this.#start(),
      () => this.#start(),
    );
    return this.#next;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // It may not be closed under a sync.
    await Promise.allSettled([this.#running, this.#next]);
    this.#handle.close();
  }

  #start(): Promise<void> {
    this.#next = undefined;
    const running = this.#handle.sync().finally(() => {
      if (this.#running === running) this.#running = undefined;
    });
    this.#running = running;
    return running;
  }
}
