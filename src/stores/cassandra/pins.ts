import type { Pin } from '../reclaim.ts';
import { RowReader, RowWriter } from '../rows/row-codec.ts';
import type { CallOptions } from '../store.ts';
import type { Key, RowChange } from './cells.ts';
import type { Context } from './context.ts';
import { bufferOf } from './key-head.ts';
import { PIN } from './tables.ts';

/** Pins of one store; each process has one or none. */
const PINS_MAX = 5_000;
/** A pin that expired this long ago is somebody's who is gone, in milliseconds. */
const FORGET_AFTER_MS = 24 * 3_600_000;
/** Attempts to change the pins, before it is given up. */
const ATTEMPTS_MAX = 64;
const PAUSE_MS_MAX = 200;

/** What reclaim must wait for: one small partition, changed by transactions. */
export class Pins {
  readonly #context: Context;

  constructor(context: Context) {
    this.#context = context;
  }

  async set({ id, sinceMs, expiresAtMs }: Pin, options: CallOptions): Promise<void> {
    const value = new RowWriter().integer(sinceMs).integer(expiresAtMs).finish();
    await this.#change([{ key: [id], value }], options);
  }

  async clear(id: string, options: CallOptions): Promise<void> {
    await this.#change([{ key: [id], value: undefined }], options);
  }

  /** The earliest time that a pin holds which has not expired; infinite where there is none. */
  async oldest(nowMs: number, options: CallOptions): Promise<number> {
    const slice = { limit: PINS_MAX };
    const serial = { ...options, isSerial: true };
    const rows = await this.#context.cells.readRows(PIN, this.#partition(), slice, serial);
    let oldestMs = Number.POSITIVE_INFINITY;
    const gone: RowChange[] = [];
    for (const { key, value } of rows) {
      const row = new RowReader(bufferOf(value));
      const sinceMs = row.integer();
      const expiresAtMs = row.integer();
      if (expiresAtMs > nowMs) oldestMs = Math.min(oldestMs, sinceMs);
      else if (expiresAtMs < this.#context.clock.nowMs() - FORGET_AFTER_MS) gone.push({ key, value: undefined });
    }
    if (gone.length > 0) await this.#change(gone, options);
    return oldestMs;
  }

  async #change(rows: readonly RowChange[], options: CallOptions): Promise<void> {
    const { cells, pause, random } = this.#context;
    for (let attempt = 1; ; attempt++) {
      const head = await cells.readHead(PIN, this.#partition(), options);
      const sequence = (head?.sequence ?? 0) + 1;
      const transaction = { ifSequence: head?.sequence, head: { sequence, value: new Uint8Array([1]) }, rows };
      const outcome = await cells.transact(PIN, this.#partition(), transaction, options);
      // Repeating it is harmless, so what was overtaken is done again.
      if (outcome === 'applied') return;
      if (attempt < ATTEMPTS_MAX) await pause(random() * Math.min(PAUSE_MS_MAX, 2 ** attempt), options);
    }
  }

  #partition(): Key {
    return [this.#context.store];
  }
}
