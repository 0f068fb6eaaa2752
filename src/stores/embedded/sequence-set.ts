/** Sequences in one array of bits. */
const PAGE_BITS = 32_768;

/** A set of sequences that costs about one bit for each that was ever given out, seen or not. */
export class SequenceSet {
  readonly #pages = new Map<number, Uint8Array>();

  add(sequence: number): void {
    const index = Math.floor(sequence / PAGE_BITS);
    const page = this.#pages.get(index) ?? new Uint8Array(PAGE_BITS / 8);
    this.#pages.set(index, page);
    const bit = sequence % PAGE_BITS;
    page[bit >> 3] = (page[bit >> 3] ?? 0) | (1 << (bit & 7));
  }

  has(sequence: number): boolean {
    const page = this.#pages.get(Math.floor(sequence / PAGE_BITS));
    const bit = sequence % PAGE_BITS;
    return page !== undefined && ((page[bit >> 3] ?? 0) & (1 << (bit & 7))) !== 0;
  }
}
