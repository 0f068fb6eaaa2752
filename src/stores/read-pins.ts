import type { Metastore } from './metastore.ts';

/** Longest time between the start of a read and the moment its pin is in the store, in milliseconds. */
export const PIN_AFTER_MS = 5_000;
/** How long a pin holds without being renewed, in milliseconds. */
export const PIN_EXPIRES_MS = 60_000;

/**
 * Keeps reclaim away from blobs that a running read may still need.
 *
 * A read begins before its version is looked up and ends with its last byte. Reclaim lets every blob rest for longer
 * than `PIN_AFTER_MS`, so short reads cost nothing; for longer ones a pin with the time of the oldest stands in the
 * metastore, renewed while it lasts.
 */
export interface ReadPins extends AsyncDisposable {
  /** Begins a read; dispose of the result when the read has ended. */
  begin(metastore: Metastore): Disposable;
}
