import { randomUUID } from 'node:crypto';
import { PIN_EXPIRES_MS } from '../read-pins.ts';
import type { CallOptions } from '../store.ts';
import type { EmbeddedMetastore } from './metastore.ts';

/** A pin is renewed this often, in milliseconds: it may fail once. */
const RENEW_INTERVAL_MS = PIN_EXPIRES_MS / 3;
/**
 * How much earlier than the backup its pin begins, in milliseconds: what the snapshot has may be queued by a commit
 * that was under way before.
 */
const COMMIT_MS_MAX = 30_000;

export interface BackupPinOptions extends CallOptions {
  readonly nowMs: () => number;
}

/**
 * Keeps reclaim away from what is referenced when the promise resolves, until the result is disposed of or its process
 * has been gone for a minute.
 */
export async function pinForBackup(
  metastores: readonly EmbeddedMetastore[],
  { nowMs, signal }: BackupPinOptions,
): Promise<AsyncDisposable> {
  const id = `backup-${randomUUID()}`;
  const sinceMs = nowMs() - COMMIT_MS_MAX;
  const renew = async (options: CallOptions): Promise<void> => {
    const expiresAtMs = nowMs() + PIN_EXPIRES_MS;
    for (const metastore of metastores) await metastore.setPin({ id, sinceMs, expiresAtMs }, options);
  };
  await renew({ signal });
  let renewing = Promise.resolve();
  const timer = setInterval(() => {
    // Where this fails again and again, a blob may go; `backup` finds out when it misses one.
    renewing = renew({ signal }).catch(() => undefined);
  }, RENEW_INTERVAL_MS);
  return {
    async [Symbol.asyncDispose]() {
      clearInterval(timer);
      await renewing;
      const options = { signal: AbortSignal.timeout(PIN_EXPIRES_MS) };
      for (const metastore of metastores) await metastore.clearPin(id, options);
    },
  };
}
