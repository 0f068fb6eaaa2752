/** Every call ends promptly when `signal` fires, with the signal's reason. */
export interface CallOptions {
  readonly signal: AbortSignal;
}

/**
 * What a failed store call means for its caller.
 * - `unavailable`: nothing was written, and what was asked cannot be told; the call may be repeated.
 * - `storage-full`: like `unavailable`, because a watermark is reached: reads and deletes go on working.
 * - `in-doubt`: it may have been written. Repeat the same step under the same id; delete nothing after it.
 * - `corrupt`: what is stored is not what was written. It is never passed on.
 */
export type StoreErrorKind = 'unavailable' | 'storage-full' | 'in-doubt' | 'corrupt';

/** How stores fail. Absence and refused conditions are values, not errors. */
export class StoreError extends Error {
  override readonly name = 'StoreError';
  readonly kind: StoreErrorKind;

  constructor(kind: StoreErrorKind, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.kind = kind;
  }
}

/** What every store can do. */
export interface Store extends AsyncDisposable {
  /** One line for the start-up log: engine, place, durability. */
  readonly description: string;

  /** Writes and syncs something small. Throws `StoreError` where a write could not be acknowledged now. */
  checkWritable(options: CallOptions): Promise<void>;
}
