import { randomBytes } from 'node:crypto';
import type { CallOptions } from '../store.ts';
import type { Cells, Key, Table } from './cells.ts';

/** Starts the name of no bucket and of no access key. */
const RESERVED = '~check/';
/** How long what a check wrote stays, in seconds. */
const TTL_SECONDS = 3600;

/** Shows that a table of names takes transactions now: by one on a partition that nobody else has. */
export class WriteCheck {
  readonly #cells: Cells;
  readonly #table: Table;
  readonly #partition: Key = [`${RESERVED}${randomBytes(8).toString('hex')}`];
  #sequence: number | undefined;

  constructor({ cells, table }: { readonly cells: Cells; readonly table: Table }) {
    this.#cells = cells;
    this.#table = table;
  }

  /** Throws `StoreError` where the table cannot be written. */
  async run(options: CallOptions): Promise<void> {
    const head = { sequence: (this.#sequence ?? 0) + 1, value: new Uint8Array() };
    const transaction = { ifSequence: this.#sequence, head, ttlSeconds: TTL_SECONDS };
    const outcome = await this.#cells.transact(this.#table, this.#partition, transaction, options);
    // A refusal is an answer of a quorum too: the last check's own write had been in doubt, or has expired.
    if (outcome === 'applied') this.#sequence = head.sequence;
    else this.#sequence = (await this.#cells.readHead(this.#table, this.#partition, options))?.sequence;
  }
}
